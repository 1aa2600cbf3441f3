import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { within } from '../../../core/within.ts'

const late = (): Error => new Error('late')

/** This process does nothing else for so long, as one that is not given the processor. */
function stall(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

describe('a wait for an answer', () => {
  it('gives the answer, or what it failed with', async () => {
    await expect(within(15_000, Promise.resolve('answer'), late)).resolves.toBe('answer')
    await expect(within(15_000, Promise.reject(new Error('refused')), late)).rejects.toThrow('refused')
  })

  it('ends when nothing comes', async () => {
    await expect(within(20, new Promise(() => undefined), late)).rejects.toThrow('late')
  })

  it('takes the answer that came while this process did not run', async () => {
    const server = createServer((socket) => void socket.on('data', (bytes) => socket.write(bytes)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const client = connect({ port: typeof address === 'object' ? (address?.port ?? 0) : 0, host: '127.0.0.1' })
    try {
      await once(client, 'connect')
      // Both ends are open and read: all that is left for after the stall is to read, to answer, and to read the answer.
      client.write('hello')
      await once(client, 'data')
      const answer = once(client, 'data').then(([bytes]) => String(bytes))
      // The wait is over, but the answer is only read, asked for and answered, in the turns after the stall.
      const waited = within(250, answer, late)
      client.write('there')
      stall(500)
      await expect(waited).resolves.toBe('there')
    } finally {
      client.destroy()
      server.close()
    }
  })

  it('ends also when this process did not run and nothing came', async () => {
    const waited = within(20, new Promise(() => undefined), late)
    stall(150)
    await expect(waited).rejects.toThrow('late')
  })
})
