import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import type { Clock } from '../../core/clock.ts'
import { DUE_PAGE, type PutOff } from '../../core/due-sweep.ts'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ListedStore } from '../../core/ports/store-archive-port.ts'
import { SESSION_FORGOTTEN_AFTER } from '../../core/timing.ts'
import { randomId, sessionForm } from './stored.ts'

const SESSIONS = 'session'

export interface OlderSessionsDeps {
  readonly store: ListedStore
  readonly clock: Clock
  readonly log: Log
}

/**
 * Looks for sessions that say no time at which somebody shall look at them: older releases wrote such, and the sweep, which asks for what is due, would never see them. A page in each round, all around once and, while there are
 * any, once more: a replica of the older release may still write some. The first one is chosen at random, so that of many replicas, and of one that is started anew often, each begins elsewhere.
 */
export class OlderSessions {
  readonly #start = chains.session(randomId())
  #after: string = this.#start
  #hasTurned = false
  /** The page before was the last one. */
  #isAround = false
  #foundSome = false
  #isDone = false

  /** Gives a time to those of the next page. Throws StoreUnavailable when the store does not say which there are; what fails of a chain is told in the log once, and comes again with the next time around. */
  async look({ store, clock, log }: OlderSessionsDeps, putOff: PutOff, stopping?: AbortSignal): Promise<void> {
    for (const chain of await this.#next(store)) {
      if (stopping?.aborted === true) return
      try {
        if (!(await giveTime(store, chain, clock.now()))) continue
        this.#foundSome = true
      } catch (error) {
        this.#foundSome = true
        if (putOff.failed(chain, clock.now(), Math.random())) {
          log.warn({ chain, detail: describeError(error) }, 'a session can not be looked at; it is tried again')
        }
      }
    }
  }

  /** The chains behind those of the time before, and none once all were seen and none was found. */
  async #next(store: ListedStore): Promise<readonly string[]> {
    if (this.#isAround) this.#turn()
    if (this.#isDone) return []
    const listed = await store.chains(this.#after, DUE_PAGE, SESSIONS)
    const names = listed.filter((chain) => !this.#hasTurned || chain <= this.#start)
    const last = names.at(-1)
    if (last !== undefined && names.length === DUE_PAGE) this.#after = last
    else if (!this.#hasTurned) {
      this.#hasTurned = true
      this.#after = chains.session('')
    } else this.#isAround = true
    return names
  }

  #turn(): void {
    this.#isDone = !this.#foundSome
    this.#isAround = false
    this.#hasTurned = false
    this.#foundSome = false
    this.#after = this.#start
  }
}

/** True: it had none. The same record with the time that this release would have written: one who lives is due when nobody can use it any more, one that has ended from now on as if it had ended now. Throws StoreCorrupt, Busy. */
async function giveTime(store: ListedStore, chain: string, now: number): Promise<boolean> {
  const seen = await store.head(chain)
  if (seen === undefined || seen.due !== undefined) return false
  return changeChain(
    store,
    chain,
    (head) => {
      if (head === undefined || head.due !== undefined) return { result: false }
      const session = sessionForm.read(chain, head)
      const due = session.kind === 'live' ? session.expiresAt : now + SESSION_FORGOTTEN_AFTER
      return { record: { kind: head.kind, data: head.data, due }, result: true }
    },
    'always',
  )
}
