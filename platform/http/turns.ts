import type { IncomingMessage, ServerResponse } from 'node:http'

/** So many requests of a connection may wait behind the one that is being answered. Hardly a client sends any ahead; each that waits lies in memory with its headers. */
export const WAITING_MAX = 8
/** Nobody is sent behind those that take more, heads and bodies together, bytes: nothing reads the body of one that waits, and Node keeps 64 KiB of each. */
export const WAITING_BYTES = 32 * 1024

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * The requests of one connection, one at a time. HTTP has the answers leave in the order in which the requests came: one that is made before those ahead of it were taken only lies in memory.
 * Between two the event loop goes round once, so that a packet with hundreds of requests is not answered in one go while everybody else waits.
 */
export class Turns {
  readonly #begin: (exchange: Exchange) => void
  /** Answered now, or last. */
  #front: Exchange | undefined
  /** In the order in which they came. While there are any, the front's close, or the loop's next round, will begin the first. */
  #waiting: Exchange[] | undefined

  /** `begin` begins to answer one. */
  constructor(begin: (exchange: Exchange) => void) {
    this.#begin = begin
  }

  /** Begins it, or has it wait. False: too many wait, or too much. */
  add(exchange: Exchange): boolean {
    const waiting = this.#waiting
    if (waiting !== undefined) return waiting.length < WAITING_MAX && bytesOf(waiting) <= WAITING_BYTES && waiting.push(exchange) > 0
    if (this.#front === undefined || this.#front.response.closed) this.#next(exchange)
    else {
      this.#waiting = [exchange]
      this.#front.response.once('close', this.#goOn)
    }
    return true
  }

  /** It waits for us: it has asked all of it, and has nothing of the answer yet. */
  get isAwaited(): boolean {
    return this.#front?.request.complete === true && !this.#front.response.headersSent
  }

  #next(exchange: Exchange): void {
    this.#front = exchange
    this.#begin(exchange)
  }

  readonly #goOn = (): void => {
    setImmediate(() => {
      const [next, ...rest] = this.#waiting ?? []
      this.#waiting = rest.length > 0 ? rest : undefined
      // What waited when its connection ended gets no answer any more: it must not be done. Ended is it also by an answer that was said to be the last one, before all of that is taken.
      if (next === undefined || !next.request.socket.writable) {
        this.#waiting = undefined
        return
      }
      if (rest.length > 0) next.response.once('close', this.#goOn)
      this.#next(next)
    })
  }
}

/** So much of them lies in memory. Who asks has another one behind them, so their bodies have come whole. */
function bytesOf(waiting: readonly Exchange[]): number {
  return waiting.reduce(
    (sum, { request }) => sum + request.readableLength + request.rawHeaders.reduce((all, { length }) => all + length, 0),
    0,
  )
}
