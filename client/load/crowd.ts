import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { BailiwickError } from '../../core/errors.ts'
import type { Bounds } from '../../core/geometry.ts'
import { LOAD_BEAT, LOAD_MOVE_EVERY } from '../../core/timing.ts'
import type { Dialect } from './dialect.ts'
import { type GapReport, Gaps } from './gaps.ts'
import { Headroom, type HeadroomReport } from './headroom.ts'
import { type Place, RawSocket } from './raw-socket.ts'
import { Walk } from './walk.ts'

export interface CrowdOptions {
  readonly count: number
  readonly dialect: Dialect
  /** How client `i` comes in, asked when it is its turn. */
  readonly door: (i: number) => Promise<Door>
  /** Of the world that it walks in, millimetres. */
  readonly bounds: Bounds
  readonly seed: number
  /** State frames a second that a client is due. */
  readonly frameRateHz: number
  /** The side of a cell in which others are counted as in view, millimetres. */
  readonly cell: number
}

export interface Door extends Place {
  /** Sent first; undefined: nothing is. */
  readonly hello: Uint8Array | undefined
}

export interface CrowdReport {
  readonly clients: number
  readonly seconds: number
  readonly gaps: GapReport
  /** State frames that all clients together were due, and got. */
  readonly due: number
  readonly arrived: number
  /** Ticks that a client did not see between two frames that it saw; undefined when frames do not say their tick. */
  readonly missedTicks: number | undefined
  /** Bytes that came from the server, frame headers included, for each client and second. */
  readonly bytesPerClientSecond: number
  /** Bytes of a state frame with its header for each entity that it updates; undefined when that can't be told. */
  readonly bytesPerUpdate: number | undefined
  /** Moves sent. */
  readonly sent: number
  /** Connections that ended meanwhile. */
  readonly lost: number
  /** Others in the 3×3 cells around a client, on average. */
  readonly inView: number
  readonly headroom: HeadroomReport
}

interface Client {
  readonly socket: RawSocket
  welcomed: boolean
  sequence: number
  /** The tick of its last state frame; -1 before the first. */
  tick: number
}

/** Clients that enter at the same time. */
const AT_ONCE = 64
/** One state frame in so many is looked into for the number of its updates. */
const SAMPLE = 97
/** Until all are in, a client stands, and says so (and what it has seen) with one move in so many. */
const STANDING = 10
/** The header of a WebSocket frame: 2 bytes, 4 from 126 bytes of payload on. */
const headerOf = (payload: number): number => (payload < 126 ? 2 : 4)

/** Thousands of clients that walk about and count what they are sent. */
export class Crowd {
  readonly #options: CrowdOptions
  readonly #clients: (Client | undefined)[] = []
  readonly #walk: Walk
  readonly #gaps: Gaps
  readonly #headroom = new Headroom()
  #beat: NodeJS.Timeout | undefined
  #frames = 0
  #missed = 0
  #ticked = false
  #sent = 0
  #lost = 0
  #firstLoss: string | undefined
  #sampledBytes = 0
  #sampledUpdates = 0
  #measuring = false
  #walking = false

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#walk = new Walk(options.seed, options.count, options.bounds)
    this.#gaps = new Gaps(options.count)
  }

  /** Lets all clients in, some at once; then they begin to walk. Throws Unreachable with the first reason when one is turned away or the deadline (milliseconds) passes. */
  async join(deadlineMs: number): Promise<void> {
    this.#startBeat()
    let next = 0
    const worker = async (): Promise<void> => {
      for (let i = next++; i < this.#options.count; i = next++) await this.#enter(i)
    }
    const limit = new AbortController()
    const late = delay(deadlineMs, undefined, { signal: limit.signal, ref: false }).then(() => {
      throw new BailiwickError('Unreachable', { asked: `${this.#options.count} clients`, found: `${next} tried after ${deadlineMs} ms` })
    })
    late.catch(() => undefined)
    try {
      await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, worker)), late])
      this.#walking = true
    } finally {
      limit.abort()
    }
  }

  /** Counts for so long (milliseconds). */
  async measure(ms: number): Promise<CrowdReport> {
    const { count, frameRateHz, cell } = this.#options
    this.#gaps.reset()
    this.#frames = this.#missed = this.#sent = this.#lost = this.#sampledBytes = this.#sampledUpdates = 0
    const bytesBefore = this.#bytes()
    const began = performance.now()
    this.#headroom.start()
    this.#measuring = true
    await delay(ms)
    this.#measuring = false
    const headroom = this.#headroom.stop()
    const seconds = (performance.now() - began) / 1_000
    return {
      clients: count,
      seconds,
      gaps: this.#gaps.report(),
      due: Math.round(count * seconds * frameRateHz),
      arrived: this.#frames,
      missedTicks: this.#ticked ? this.#missed : undefined,
      bytesPerClientSecond: (this.#bytes() - bytesBefore) / count / seconds,
      bytesPerUpdate: this.#sampledUpdates === 0 ? undefined : this.#sampledBytes / this.#sampledUpdates,
      sent: this.#sent,
      lost: this.#lost,
      inView: this.#walk.meanInView(cell),
      headroom,
    }
  }

  /** Cuts all connections. */
  close(): void {
    clearInterval(this.#beat)
    for (const client of this.#clients) client?.socket.destroy()
  }

  /** Why the first connection that was lost ended. */
  get firstLoss(): string | undefined {
    return this.#firstLoss
  }

  async #enter(i: number): Promise<void> {
    const door = await this.#options.door(i)
    return new Promise((resolve, reject) => {
      const fail = (found: string): void => reject(new BailiwickError('Unreachable', { asked: `the entry of client ${i}`, found }))
      const socket = new RawSocket(door, {
        open: () => {
          if (door.hello !== undefined) socket.send(door.hello)
        },
        message: (payload) => {
          if (client.welcomed) this.#heard(i, client, payload)
          else if (this.#entered(client, payload, fail)) resolve()
        },
        closed: (reason) => {
          this.#clients[i] = undefined
          this.#lost++
          this.#firstLoss ??= reason
          fail(reason)
        },
      })
      const client: Client = { socket, welcomed: false, sequence: 0, tick: -1 }
      this.#clients[i] = client
    })
  }

  /** True when the message was the welcome. */
  #entered(client: Client, payload: Uint8Array, fail: (found: string) => void): boolean {
    const { dialect } = this.#options
    const greeting = dialect.greeting(payload)
    if (greeting === 'refused') fail(dialect.reason(payload))
    if (greeting !== 'welcome') return false
    client.welcomed = true
    if (dialect.afterWelcome !== undefined) client.socket.send(dialect.afterWelcome)
    return true
  }

  #heard(i: number, client: Client, payload: Uint8Array): void {
    const { dialect } = this.#options
    if (!dialect.isState(payload)) return
    this.#gaps.frame(i, performance.now())
    const before = client.tick
    const tick = dialect.tick(payload)
    if (tick !== undefined) {
      this.#ticked = true
      client.tick = tick
    }
    if (!this.#measuring) return
    this.#frames++
    if (tick !== undefined && before >= 0) this.#missed += Math.max(0, tick - before - 1)
    if (this.#frames % SAMPLE !== 0) return
    const updates = dialect.updates(payload)
    if (updates === undefined) return
    this.#sampledUpdates += updates
    this.#sampledBytes += payload.byteLength + headerOf(payload.byteLength)
  }

  /** Moves are spread evenly over the time between two moves of one client, in the order of the clients. */
  #startBeat(): void {
    const { count } = this.#options
    const began = performance.now()
    let done = 0
    this.#beat = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / LOAD_MOVE_EVERY) * count)
      // Who comes late does not send the same client two moves at once.
      done = Math.max(done, due - count)
      for (; done < due; done++) if (this.#walking || Math.floor(done / count) % STANDING === 0) this.#move(done % count)
    }, LOAD_BEAT)
  }

  #move(i: number): void {
    const client = this.#clients[i]
    if (client === undefined || !client.welcomed) return
    if (this.#walking) this.#walk.turn(i, LOAD_MOVE_EVERY / 1_000)
    client.socket.send(
      this.#options.dialect.move(++client.sequence, this.#walk.vx[i] ?? 0, this.#walk.vy[i] ?? 0, Math.max(0, client.tick)),
    )
    this.#sent++
  }

  #bytes(): number {
    return this.#clients.reduce((sum, client) => sum + (client?.socket.received ?? 0), 0)
  }
}
