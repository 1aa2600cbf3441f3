import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Below what Linux gives to outgoing connections (32768 and up): a server that is down for a moment would else lose its port to somebody's
 * connection, or to a client of its own that connects to itself while it tries to reach it.
 */
const FIRST = 20_000
const PORTS = 12_000
/** Test files that run at once draw from a slice each: one that is chosen and not listened on yet is not chosen by another. */
const SLICES = 4
const TRIES = 100

/** Draws a port to try: of the slice of this worker of vitest, of all of them elsewhere. */
export function anyPort(): number {
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 0)
  if (worker === 0) return FIRST + Math.floor(Math.random() * PORTS)
  const slice = PORTS / SLICES
  return FIRST + slice * ((worker - 1) % SLICES) + Math.floor(Math.random() * slice)
}

/** A TCP port of the loopback address on which nobody listens now, for a server that is to have the same one again after a restart. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('no port was chosen')
  return port
}

/** So many of them, no two equal: each is held until all are chosen. `any` draws one to try. */
export async function freePorts(count: number, any: () => number = anyPort): Promise<readonly number[]> {
  const held = new Map<number, Server>()
  try {
    for (let left = TRIES * count; left > 0 && held.size < count; left--) {
      const port = any()
      const server = await listening(port)
      if (server !== undefined) held.set(port, server)
    }
  } finally {
    await Promise.all([...held.values()].map(closed))
  }
  if (held.size < count) throw new Error(`no ${count} free ports after ${TRIES * count} tries between ${FIRST} and ${FIRST + PORTS}`)
  return [...held.keys()]
}

async function listening(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}

async function closed(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
