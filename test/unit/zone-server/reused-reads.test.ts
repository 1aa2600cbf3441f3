import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { withReusedReads } from '../../../zone-server/transport/reused-reads.ts'
import { until } from './world-kit.ts'

const open: { destroy(): void }[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

/** A server that answers what comes, behind the first bytes, and what it read into. */
async function echo() {
  const buffers = new Set<Buffer>()
  const server = createServer((accepted) => {
    open.push(accepted)
    accepted.once('data', () => {
      const socket = withReusedReads(accepted, (bytes, length) => {
        buffers.add(bytes)
        socket.write(Buffer.from(bytes.subarray(0, length)))
      })
      open.push(socket)
      socket.write('begun')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  open.push(client)
  let heard = ''
  client.on('data', (chunk) => {
    heard += chunk.toString()
  })
  const says = async (text: string): Promise<string> => {
    const before = heard.length
    client.write(text)
    await until(() => heard.length > before)
    return heard.slice(before)
  }
  return { server, client, buffers, says }
}

describe('an accepted socket that reads into one buffer', () => {
  it('carries what comes, always in the same buffer, and is gone from the server when it ends', async () => {
    const { server, client, buffers, says } = await echo()
    expect(await says('hello')).toBe('begun')
    for (const text of ['one', 'two', 'three']) expect(await says(text)).toBe(text)
    expect(buffers.size).toBe(1)
    client.end()
    await once(client, 'close')
    server.close()
    await once(server, 'close')
  })

  it('reads as streams do where there is no handle to take', () => {
    const heard: string[] = []
    const unconnected = new Socket()
    open.push(unconnected)
    expect(withReusedReads(unconnected, (bytes, length) => heard.push(bytes.toString('utf8', 0, length)))).toBe(unconnected)
    unconnected.push('one')
    unconnected.read()
    expect(heard).toEqual(['one'])
  })
})
