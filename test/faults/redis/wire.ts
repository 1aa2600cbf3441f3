import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly port: number
  /** Connections break and none is made until it is joined again. */
  cut(): void
  /** From now on connections lead to this port. */
  lead(to: number): void
  close(): Promise<void>
}

/** A wire on the loopback address that can be cut and laid elsewhere. */
export async function startWire(to: number): Promise<Wire> {
  let target: number | undefined = to
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    if (target === undefined) {
      near.destroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    for (const [from, onward] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.pipe(onward)
      from.on('error', () => onward.destroy())
      from.on('close', () => {
        sockets.delete(from)
        onward.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const cut = (): void => {
    target = undefined
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    cut,
    lead(next) {
      target = next
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
