import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What a wire does to what goes through it, in both directions; nothing: it passes it on at once. */
export interface Toxic {
  /** Everything is so much late, ms, and by chance so much more. */
  readonly latencyMs?: number
  readonly jitterMs?: number
  /** What comes in one piece goes on in pieces of so many bytes, each by itself. */
  readonly pieces?: number
  /** Nothing comes out, and nobody is told. What went in is lost, so the connection can only be ended. */
  readonly blackhole?: boolean
}

/** Sees what goes through a connection, piece by piece and before the far side does; answers false to swallow a piece. Made anew for each connection. */
export type Tap = () => (chunk: Buffer, way: 'there' | 'back') => boolean

export interface Wire {
  readonly port: number
  /** Connections break and none is made until it is joined again. */
  cut(): void
  /** Connections end with a reset; new ones are made. */
  reset(): void
  /** From now on connections lead to this port. */
  lead(to: number): void
  /** Of all that goes through from now on. */
  disturb(toxic: Toxic): void
  close(): Promise<void>
}

/** A wire on the loopback address that can be cut and laid elsewhere. */
export async function startWire(to: number, tap?: Tap): Promise<Wire> {
  let target: number | undefined = to
  let toxic: Toxic = {}
  const sockets = new Set<Socket>()

  function join(from: Socket, onward: Socket, passes: (chunk: Buffer) => boolean): void {
    sockets.add(from)
    from.setNoDelay(true)
    let before: Promise<void> = Promise.resolve()
    from.on('data', (chunk: Buffer) => {
      if (!passes(chunk)) return
      const current = toxic
      const due = performance.now() + (current.latencyMs ?? 0) + Math.random() * (current.jitterMs ?? 0)
      before = before.then(() => pass(chunk, onward, current, due))
    })
    from.on('end', () => {
      before = before.then(() => void onward.end())
    })
    from.on('error', () => onward.destroy())
    from.on('close', () => {
      sockets.delete(from)
      onward.destroy()
    })
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (target === undefined) {
      near.destroy()
      return
    }
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    const seen = tap?.() ?? (() => true)
    join(near, far, (chunk) => seen(chunk, 'there'))
    join(far, near, (chunk) => seen(chunk, 'back'))
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
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    lead(next) {
      target = next
    },
    disturb(next) {
      toxic = next
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** In the order in which they came: one that is late makes those behind it late. */
async function pass(chunk: Buffer, onward: Socket, { pieces, blackhole }: Toxic, due: number): Promise<void> {
  const wait = due - performance.now()
  if (wait > 1) await delay(wait)
  if (blackhole === true || onward.destroyed) return
  if (pieces === undefined) {
    onward.write(chunk)
    return
  }
  for (let at = 0; at < chunk.length; at += pieces) {
    onward.write(chunk.subarray(at, at + pieces))
    await new Promise((resolve) => setImmediate(resolve))
  }
}
