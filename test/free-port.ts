import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below what Linux gives to outgoing connections (32768 and up): a server that is down for a moment would else lose its port to somebody's
 * connection, or to a client of its own that connects to itself while it tries to reach it.
 */
const FIRST = 20_000
const PORTS = 12_000
const TRIES = 100

/** A TCP port of the loopback address on which nobody listens now, for a server that is to have the same one again after a restart. */
export async function freePort(): Promise<number> {
  for (let left = TRIES; left > 0; left--) {
    const port = FIRST + Math.floor(Math.random() * PORTS)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port after ${TRIES} tries between ${FIRST} and ${FIRST + PORTS}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
