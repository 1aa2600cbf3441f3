import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../core/ports/log-port.ts'
import { type Connection, createConnection } from '../../platform/redis/connection.ts'
import { PATIENCE } from './index-harness.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

/** The tests wait for the same deadline at once. */
vi.setConfig({ testTimeout: 60_000 })

let redis: RedisServer
const ends: (() => void)[] = []
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(async () => {
  for (const end of ends) end()
  await redis?.stop()
})

/** A way to Redis that leaves a connection without an answer, as a frozen server does, until it is passed on. */
async function gate(
  onConnection: (all: readonly Socket[], pass: (socket: Socket) => void) => void,
): Promise<{ url: string; all: Socket[] }> {
  const all: Socket[] = []
  const passed = new Set<Socket>()
  const pass = (socket: Socket): void => {
    if (passed.has(socket) || socket.destroyed) return
    passed.add(socket)
    const behind = connect(redis.port, '127.0.0.1')
    for (const end of [socket, behind]) end.on('error', () => undefined)
    socket.on('close', () => behind.destroy())
    behind.on('close', () => socket.destroy())
    socket.pipe(behind).pipe(socket)
  }
  const server = createServer((socket) => {
    all.push(socket)
    socket.on('error', () => undefined)
    // The client's end is seen although nobody reads what it says.
    socket.on('end', () => socket.destroy())
    onConnection(all, pass)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    for (const socket of all) socket.destroy()
    server.close()
  })
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, all }
}

function connected(url: string, log = silentLog): Connection {
  const connection = createConnection({ url, log })
  ends.push(() => connection.close())
  return connection
}

const answers = (connection: Connection) =>
  vi.waitFor(() => connection.call((client) => client.ping()), { timeout: PATIENCE * 2, interval: 20 })

describe.concurrent('an attempt to reach Redis that is late', () => {
  it('is not given up: it may be this machine that is slow', async () => {
    // Each is answered when the next one has come.
    const { url } = await gate((all, pass) => {
      for (const socket of all.slice(0, -1)) pass(socket)
    })
    await answers(connected(url))
  })

  it('is not waited for: another server may answer by now; what is left of it then ends', async () => {
    const states: string[] = []
    const { url, all } = await gate((sockets, pass) => {
      const [frozen, ...others] = sockets
      states.push(String(frozen?.readyState))
      frozen?.resume()
      for (const socket of others) pass(socket)
    })
    await answers(connected(url))
    expect(states.slice(0, 2)).toEqual(['open', 'open'])
    await vi.waitFor(() => expect(all[0]?.destroyed).toBe(true), PATIENCE)
  })

  it('ends with the connection', async () => {
    const { url, all } = await gate((sockets) => sockets.at(-1)?.resume())
    const connection = connected(url)
    await vi.waitFor(() => expect(all.length).toBeGreaterThan(1), PATIENCE * 2)
    connection.close()
    await expect(connection.ready()).rejects.toMatchObject({ code: 'IndexUnavailable' })
    await vi.waitFor(() => expect(all.map(({ destroyed }) => destroyed)).not.toContain(false), PATIENCE)
  })
})

describe('a connection that breaks and is closed at the same time', () => {
  it('is not made again', async () => {
    const open = (sockets: readonly Socket[], pass: (socket: Socket) => void): void => {
      for (const socket of sockets) pass(socket)
    }
    const [{ url, all }, other] = [await gate(open), await gate(open)]
    let stands = false
    const broken = Promise.withResolvers<void>()
    const warn = (): void => {
      if (stands) broken.resolve(connection.close())
    }
    const connection = connected(url, { ...silentLog, warn })
    await answers(connection)
    stands = true
    for (const socket of all) socket.destroy()
    await broken.promise
    const before = all.length
    // What would be made again at once would come before this one.
    await answers(connected(other.url))
    expect(all).toHaveLength(before)
  })
})
