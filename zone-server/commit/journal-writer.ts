import { BailiwickError } from '../../core/errors.ts'
import type { AppendAnswer, Journal, JournalAppend } from '../../core/ports/journal-port.ts'

interface Waiting {
  readonly append: JournalAppend
  readonly resolve: (answer: AppendAnswer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Appends for all layers of a host, one call at a time: what comes while a call is under way goes with the next one, all in one round trip. So there are as many calls as the
 * index can answer, and a host with many layers does not wait for one after the other.
 */
export class JournalWriter {
  readonly #journal: Pick<Journal, 'appendJournal'>
  #waiting: Waiting[] = []
  #underWay = false

  constructor(journal: Pick<Journal, 'appendJournal'>) {
    this.#journal = journal
  }

  /** Appends an entry. Throws IndexUnavailable when the index does not answer; the append may then have happened or not. */
  append(append: JournalAppend): Promise<AppendAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, resolve, reject })
      if (!this.#underWay) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#underWay = true
    while (this.#waiting.length > 0) await this.#call(this.#takeRound())
    this.#underWay = false
  }

  /** At most one of each layer, the oldest first. */
  #takeRound(): Waiting[] {
    const layers = new Set<string>()
    const round: Waiting[] = []
    const later: Waiting[] = []
    for (const waiting of this.#waiting) {
      const { layer } = waiting.append
      if (layers.has(layer)) later.push(waiting)
      else {
        layers.add(layer)
        round.push(waiting)
      }
    }
    this.#waiting = later
    return round
  }

  async #call(round: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#journal.appendJournal(round.map(({ append }) => append))
      for (const [i, { append, resolve, reject }] of round.entries()) {
        const answer = answers[i]
        if (answer !== undefined) resolve(answer)
        else reject(new BailiwickError('IndexUnavailable', { asked: `an append for ${append.layer}`, found: `${answers.length} answers` }))
      }
    } catch (error) {
      for (const { reject } of round) reject(error)
    }
  }
}
