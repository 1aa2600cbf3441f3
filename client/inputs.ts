import { BailiwickError } from '../core/errors.ts'
import { encodeClientMessage } from '../core/protocol/frame.ts'

/** What a player does: everything that carries a sequence number. */
export type Input =
  | { readonly case: 'move'; readonly value: { readonly vx: number; readonly vy: number } }
  | { readonly case: 'say'; readonly value: { readonly text: string } }
  | { readonly case: 'tell'; readonly value: { readonly to: string; readonly text: string; readonly id: number } }
  | { readonly case: 'pickUp'; readonly value: { readonly entity: number } }
  | { readonly case: 'drop'; readonly value: { readonly item: string } }
  | { readonly case: 'give'; readonly value: { readonly item: string; readonly to: number } }
  | { readonly case: 'emote'; readonly value: { readonly emote: number } }
  | { readonly case: 'look'; readonly value: Readonly<Record<string, never>> }
  | { readonly case: 'leave'; readonly value: Readonly<Record<string, never>> }

interface Waiting {
  input: Input
  /** Undefined until it is sent for the first time. */
  sequence: number | undefined
  /** Sent over the connection of now. */
  sent: boolean
}

/** So many inputs may wait for their acknowledgement. */
export const MAX_WAITING_INPUTS = 256

/**
 * The inputs that are not acknowledged yet, in order. Numbers are given when an input is first sent, from the acknowledged one of the first Welcome on, and are kept when it is
 * sent again after a reconnect: the server applies each number at most once, so nothing is lost and nothing happens twice.
 */
export class InputQueue {
  #next = 1
  #waiting: Waiting[] = []

  /** Throws TooManyRequests when MAX_WAITING_INPUTS wait already. A move replaces one that was not sent yet: only the last wanted velocity matters. */
  push(input: Input): void {
    const last = this.#waiting.at(-1)
    if (input.case === 'move' && last?.input.case === 'move' && last.sequence === undefined) {
      last.input = input
      return
    }
    if (this.#waiting.length >= MAX_WAITING_INPUTS) {
      throw new BailiwickError('TooManyRequests', {
        asked: input.case,
        found: `${this.#waiting.length} inputs that the server has not acknowledged`,
        todo: 'wait until the connection is back',
      })
    }
    this.#waiting.push({ input, sequence: undefined, sent: false })
  }

  /** The frame of the next input that was not sent over this connection yet, which counts as sent from now on; undefined when there is none. `seen`: the tick of the newest state. */
  take(seen = 0): Uint8Array | undefined {
    const next = this.#waiting.find((waiting) => !waiting.sent)
    if (next === undefined) return undefined
    next.sequence ??= this.#next++
    next.sent = true
    return encodeClientMessage({ sequence: next.sequence, body: next.input, seen })
  }

  /** True while something is left to send over this connection. */
  get unsent(): boolean {
    return this.#waiting.some((waiting) => !waiting.sent)
  }

  /** A new connection was welcomed: what the server has not applied is to be sent again. */
  welcomed(acknowledged: number): void {
    this.acknowledged(acknowledged)
    this.#next = Math.max(this.#next, acknowledged + 1)
    for (const waiting of this.#waiting) waiting.sent = false
  }

  /** The server has applied every input up to `sequence`. */
  acknowledged(sequence: number): void {
    const first = this.#waiting[0]
    if (first?.sequence === undefined || first.sequence > sequence) return
    this.#waiting = this.#waiting.filter((waiting) => waiting.sequence === undefined || waiting.sequence > sequence)
  }

  /** The server refused this one for good; it is not sent again. */
  refused(sequence: number): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.sequence !== sequence)
  }

  get size(): number {
    return this.#waiting.length
  }
}
