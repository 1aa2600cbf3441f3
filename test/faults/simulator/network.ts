import type { Kernel } from './kernel.ts'
import type { Process } from './process.ts'

/** How messages fare. Probabilities are for each message, a request or an answer. */
export interface Weather {
  readonly loss: number
  readonly duplication: number
  /** Of being late: by up to `lateMs` rather than up to `usualMs`. */
  readonly lateness: number
  readonly usualMs: number
  readonly lateMs: number
}

export const FAIR: Weather = { loss: 0, duplication: 0, lateness: 0, usualMs: 3, lateMs: 0 }

export interface CallOptions {
  readonly what: string
  readonly deadlineMs: number
  /** What the caller is told when no answer came in time. */
  readonly late: () => Error
}

/** A server that others call: it answers, is frozen (and does later what was asked meanwhile), or is down. */
export class Server {
  readonly name: string
  readonly #kernel: Kernel
  #state: 'up' | 'frozen' | 'down' = 'up'
  #waiting: (() => void)[] = []
  readonly cutFrom = new Set<Process>()

  constructor(name: string, kernel: Kernel) {
    this.name = name
    this.#kernel = kernel
  }

  get up(): boolean {
    return this.#state === 'up'
  }

  freeze(): void {
    if (this.#state === 'up') this.#state = 'frozen'
  }

  /** What it had received is gone with it. */
  down(): void {
    this.#state = 'down'
    this.#waiting = []
  }

  rise(): void {
    this.#state = 'up'
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) this.#kernel.after(0, () => this.take(call))
  }

  /** A request arrives. False when there is nobody to take it. */
  take(call: () => void): boolean {
    if (this.#state === 'up') call()
    else if (this.#state === 'frozen') this.#waiting.push(call)
    return this.#state !== 'down'
  }
}

/**
 * Carries calls of processes to servers, as a request and an answer, each with its own fate. Requests of one process to one server arrive in their order, as they do on one connection,
 * except those that are late, lost or doubled: as when the connection broke and another took its place.
 */
export class Network {
  readonly #kernel: Kernel
  readonly #lastArrival = new Map<string, number>()
  weather: Weather = FAIR
  /** Told of each request when its server has it, before the caller can have the answer. */
  readonly #watchers = new Set<(caller: Process, what: string) => void>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Tells of requests from now on, until the answered function is called. */
  watch(watcher: (caller: Process, what: string) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  call<T>(caller: Process, server: Server, work: () => Promise<T>, { what, deadlineMs, late }: CallOptions): Promise<T> {
    return new Promise((resolve, reject) => {
      let over = false
      const settle = (how: () => void): void => {
        if (over) return
        over = true
        cancel()
        how()
      }
      const cancel = caller.after(deadlineMs, () => settle(() => reject(late())))
      const answer = (how: () => void): void => {
        for (const delay of this.#fates(undefined)) {
          this.#kernel.after(delay, () => {
            if (!server.cutFrom.has(caller)) caller.deliver(() => settle(how))
          })
        }
      }
      const arrive = (): void => {
        if (server.cutFrom.has(caller)) return
        const taken = server.take(() => {
          this.#kernel.note(`${caller.name} ${server.name} ${what}`)
          work().then(
            (value) => answer(() => resolve(value)),
            (error: unknown) => answer(() => reject(error)),
          )
          for (const watcher of [...this.#watchers]) watcher(caller, what)
        })
        if (!taken) answer(() => reject(late()))
      }
      for (const delay of this.#fates(`${caller.name} ${server.name}`)) this.#kernel.after(delay, arrive)
    })
  }

  /** When the copies of one message arrive, in milliseconds from now; none when it is lost. */
  #fates(connection: string | undefined): number[] {
    const { loss, duplication, lateness, usualMs, lateMs } = this.weather
    const kernel = this.#kernel
    const fates: number[] = []
    if (!kernel.chance(loss)) {
      if (kernel.chance(lateness)) fates.push(kernel.random() * lateMs)
      else fates.push(this.#inOrder(connection, kernel.random() * usualMs))
    }
    if (kernel.chance(duplication)) fates.push(kernel.random() * lateMs)
    return fates
  }

  #inOrder(connection: string | undefined, delay: number): number {
    if (connection === undefined) return delay
    const { now } = this.#kernel
    const arrival = Math.max(now + delay, this.#lastArrival.get(connection) ?? 0)
    this.#lastArrival.set(connection, arrival)
    return arrival - now
  }
}
