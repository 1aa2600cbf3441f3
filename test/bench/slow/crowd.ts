import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * How a connection can be slow: it says nothing at all; it sends its headers a line at a time (slowloris), or its body a byte at a time (R-U-Dead-Yet); it asks for more than the kernel
 * keeps for it and takes nothing of that (slow read).
 */
export const kinds = ['silent', 'headers', 'body', 'reader'] as const
export type Kind = (typeof kinds)[number]

/**
 * Of which kind the k-th is. Readers are one of twenty: over loopback, with its packets of 64 KiB, the kernel takes megabytes before a reader that does not read is felt, and to ask for so much by thousands would be
 * another attack.
 */
export function kindOf(k: number): Kind {
  if (k % 20 === 19) return 'reader'
  return (['silent', 'headers', 'body'] as const)[k % 3] ?? 'silent'
}

export interface CrowdOptions {
  readonly ports: readonly number[]
  readonly size: number
  /** Whoever is cut comes back, until `end`. */
  readonly comesBack: boolean
  /** So many come a second, at an even pace: those that come in one moment are cut in one moment, and would come again so. */
  readonly perSecond: number
}

/** Each sends its next piece after this, ms: often enough that the connection is never idle. */
const PIECE_EVERY = 4_000
/** They are in so many groups that speak one after another: thousands that speak in one moment would be a flood four seconds apart. */
const GROUPS = 400
/** After a moment without a core: a backlog that overflows would be another test. */
const COMING_AT_ONCE = 25
/** Answers that a reader asks for, more than is kept for it anywhere; so many at once, less than a server lets anybody ask ahead, and after so long, ms, the next. */
const ASKED = 80
const ASKED_AT_ONCE = 4
const ASKED_EVERY = 100

/** Slow connections by thousands, some of each kind to each port, each from a loopback address of its own so that no limit for one address ends them. */
export class SlowCrowd {
  readonly #options: CrowdOptions
  readonly #open = new Set<SlowConnection>()
  readonly #over = new AbortController()
  /** Connected so far, those that came back counted again; and how many of each kind the server has ended. */
  connected = 0
  readonly ended: Record<Kind, number> = { silent: 0, headers: 0, body: 0, reader: 0 }
  readonly #timer: NodeJS.Timeout
  readonly #groups = Array.from({ length: GROUPS }, () => new Set<SlowConnection>())
  /** The group that speaks next. */
  #group = 0

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#timer = setInterval(() => {
      for (const each of this.#groups[this.#group] ?? []) each.goOn()
      this.#group = (this.#group + 1) % GROUPS
    }, PIECE_EVERY / GROUPS)
  }

  /** Connections that are open now. */
  get size(): number {
    return this.#open.size
  }

  /** Comes; resolves when each has connected once. */
  async begin(): Promise<void> {
    const { size, perSecond } = this.#options
    const coming: Promise<void>[] = []
    const began = performance.now()
    while (coming.length < size) {
      const due = Math.min(size, coming.length + COMING_AT_ONCE, Math.ceil(((performance.now() - began) / 1_000) * perSecond))
      while (coming.length < due) coming.push(this.#connect(coming.length))
      await pause(1)
    }
    await Promise.all(coming)
  }

  /** Goes, all at once. */
  end(): void {
    this.#over.abort()
    clearInterval(this.#timer)
    for (const each of this.#open) each.end()
  }

  #connect(k: number): Promise<void> {
    const { ports, comesBack } = this.#options
    const kind = kindOf(k)
    const port = ports[Math.floor(k / 20) % ports.length] as number
    return new Promise((resolve, reject) => {
      const one = new SlowConnection(kind, port, addressOf(k))
      const group = this.#groups[k % GROUPS]
      one.socket.once('connect', () => {
        this.connected += 1
        this.#open.add(one)
        group?.add(one)
        one.begin()
        resolve()
      })
      one.socket.once('error', reject)
      one.socket.once('close', () => {
        this.#open.delete(one)
        group?.delete(one)
        if (this.#over.signal.aborted) return
        this.ended[kind] += 1
        // After a second, more or less, and not sooner: the server would only be asked faster and faster.
        if (comesBack) setTimeout(() => this.#again(k), (PIECE_EVERY / 4) * (0.5 + Math.random()))
      })
    })
  }

  #again(k: number): void {
    if (this.#over.signal.aborted) return
    // One that can't connect has no effect, and is not missed.
    this.#connect(k).catch(() => undefined)
  }
}

class SlowConnection {
  readonly socket: Socket
  readonly #kind: Kind
  #said = 0
  #asking: NodeJS.Timeout | undefined

  constructor(kind: Kind, port: number, localAddress: string) {
    this.#kind = kind
    this.socket = connect({ host: '127.0.0.1', port, localAddress })
    // A connection that is cut may say so in this way.
    this.socket.on('error', () => this.socket.destroy())
    if (kind === 'reader') this.socket.pause()
    else this.socket.resume()
  }

  begin(): void {
    if (this.#kind === 'headers') this.socket.write('POST /v1/sessions HTTP/1.1\r\nhost: x\r\n')
    if (this.#kind === 'body') {
      this.socket.write('POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{')
    }
    if (this.#kind === 'reader') this.#ask()
  }

  goOn(): void {
    if (!this.socket.writable) return
    this.#said += 1
    if (this.#kind === 'headers') this.socket.write(`x-${this.#said}: a\r\n`)
    if (this.#kind === 'body') this.socket.write(' ')
    // A paused socket is not told that it was cut; what it writes then is.
    if (this.#kind === 'reader') this.socket.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n')
  }

  end(): void {
    this.socket.resetAndDestroy()
  }

  #ask(): void {
    this.#asking = setInterval(() => {
      this.#said += ASKED_AT_ONCE
      if (this.socket.writable) this.socket.write('GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(ASKED_AT_ONCE))
      if (this.#said >= ASKED) clearInterval(this.#asking)
    }, ASKED_EVERY)
    this.socket.once('close', () => clearInterval(this.#asking))
  }
}

/** Linux has all of 127.0.0.0/8 for itself. */
function addressOf(k: number): string {
  return `127.1.${Math.floor(k / 200) % 250}.${(k % 200) + 1}`
}
