import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { type Log, silentLog } from '../../../core/ports/log-port.ts'
import { encodeClientMessage, PROTOCOL_VERSION } from '../../../core/protocol/frame.ts'
import { Audience } from '../../../zone-server/audience.ts'
import { Session } from '../../../zone-server/session.ts'
import type { Input } from '../../../zone-server/simulation/input.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import { WebSocketConnection } from '../../../zone-server/transport/websocket.ts'
import { extent } from '../../faults/extent.ts'
import { brokenInvariants, freshState, joins, shell } from './simulation-kit.ts'

const FRAMES = extent({ quick: 30_000, usual: 100_000, full: 10_000_000 })
const CONNECTIONS = 32
const FRAMES_A_TICK = 500
/** Heap that may stay in use, whatever was sent: far below what would be kept if each frame left something behind. */
const GROWTH = 24 * 1024 * 1024

/** Numbers of a seed (mulberry32): ten million frames are too many for a generator with shrinking. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** As much of a socket as a connection uses; the other side takes everything, or nothing. */
class MemorySocket extends EventEmitter {
  writable = true
  writableLength = 0
  written = 0

  write(bytes: Uint8Array): boolean {
    this.written += bytes.byteLength
    return true
  }

  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.write(bytes)
    this.destroy()
  }

  destroy(): void {
    if (!this.writable) return
    this.writable = false
    // Later, as a socket does: who ends it listens for the end only then.
    queueMicrotask(() => this.emit('close'))
  }
}

/** A layer without a shell, and clients that come back when they were cut. */
class Theatre {
  readonly state = freshState()
  readonly audience = new Audience()
  readonly clock = new ManualClock()
  readonly errors: unknown[] = []
  readonly next: (below: number) => number
  #inputs: Input[] = []
  #applied = 0
  #log: Log = { ...silentLog, error: (fields: unknown) => this.errors.push(fields) }

  constructor(seed: number) {
    this.next = numbers(seed)
  }

  connect(character: string): { socket: MemorySocket; connection: WebSocketConnection } {
    const socket = new MemorySocket()
    const connection = new WebSocketConnection(socket as unknown as Socket, '127.0.0.1', () => undefined)
    const session = new Session(connection, {
      timers: this.clock,
      log: this.#log,
      admit: async (_layer, _ticket, spectator) => {
        this.#inputs.push(joins(character), shell({ kind: 'linkUp', character }))
        this.audience.seat(character, spectator)
        return {
          input: (sequence, body) => void this.#inputs.push({ source: character, sequence, body }),
          leave: () => {
            if (this.audience.unseat(character, spectator)) this.#inputs.push(shell({ kind: 'linkDead', character }))
          },
        }
      },
    })
    connection.start(session)
    socket.once('close', () => session.closed())
    return { socket, connection }
  }

  tick(): void {
    // Long enough that most frames are looked at: what comes too fast is not.
    this.clock.advance(500)
    this.#applied += this.#inputs.length
    const output = step(this.state, this.#inputs.splice(0))
    const frames = this.audience.encode(this.state, output)
    this.audience.release(frames, 1)
    for (const { character, release } of output.departures) {
      this.audience.take(character)?.goodbye('Left')
      if (release !== undefined) this.#inputs.push(shell({ kind: 'released', id: release }))
    }
  }

  get applied(): number {
    return this.#applied
  }
}

type Next = (below: number) => number

type Body = NonNullable<Parameters<typeof encodeClientMessage>[0]['body']>

function bytesOf(next: Next, most: number): Uint8Array {
  const bytes = new Uint8Array(next(most))
  for (let i = 0; i < bytes.byteLength; i++) bytes[i] = next(256)
  return bytes
}

function textOf(next: Next): string {
  return ['hello', '', ' ', 'a\u0000b', 'x'.repeat(next(2_000)), '\ud83d\ude00'.repeat(next(200)), '\u202e\u0301'][next(7)] ?? ''
}

const bodies: readonly ((next: Next) => Body)[] = [
  (next) => ({ case: 'move', value: { vx: next(2 ** 32) - 2 ** 31, vy: next(2 ** 32) - 2 ** 31 } }),
  (next) => ({ case: 'move', value: { vx: next(8_000) - 4_000, vy: next(8_000) - 4_000 } }),
  (next) => ({ case: 'say', value: { text: textOf(next) } }),
  (next) => ({ case: 'tell', value: { to: textOf(next), text: textOf(next), id: next(2 ** 32) } }),
  (next) => ({ case: 'pickUp', value: { entity: next(200) } }),
  (next) => ({ case: 'drop', value: { item: next(2) === 0 ? textOf(next) : `p${next(CONNECTIONS)}/1` } }),
  (next) => ({ case: 'give', value: { item: `p${next(CONNECTIONS)}/1`, to: next(2) === 0 ? next(100) : next(2 ** 32) } }),
  (next) => ({ case: 'emote', value: { emote: next(20) } }),
  () => ({ case: 'look', value: {} }),
  (next) => ({ case: 'ping', value: { nonce: next(2 ** 32) } }),
  () => ({ case: 'ack', value: {} }),
  (next) => ({ case: 'hello', value: { layer: textOf(next), ticket: textOf(next), protocol: next(4) } }),
]
const LEAVES_EVERY = 300

/** A message that a client might send, in its right place or not. */
function messageOf(next: Next, sequence: number): Uint8Array {
  const body: Body =
    next(LEAVES_EVERY) === 0 ? { case: 'leave', value: {} } : (bodies[next(bodies.length)]?.(next) ?? { case: 'ack', value: {} })
  return encodeClientMessage({ sequence: next(10) === 0 ? next(2 ** 32) : sequence, seen: next(3) === 0 ? next(2 ** 32) : 1, body })
}

/** One frame of a WebSocket, right or wrong. */
function frameOf(next: Next, payload: Uint8Array, wrong: boolean): Uint8Array {
  const length = payload.byteLength
  const width = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const bytes = new Uint8Array(6 + width + length)
  const view = new DataView(bytes.buffer)
  bytes[0] = wrong ? next(256) : 0x82
  bytes[1] = 0x80 | (width === 0 ? length : width === 2 ? 126 : 127)
  if (width === 2) view.setUint16(2, length)
  if (width === 8) view.setUint32(6, length)
  for (let i = 0; i < 4; i++) bytes[2 + width + i] = next(256)
  for (let i = 0; i < length; i++) bytes[6 + width + i] = (payload[i] ?? 0) ^ (bytes[2 + width + (i & 3)] ?? 0)
  if (wrong && next(2) === 0) bytes[next(bytes.byteLength)] = next(256)
  return bytes
}

function hostileFrame(next: Next, sequence: number): Uint8Array {
  const kind = next(100)
  if (kind < 2) return bytesOf(next, 40)
  if (kind < 4) return frameOf(next, bytesOf(next, kind === 2 ? 300 : 20_000), next(2) === 0)
  const message = messageOf(next, sequence)
  if (kind < 20) for (let i = next(4); i >= 0; i--) message[next(message.byteLength)] = next(256)
  if (kind < 25) return frameOf(next, message.subarray(0, next(message.byteLength)), false)
  return frameOf(next, message, kind < 27)
}

function usedHeap(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().heapUsed
}

it(`${FRAMES} hostile frames: nothing breaks, and nothing is kept`, { timeout: 60_000 + FRAMES / 3 }, async () => {
  const seed = Number(process.env['BAILIWICK_SEED'] ?? Date.now() % 2 ** 32)
  const theatre = new Theatre(seed)
  const { next } = theatre
  const clients: ({ socket: MemorySocket; connection: WebSocketConnection } | undefined)[] = []
  const hello = encodeClientMessage({ body: { case: 'hello', value: { layer: 'a/b/0', ticket: 't', protocol: PROTOCOL_VERSION } } })
  let heap = 0
  let cuts = 0
  try {
    for (let i = 0; i < FRAMES; i++) {
      const at = next(CONNECTIONS)
      let client = clients[at]
      if (client === undefined || !client.socket.writable) {
        cuts++
        client = theatre.connect(`p${at}`)
        clients[at] = client
        // Now and then it begins with something else.
        if (next(8) > 0) client.connection.receive(frameOf(next, hello, false), 6 + hello.byteLength)
      }
      if (next(1_000) === 0) client.socket.writableLength = client.socket.writableLength === 0 ? 1 : 0
      const bytes = hostileFrame(next, i + 1)
      const cut = next(4) === 0 ? next(bytes.byteLength + 1) : bytes.byteLength
      client.connection.receive(bytes.slice(0, cut), cut)
      if (cut < bytes.byteLength) client.connection.receive(bytes.slice(cut), bytes.byteLength - cut)
      if (i % FRAMES_A_TICK === 0) {
        theatre.tick()
        // Timers and what waits for a microtask get their turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (i === FRAMES >>> 2) heap = usedHeap()
    }
  } catch (error) {
    throw new Error(`with BAILIWICK_SEED=${seed}`, { cause: error })
  }
  theatre.tick()
  expect({ seed, errors: theatre.errors, broken: brokenInvariants(theatre.state) }).toEqual({ seed, errors: [], broken: [] })
  // They did get through to the game, and were cut: this was no test of a closed door.
  expect(theatre.applied).toBeGreaterThan(FRAMES / 100)
  expect(cuts).toBeGreaterThan(FRAMES / 1_000)
  expect(usedHeap() - heap).toBeLessThan(GROWTH)
})
