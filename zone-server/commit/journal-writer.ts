import { performance } from 'node:perf_hooks'
import { BailiwickError, isCode } from '../../core/errors.ts'
import type { AppendAnswer, Journal, JournalAppend } from '../../core/ports/journal-port.ts'

/** What is counted of the calls. */
export interface JournalMeters {
  /** One call took so many seconds; `answered`: the index answered. */
  commit(seconds: number, answered: boolean): void
  /** An entry was refused. */
  journalRefused(answer: Exclude<AppendAnswer, 'Done'>): void
}

const uncounted: JournalMeters = { commit: () => undefined, journalRefused: () => undefined }

interface Waiting {
  readonly appends: readonly JournalAppend[]
  readonly resolve: (answers: readonly AppendAnswer[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Appends for all layers of a host, one call at a time: what comes while a call is under way goes with the next one, all in one round trip. So there are as many calls as the
 * index can answer, and a host with many layers does not wait for one after the other.
 */
export class JournalWriter {
  readonly #journal: Pick<Journal, 'appendJournal'>
  readonly #meters: JournalMeters
  #waiting: Waiting[] = []
  #underWay = false

  constructor(journal: Pick<Journal, 'appendJournal'>, meters: JournalMeters = uncounted) {
    this.#journal = journal
    this.#meters = meters
  }

  /**
   * Appends entries of one layer, linked one to the next; a layer asks again only when it was answered. Throws IndexUnavailable when the index does not answer; the
   * appends may then have happened or not.
   */
  append(appends: readonly JournalAppend[]): Promise<readonly AppendAnswer[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ appends, resolve, reject })
      if (!this.#underWay) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#underWay = true
    while (this.#waiting.length > 0) await this.#call(this.#waiting.splice(0))
    this.#underWay = false
  }

  async #call(round: readonly Waiting[]): Promise<void> {
    const began = performance.now()
    const called = (answered: boolean): void => this.#meters.commit((performance.now() - began) / 1_000, answered)
    try {
      const asked = round.flatMap(({ appends }) => appends)
      const answers = await this.#journal.appendJournal(asked)
      if (answers.length !== asked.length)
        throw new BailiwickError('IndexUnavailable', { asked: `${asked.length} appends`, found: `${answers.length} answers` })
      called(true)
      for (const answer of answers) if (answer !== 'Done') this.#meters.journalRefused(answer)
      let at = 0
      for (const { appends, resolve } of round) {
        resolve(answers.slice(at, at + appends.length))
        at += appends.length
      }
    } catch (error) {
      called(false)
      // One layer's entries that can't be taken at all are no other layer's fault. What was appended already is Done once more.
      if (round.length > 1 && !isCode(error, 'IndexUnavailable')) for (const one of round) await this.#call([one])
      else for (const { reject } of round) reject(error)
    }
  }
}
