import { CLIENT_TELL_DEADLINE } from '../core/timing.ts'

export type TellOutcome = 'delivered' | 'unknown'

/** The private messages whose answer is awaited, by id. Each is answered within CLIENT_TELL_DEADLINE. */
export class PendingTells {
  readonly #pending = new Map<number, { readonly resolve: (outcome: TellOutcome) => void; readonly timer: ReturnType<typeof setTimeout> }>()
  #next: number

  /** `first`: ids count on from there; a random one, so that they differ from those of an earlier session. */
  constructor(first: number) {
    this.#next = first
  }

  begin(): { readonly id: number; readonly outcome: Promise<TellOutcome> } {
    const id = this.#next
    this.#next = (this.#next + 1) >>> 0
    const { promise, resolve } = Promise.withResolvers<TellOutcome>()
    this.#pending.set(id, { resolve, timer: setTimeout(() => this.settle(id, 'unknown'), CLIENT_TELL_DEADLINE) })
    return { id, outcome: promise }
  }

  settle(id: number, outcome: TellOutcome): void {
    const waiting = this.#pending.get(id)
    if (waiting === undefined) return
    this.#pending.delete(id)
    clearTimeout(waiting.timer)
    waiting.resolve(outcome)
  }

  /** Nothing more will be heard. */
  end(): void {
    for (const id of [...this.#pending.keys()]) this.settle(id, 'unknown')
  }
}
