import { type CharacterRecord, chains } from '../core/chains.ts'
import { storedCharacter } from '../core/character-record.ts'
import type { Timers } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { invariant } from './invariant.ts'
import { retrying } from './retry.ts'
import { isLeaving, type LayerState, type Release } from './simulation/state.ts'

export interface ReleasesDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly state: LayerState
  readonly log: Log
  readonly timers: Timers
  readonly signal: AbortSignal
  /** The chain holds everything up to this tick. */
  readonly durable: () => number
  /** The release is stored (now or long ago): the simulation is to be told. */
  readonly onDone: (release: Release) => void
  /** A first try failed; it goes on being tried. */
  readonly onDelayed: (release: Release) => void
}

/** Sends the outbox: whoever left for good is released in the store, but only when the leaving itself is durable. */
export class Releases {
  readonly #deps: ReleasesDeps
  readonly #underWay = new Set<string>()
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(deps: ReleasesDeps) {
    this.#deps = deps
  }

  /** Sends every entry of the outbox that the chain holds, which is whole up to tick `durable`. */
  send(durable: number): void {
    for (const release of this.#deps.state.outbox.values()) {
      if (release.tick > durable || this.#underWay.has(release.id)) continue
      this.#underWay.add(release.id)
      invariant(release.tick <= this.#deps.durable(), 'what leaves for good is in the chain', `${release.id}, the chain ends at ${durable}`)
      void this.#release(release)
    }
  }

  /** After a tick: forgets what the simulation has dropped, and lets those go on who waited for it. */
  afterTick(): void {
    const { state } = this.#deps
    for (const id of this.#underWay) if (!state.outbox.has(id)) this.#underWay.delete(id)
    for (const [character, waiting] of this.#waiting) {
      if (isLeaving(state, character)) continue
      this.#waiting.delete(character)
      for (const go of waiting) go()
    }
  }

  /** Resolves when nothing of the character is in the outbox (any more). */
  settled(character: string): Promise<void> {
    if (!isLeaving(this.#deps.state, character)) return Promise.resolve()
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(character) ?? new Set()
      waiting.add(resolve)
      this.#waiting.set(character, waiting)
    })
  }

  async #release(release: Release): Promise<void> {
    const { store, log, timers, signal, state, onDelayed, onDone } = this.#deps
    const chain = chains.character(release.character)
    const { account, name, createdAt } = release
    const record: CharacterRecord = { kind: 'released', account, name, createdAt, at: timers.now(), state: release.state }
    // The same for every successor: the second to send it is told that it is done.
    const nonce = `${state.layer}/${release.id}`
    try {
      const answer = await retrying(() => store.append(chain, release.n, nonce, storedCharacter(record)), {
        what: `release of ${release.character}`,
        log,
        timers,
        signal,
        onFirstFailure: () => onDelayed(release),
      })
      // The number is another's: the chain went on without us, by this very release long ago or by somebody who took the character from a lost layer.
      if (answer === 'Conflict')
        log.warn({ layer: state.layer, character: release.character, n: release.n }, 'a release was settled already')
      else this.#tellIndex(release)
      onDone(release)
      if (answer === 'Done') await store.prune(chain, release.n)
    } catch (error) {
      if (!signal.aborted) log.error({ character: release.character, detail: describeError(error) }, 'a release failed')
    }
  }

  #tellIndex(release: Release): void {
    const { index, log, timers, signal } = this.#deps
    retrying(() => index.setLocation(release.character, release.n, { state: 'Offline', account: release.account }), {
      what: 'location',
      log,
      timers,
      signal,
      attempts: 20,
    }).catch((error: unknown) => {
      if (!signal.aborted)
        log.warn({ character: release.character, detail: describeError(error) }, 'the index was not told where a character is')
    })
  }
}
