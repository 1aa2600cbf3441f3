import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import { z } from '../../../core/validate/index.ts'
import { Connections, type Tracked } from '../../../platform/http/connections.ts'
import { createHttpApp, route, serve } from '../../../platform/http/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'

class Fake implements Tracked {
  readonly network: string
  readonly site: string | undefined
  requests = 0
  waiting = false
  kept = false

  constructor(network: string, site?: string) {
    this.network = network
    this.site = site
  }

  isWaiting(): boolean {
    return this.waiting
  }
}

/** So many of one network. */
const crowd = (network: string, count: number): Fake[] => Array.from({ length: count }, () => new Fake(network))

test('beyond the limit the one goes that was quiet the longest, of the network that has the most', () => {
  const table = new Connections<Fake>(10)
  const honest = crowd('honest', 3)
  const slow = crowd('slow', 7)
  for (const each of [...honest, ...slow]) expect(table.add(each)).toBeUndefined()
  for (const [at, more] of crowd('slow', 20).entries()) {
    const gone = table.add(more)
    if (at < slow.length) expect(gone).toBe(slow[at])
    expect(gone?.network).toBe('slow')
  }
  // Who has few is let in, and costs those who have many.
  expect(table.add(new Fake('another'))?.network).toBe('slow')
  expect(table.size).toBe(10)
})

test('of a crowd that comes from everywhere the oldest goes', () => {
  const table = new Connections<Fake>(100)
  const all = Array.from({ length: 1_000 }, (_, at) => new Fake(`network ${at}`))
  const gone = all.map((each) => table.add(each)).filter((each) => each !== undefined)
  expect(gone.map(({ network }) => network)).toEqual(all.slice(0, 900).map(({ network }) => network))
})

test('a site whose owner comes from another of its networks each time loses its own, beyond what sixteen networks may have', () => {
  const table = new Connections<Fake>(100)
  const open = new Set<Fake>()
  const come = (one: Fake): Fake | undefined => {
    open.add(one)
    const gone = table.add(one)
    if (gone !== undefined) open.delete(gone)
    return gone
  }
  const held = (of: (one: Fake) => boolean): number => [...open].filter(of).length
  const honest = [...crowd('honest', 4), new Fake('neighbour', 'honest site')]
  for (const each of honest) come(each)
  const gone = Array.from({ length: 500 }, (_, at) => come(new Fake(`network ${at}`, 'site'))).filter((each) => each !== undefined)
  // Its oldest first, and each of it once.
  expect(gone.map(({ network }) => network)).toEqual(Array.from({ length: 405 }, (_, at) => `network ${at}`))
  // Where it has no more than sixteen times as many as another network, that one has the most.
  for (const each of crowd('slow', 200)) come(each)
  const [ofSite, slow] = [held(({ site }) => site === 'site'), held(({ network }) => network === 'slow')]
  expect([ofSite, slow]).toEqual([90, 5])
  expect(honest.filter((each) => open.has(each))).toEqual(honest)
  expect(table.size).toBe(100)
})

test('who waits for an answer stays, and who asked since it was looked at goes after the others', () => {
  const table = new Connections<Fake>(3)
  const [waiting, busy, quiet] = crowd('a', 3) as [Fake, Fake, Fake]
  for (const each of [waiting, busy, quiet]) table.add(each)
  waiting.waiting = true
  busy.requests = 1
  const next = new Fake('a')
  expect(table.add(next)).toBe(quiet)
  expect(table.add(new Fake('a'))).toBe(next)
  expect(table.add(new Fake('a'))).toBe(busy)
  for (const each of crowd('a', 5)) expect(table.add(each)).not.toBe(waiting)
})

test('when all wait for an answer the new one goes', () => {
  const table = new Connections<Fake>(200)
  for (const each of crowd('a', 200)) {
    each.waiting = true
    table.add(each)
  }
  const late = new Fake('a')
  expect(table.add(late)).toBe(late)
  expect(table.size).toBe(200)
})

describe('the connections of one network, of which a table is full,', () => {
  /** A table that is full of them, and what each does before anybody looks at it again. */
  const full = (each: (one: Fake) => void, count = 200) => {
    const table = new Connections<Fake>(count)
    const all = crowd('a', count)
    for (const one of all) {
      table.add(one)
      each(one)
    }
    return { table, all }
  }

  test.each<[string, (one: Fake) => void]>([
    ['that ask now and then', (one) => one.requests++],
    [
      'that wait for an answer',
      (one) => {
        one.waiting = true
        one.requests++
      },
    ],
  ])('%s keep nobody out who comes from elsewhere', (_, each) => {
    const { table, all } = full(each)
    const gone = new Set<Fake>()
    // More than the table is gone round with once, and each is asking again meanwhile.
    for (let k = 0; k < 150; k++) {
      const victim = table.add(new Fake(`elsewhere ${k % 75}`))
      expect(victim?.network).toBe('a')
      if (victim !== undefined) gone.add(victim)
      for (const one of all) one.requests++
    }
    expect(gone.size).toBe(150)
    expect(table.size).toBe(200)
  })

  test('of which some wait lose one that does not', () => {
    const { table, all } = full((one) => one.requests++)
    for (const one of all.slice(0, 100)) one.waiting = true
    expect(table.add(new Fake('b'))?.network).toBe('a')
    const gone = table.add(new Fake('b'))
    expect([gone?.network, gone?.waiting]).toEqual(['a', false])
  })

  test('make room for a new one of their own while one of them does not wait', () => {
    const { table, all } = full((one) => one.requests++)
    expect(table.add(new Fake('a'))).toBe(all[0])
  })

  test('that are kept stay: the new one goes', () => {
    const { table } = full((one) => {
      one.kept = true
    })
    const late = new Fake('b')
    expect(table.add(late)).toBe(late)
  })
})

test('never more than the limit, and who has no more than its share loses none to who has more', () => {
  const networks = ['a', 'b', 'c', 'd']
  const does = fc.constantFrom('comes', 'comes', 'closes', 'asks')
  const step = fc.record({ network: fc.constantFrom(...networks), does, waits: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 12 }), (steps, limit) => {
      const table = new Connections<Fake>(limit)
      const open = new Set<Fake>()
      const held = (network: string) => [...open].filter((each) => each.network === network).length
      for (const { network, does: what, waits } of steps) {
        const mine = [...open].find((each) => each.network === network)
        if (what === 'closes' && mine !== undefined) {
          open.delete(mine)
          table.delete(mine)
        } else if (what === 'asks') {
          for (const each of open) if (each.network === network) each.requests++
        } else {
          const one = new Fake(network)
          one.waiting = waits
          open.add(one)
          const most = Math.max(...networks.map(held))
          const gone = table.add(one)
          expect(gone !== undefined).toBe(open.size > limit)
          // Of the fullest; the new one, or one that waits, only when all of those wait.
          if (gone !== undefined) expect(held(gone.network)).toBe(most)
          if (gone === one || gone?.waiting === true) {
            const others = [...open].filter((each) => each !== one && held(each.network) === most)
            expect(others.map(({ waiting }) => waiting)).not.toContain(false)
          }
          if (gone !== undefined) open.delete(gone)
        }
        expect(table.size).toBe(open.size)
        expect(open.size).toBeLessThanOrEqual(limit)
      }
    }),
  )
})

/** A service that holds so many connections. */
async function served(options: { readonly maxConnections?: number; readonly deadlineMs?: number }) {
  const metrics = createMetrics('test')
  const app = createHttpApp({ name: 'test', log: silentLog, metrics, ready: async () => {}, deadlineMs: options.deadlineMs ?? 15_000 })
  const thing = z.object({ text: z.string() })
  const answer = { status: 200, body: thing } as const
  route(app, 'post', '/v1/things', { summary: 'x', body: z.strictObject({}), answer }, async () => ({ text: 'ok' }))
  // More than the kernel takes for a reader that does not read.
  route(app, 'get', '/v1/large', { summary: 'x', answer }, async () => ({ text: 'x'.repeat(8_000_000) }))
  const { maxConnections } = options
  const serving = await serve(app, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0, ...(maxConnections && { maxConnections }) })
  onTestFinished(() => serving.close())
  const open = async (from = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ port: serving.port, host: '127.0.0.1', localAddress: from })
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  const count = async (name: string): Promise<number> => {
    const line = (await metrics.text()).split('\n').find((each) => each.startsWith(`${name}{`))
    return Number(line?.split(' ').at(-1) ?? 0)
  }
  return { open, count, text: () => metrics.text(), url: `http://127.0.0.1:${serving.port}` }
}

test('a server full of slow connections serves who comes from elsewhere, and cuts no more than it must', async () => {
  const { open, count, url } = await served({ maxConnections: 20 })
  const slow: Socket[] = []
  let ended = 0
  for (let k = 0; k < 50; k++) {
    const socket = await open('127.0.0.2')
    socket.once('close', () => ended++)
    socket.write('POST /v1/things HTTP/1.1\r\nhost: x\r\n')
    slow.push(socket)
  }
  await expect.poll(() => ended).toBeGreaterThanOrEqual(30)
  for (let k = 0; k < 10; k++) {
    const answer = await fetch(`${url}/v1/things`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
    expect(await answer.json()).toEqual({ text: 'ok' })
  }
  expect(await count('http_connections')).toBeLessThanOrEqual(20)
  expect(await count('http_connections_dropped_total')).toBeGreaterThanOrEqual(30)
  for (const socket of slow) socket.destroy()
})

test('a server full of connections that ask now and then serves who comes from elsewhere', async () => {
  const { open, count, url } = await served({ maxConnections: 100 })
  const crowd = await Promise.all(Array.from({ length: 100 }, () => open('127.0.0.2')))
  const answered = crowd.map((socket) => once(socket, 'data'))
  for (const socket of crowd) socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
  await Promise.all(answered)
  // Not of those that are kept for the next request.
  const headers = { connection: 'close' }
  for (let k = 0; k < 5; k++) expect((await fetch(`${url}/livez`, { headers })).status).toBe(200)
  expect(await count('http_connections_dropped_total')).toBeGreaterThanOrEqual(1)
  for (const socket of crowd) socket.destroy()
})

test('a reader that does not take its answer is cut when its time is over, and others have theirs', async () => {
  // Long enough that the answer is begun in time also by a process that hardly runs.
  const { open, text, url } = await served({ deadlineMs: 3_000 })
  const reader = await open()
  reader.pause()
  const ended = new Promise((resolve) => reader.once('close', resolve))
  const asked = async (): Promise<string> => {
    // Again and again: what a process that hardly runs has not begun to answer in time is told that, and is no long answer.
    reader.write('GET /v1/large HTTP/1.1\r\nhost: x\r\n\r\n')
    return text()
  }
  await expect.poll(asked, { interval: 1_000, timeout: 45_000 }).toContain('route="/v1/large",status="aborted"')
  reader.resume()
  await ended
  expect((await fetch(`${url}/livez`)).status).toBe(200)
})
