import type { LayerId } from '../../../core/ids.ts'
import type { JournalEntry } from '../../../core/ports/journal-port.ts'
import { decodeBatch } from '../../../zone-server/simulation/batch.ts'
import { type LayerState, newState, type SimulationSettings } from '../../../zone-server/simulation/state.ts'
import { stateHash } from '../../../zone-server/simulation/state-hash.ts'
import { step } from '../../../zone-server/simulation/step.ts'

/** Something that must never happen. */
export class Violation extends Error {}

/**
 * The one true history of a layer: what the index confirmed, tick by tick, as somebody sees it who forgets nothing. Each confirmed batch is stepped here as well, so that `state` is that of
 * a layer whose process never died; whatever a process or a server does that contradicts it is a Violation.
 *
 * What the index forgets stays in the history: the owner has it in its memory and brings it back. Only when owner and index are gone at once (`mayLose`: schedules with two faults at a
 * time) another may go on from before it.
 */
export class LayerHistory {
  readonly layer: LayerId
  readonly #settings: SimulationSettings
  readonly #mayLose: boolean
  #entries: JournalEntry[] = []
  state: LayerState
  /** The newest tick that the store holds, with all before it. */
  durable = 0
  /** Ticks after `from` and up to `to` are in no index any more. */
  #forgotten: { from: number; to: number } | undefined
  /** Every `epoch/tick` that was ever confirmed. */
  readonly #confirmed = new Set<string>()
  /** The newest tick whose owner knows that it is confirmed. */
  #known = 0
  /** Where each epoch went on from: what it found confirmed up to there may leave in its name. */
  readonly #began = new Map<number, number>()
  /** The newest epoch that began: none below it ever confirms anything again. */
  #newest = 0
  /** Chats by what was said, with the tick: each is said once. */
  #said = new Map<string, number>()
  /** Confirmed ticks that were lost with owner and index. */
  lost = 0
  /** Owners that began here. */
  epochs = 0

  constructor(layer: LayerId, settings: SimulationSettings, mayLose: boolean) {
    this.layer = layer
    this.#settings = settings
    this.#mayLose = mayLose
    this.state = newState(layer, settings)
  }

  get last(): number {
    return this.#entries.at(-1)?.tick ?? 0
  }

  /** The index lost something that the store does not hold. */
  get hasForgotten(): boolean {
    return this.#forgotten !== undefined
  }

  /** The hash of the state after this confirmed tick; undefined: it has no entry. */
  digestAt(tick: number): string | undefined {
    return this.#entries.find((entry) => entry.tick === tick)?.digest
  }

  get count(): number {
    return this.#entries.length
  }

  /** This was said in a confirmed tick. */
  wasSaid(text: string): boolean {
    return this.#said.has(text)
  }

  /** The index answered Done to this entry. */
  appended(entry: JournalEntry): void {
    const { epoch, tick, previous, digest } = entry
    // Whose journal ends where its state does goes on without a word.
    if (epoch > this.#newest) this.started(epoch, previous, previous)
    if (tick <= this.last) {
      const known = this.#entries.findLast((earlier) => earlier.tick === tick)
      if (known?.digest !== digest) this.#fail(`tick ${tick} confirmed again by epoch ${epoch}, and it was epoch ${known?.epoch} before`)
      if (known.epoch !== epoch && !this.#isForgotten(tick)) this.#fail(`tick ${tick} confirmed by epochs ${known.epoch} and ${epoch}`)
      this.#confirmed.add(`${epoch}/${tick}`)
      return
    }
    if (previous !== this.last) this.#fail(`tick ${tick} of epoch ${epoch} follows ${previous}, and the last one was ${this.last}`)
    if (epoch < this.#newest) this.#fail(`tick ${tick} of epoch ${epoch} confirmed after epoch ${this.#newest} has begun`)
    this.#entries.push({ ...entry, batch: entry.batch.slice() })
    this.#confirmed.add(`${epoch}/${tick}`)
    this.#step(entry)
    const hash = stateHash(this.state)
    if (hash !== digest) this.#fail(`tick ${tick} of epoch ${epoch}: its owner's state is ${digest}, and that of who never died ${hash}`)
  }

  /** The index answered Done to who goes on in `epoch` from `tick`, the last one it holds being `held`. */
  started(epoch: number, tick: number, held: number): void {
    if (epoch < this.#newest) this.#fail(`epoch ${epoch} begins after epoch ${this.#newest}`)
    this.epochs++
    this.#newest = epoch
    this.#began.set(epoch, tick)
    if (tick > this.last) this.#fail(`an owner goes on from tick ${tick}, and the last confirmed one is ${this.last}`)
    if (tick > held && this.durable < tick)
      this.#fail(`an owner goes on from tick ${tick}; the journal ends at ${held} and the store at ${this.durable}`)
    if (tick === this.last) return
    // What the index forgot before anybody knew that it was confirmed was not.
    const mayGo = this.#isForgotten(tick + 1) && (this.#mayLose || this.#known <= tick)
    if (!mayGo) this.#fail(`an owner goes on from tick ${tick}: confirmed ticks up to ${this.last} are lost`)
    this.#cutBehind(tick)
  }

  /** The owner heard that this tick is confirmed. */
  heard(tick: number): void {
    if (this.#holds(tick)) this.#known = Math.max(this.#known, tick)
  }

  /** The index lost what was behind `held`. */
  forgot(held: number): void {
    if (held >= this.last) return
    this.#forgotten = { from: Math.max(this.durable, Math.min(held, this.#forgotten?.from ?? held)), to: this.last }
    if (this.#forgotten.from >= this.#forgotten.to) this.#forgotten = undefined
  }

  /** The store holds everything up to `tick`. */
  stored(tick: number, what: string): void {
    if (tick > this.last) this.#fail(`a ${what} of tick ${tick} is stored, and the last confirmed one is ${this.last}`)
    this.durable = Math.max(this.durable, tick)
    if (this.#forgotten === undefined) return
    this.#forgotten.from = Math.max(this.#forgotten.from, this.durable)
    if (this.#forgotten.from >= this.#forgotten.to) this.#forgotten = undefined
  }

  /** The journal, whose last entry was `held`, was trimmed. */
  trimmed(through: number, held: number): void {
    // Behind the last entry there is nothing to lose.
    if (Math.min(through, held) > this.durable)
      this.#fail(`the journal was trimmed up to ${through}, and the store holds ticks up to ${this.durable}`)
  }

  /** The whole journal was dropped, for a layer in which nothing ever happened. */
  dropped(): void {
    if (this.last > 0) this.#fail(`the journal was dropped, and ticks up to ${this.last} are confirmed`)
  }

  /** Something of (epoch, tick) left the host. */
  left(epoch: number, tick: number): void {
    const known = this.#confirmed.has(`${epoch}/${tick}`) || (tick <= (this.#began.get(epoch) ?? 0) && this.#holds(tick))
    if (!known) this.#fail(`output of tick ${tick} in epoch ${epoch} left, and it is not confirmed`)
  }

  /** Something left the layer for good that happened in `tick`. */
  exited(tick: number, what: string): void {
    if (tick > this.durable) this.#fail(`${what} left the layer in tick ${tick}, and the store holds ticks up to ${this.durable}`)
  }

  #holds(tick: number): boolean {
    return this.#entries.findLast((entry) => entry.tick <= tick)?.tick === tick
  }

  #isForgotten(tick: number): boolean {
    return this.#forgotten !== undefined && tick > this.#forgotten.from
  }

  #step(entry: JournalEntry): void {
    while (this.state.tick < entry.tick - 1) step(this.state, [])
    const { messages } = step(this.state, decodeBatch(entry.batch))
    for (const { message } of messages) {
      if (message.kind !== 'said') continue
      const before = this.#said.get(message.text)
      if (before !== undefined) this.#fail(`"${message.text}" was said in tick ${before} and again in ${entry.tick}`)
      this.#said.set(message.text, entry.tick)
    }
  }

  #cutBehind(tick: number): void {
    const kept = this.#entries.filter((entry) => entry.tick <= tick)
    if ((kept.at(-1)?.tick ?? 0) !== tick) this.#fail(`an owner goes on from tick ${tick}, which is none that was confirmed`)
    this.lost += this.#entries.filter((entry) => entry.tick > tick && entry.tick <= this.#known).length
    this.#known = Math.min(this.#known, tick)
    this.#entries = kept
    this.#forgotten = undefined
    this.#said = new Map()
    this.state = newState(this.layer, this.#settings)
    for (const entry of kept) this.#step(entry)
  }

  #fail(text: string): never {
    throw new Violation(`${this.layer}: ${text}`)
  }
}
