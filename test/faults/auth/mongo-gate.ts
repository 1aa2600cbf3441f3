import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

export interface MongoGate {
  readonly url: string
  /** Writes that came since the last call. */
  take(): number
  /** The next write of this number (1: the very next) does not reach the server: `strike` is called in its place, and nothing passes any more until `open`, which cuts all connections. */
  arm(write: number, strike: () => void): void
  open(): void
  close(): Promise<void>
}

const OP_MSG = 2013
const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'findAndModify'])

/** A way to a server of MongoDB's protocol that counts the commands that write. */
export async function startGate(target: string): Promise<MongoGate> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let count = 0
  let shut = false
  let armed: { readonly at: number; readonly strike: () => void } | undefined
  const server = createServer((near) => {
    const far = connect(Number(port === '' ? 27_017 : port), hostname)
    let rest = Buffer.alloc(0)
    const pass = (message: Buffer): void => {
      if (WRITES.has(commandOf(message))) {
        count += 1
        if (count === armed?.at) {
          shut = true
          armed.strike()
        }
      }
      if (!shut) far.write(message)
    }
    near.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        const length = rest.readInt32LE(0)
        pass(rest.subarray(0, length))
        rest = rest.subarray(length)
      }
    })
    far.on('data', (data: Buffer) => !shut && near.write(data))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = new URL(target)
  url.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  url.searchParams.set('directConnection', 'true')
  return {
    url: url.href,
    take() {
      const taken = count
      count = 0
      return taken
    },
    arm(write, strike) {
      armed = { at: count + write, strike }
    },
    open() {
      // What was dropped would be waited for.
      if (shut) for (const socket of sockets) socket.destroy()
      shut = false
      armed = undefined
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The name of the command in a message: the first key of its first document. Empty for what is no command. */
function commandOf(message: Buffer): string {
  // Header (16), flags (4), kind of the first section (1, 0: one document), its length (4), type of its first element (1).
  if (message.length < 27 || message.readInt32LE(12) !== OP_MSG || message[20] !== 0) return ''
  const end = message.indexOf(0, 26)
  return message.toString('utf8', 26, end)
}
