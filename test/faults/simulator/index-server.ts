import { BailiwickError } from '../../../core/errors.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Fence, JournalAppend } from '../../../core/ports/journal-port.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import { INDEX_CALL_DEADLINE } from '../../../core/timing.ts'
import * as journals from '../../../platform/memory/journals.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import type { LayerHistory } from './history.ts'
import type { Kernel } from './kernel.ts'
import { type Network, Server } from './network.ts'
import type { Process } from './process.ts'

export interface IndexServerDeps {
  readonly kernel: Kernel
  readonly network: Network
  readonly histories: ReadonlyMap<LayerId, LayerHistory>
  readonly zones: readonly ZoneSettings[]
  /** Told what a history found to be wrong. */
  readonly onViolation: (error: unknown) => void
  readonly onClosed: (layer: LayerId, generation: number) => void
  /** Checks that are left out, to see whether that is found. */
  readonly without?: string | undefined
}

/** A change of the journals that can be done again on an older copy. */
type Change = (state: journals.JournalsState) => void

/**
 * The zone index as a server: the memory driver's journals behind a network, with the faults that a Redis has. Placement is not played here (whoever wants a layer is given it by the
 * schedule), so the rest of the port answers as if everything were granted.
 */
export class IndexServer {
  readonly server: Server
  readonly #deps: IndexServerDeps
  readonly #others: ZoneIndex
  #journals = journals.createJournals()
  #changes: Change[] = []
  #incarnation = 1
  readonly #tickets = new Map<string, { readonly account: string; readonly character: string; used: boolean }>()

  constructor(deps: IndexServerDeps) {
    this.#deps = deps
    this.server = new Server('index', deps.kernel)
    this.#others = createMemoryIndex({ clock: { now: () => 0 } })
  }

  /** Gives a ticket out, as the allocator would. */
  ticket(id: string, account: string, character: string): void {
    this.#tickets.set(id, { account, character, used: false })
  }

  /** Goes on with all its data, as another. */
  restart(): void {
    this.#becomeAnother()
  }

  /** Loses everything. */
  flush(): void {
    this.#goBack(0)
    this.#tickets.clear()
  }

  /** It has the fence of this layer as its last owner raised it. */
  hasFence(layer: LayerId): boolean {
    return journals.hasFence(this.#journals, layer, 0)
  }

  /** How much happened so far: where a replica stands that hears of nothing more. */
  get position(): number {
    return this.#changes.length
  }

  /** A replica takes over that has heard of nothing since it stood there. */
  failOver(position: number): void {
    this.#goBack(Math.max(0, Math.min(position, this.#changes.length)))
  }

  portOf(caller: Process): ZoneIndex {
    const call = <T>(what: string, work: () => T): Promise<T> =>
      this.#deps.network.call(caller, this.server, async () => this.#judged(work), {
        what,
        deadlineMs: INDEX_CALL_DEADLINE,
        late: () => new BailiwickError('IndexUnavailable', { asked: what }),
      })
    const { zones, onClosed } = this.#deps
    return {
      ...this.#others,
      getZone: (zone) => call('getZone', () => zones.find((settings) => settings.zone === zone)),
      redeemTicket: (_fleet, _layer, _host, _generation, id) => call('redeemTicket', () => this.#redeem(id)),
      beginClose: () => call('beginClose', () => 'ok' as const),
      closeLayer: (_fleet, layer, _host, generation) =>
        call('closeLayer', () => {
          onClosed(layer, generation)
          return 'ok' as const
        }),
      failLayer: () => call('failLayer', () => 'ok' as const),
      setLocation: () => call('setLocation', () => undefined),
      raiseFence: (layer, epoch) =>
        call(`raiseFence ${layer} ${epoch}`, () => this.#change((state) => journals.raiseFence(state, layer, epoch, 0))),
      hasFence: (layer) => call(`hasFence ${layer}`, () => this.#deps.without === 'fenceWait' || this.hasFence(layer)),
      fenceEpoch: (layer) => call(`fenceEpoch ${layer}`, () => journals.fenceEpoch(this.#journals, layer, 0)),
      readJournal: (layer, fence, after, limit) =>
        call(`readJournal ${layer} ${fence.epoch} ${after}`, () =>
          journals.readJournal(this.#journals, { layer, fence: this.#seen(layer, fence), now: 0 }, after, limit),
        ),
      startJournal: (layer, fence, tick) => call(`startJournal ${layer} ${fence.epoch} ${tick}`, () => this.#start(layer, fence, tick)),
      appendJournal: async (appends) => {
        const answers = await call(`appendJournal ${appends.map(titleOf).join(', ')}`, () => appends.map((append) => this.#append(append)))
        for (const [i, { layer, tick }] of appends.entries()) if (answers[i] === 'Done') this.#deps.histories.get(layer)?.heard(tick)
        return answers
      },
      trimJournal: (layer, fence, through) =>
        call(`trimJournal ${layer} ${fence.epoch} ${through}`, () => {
          const held = this.#held(layer)
          const asked = { layer, fence: this.#seen(layer, fence), now: 0 }
          const answer = this.#change((state) => journals.trimJournal(state, asked, through))
          if (answer === 'Done') this.#deps.histories.get(layer)?.trimmed(through, held)
          return answer
        }),
      dropJournal: (layer, epoch) =>
        call(`dropJournal ${layer} ${epoch}`, () => {
          this.#change((state) => journals.dropJournal(state, layer, epoch, { now: 0, forgetAt: Number.MAX_SAFE_INTEGER }))
          this.#deps.histories.get(layer)?.dropped()
        }),
    }
  }

  #start(layer: LayerId, fence: Fence, tick: number): ReturnType<typeof journals.startJournal> {
    const held = this.#held(layer)
    const asked = { layer, fence: this.#seen(layer, fence), now: 0 }
    const answer = this.#change((state) => journals.startJournal(state, asked, tick))
    if (answer === 'Done') this.#deps.histories.get(layer)?.started(fence.epoch, tick, held)
    return answer
  }

  #append(append: JournalAppend): ReturnType<typeof journals.appendJournal> {
    // Copied as it arrives: whoever sent it may use its buffer again.
    const kept = { ...append, batch: append.batch.slice(), fence: this.#seen(append.layer, append.fence) }
    const answer = this.#change((state) => journals.appendJournal(state, kept, 0))
    if (answer === 'Done') this.#deps.histories.get(append.layer)?.appended(kept)
    else this.#deps.kernel.note(`  ${append.layer} ${append.epoch}/${append.tick}: ${answer}`)
    return answer
  }

  #redeem(id: string): Awaited<ReturnType<ZoneIndex['redeemTicket']>> {
    const ticket = this.#tickets.get(id)
    if (ticket === undefined) return { ok: false, code: 'TicketUnknown' }
    if (ticket.used) return { ok: false, code: 'TicketUsed' }
    ticket.used = true
    return { ok: true, account: ticket.account, character: ticket.character }
  }

  #held(layer: LayerId): number {
    return this.#journals.layers.get(layer)?.last.tick ?? 0
  }

  #change<T>(change: (state: journals.JournalsState) => T): T {
    this.#changes.push(change)
    return change(this.#journals)
  }

  #goBack(kept: number): void {
    this.#changes = this.#changes.slice(0, kept)
    const state = journals.createJournals()
    for (const change of this.#changes) change(state)
    this.#journals = state
    this.#becomeAnother()
    for (const [layer, history] of this.#deps.histories) history.forgot(this.#held(layer))
  }

  /** With a replication id that no index before it had. */
  #becomeAnother(): void {
    if (this.#deps.without === 'replid') return
    const replid = (++this.#incarnation).toString(16).padStart(40, '0')
    this.#change((state) => {
      state.replid = replid
    })
  }

  /** The fence as an index without the check sees it. */
  #seen(layer: LayerId, fence: Fence): Fence {
    const standing = this.#journals.layers.get(layer)?.fence
    const passes = this.#deps.without === 'fence' && standing?.replid === fence.replid && fence.epoch < standing.epoch
    return passes ? standing : fence
  }

  #judged<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      this.#deps.onViolation(error)
      throw error
    }
  }
}

function titleOf({ layer, epoch, tick, previous, batch }: JournalAppend): string {
  return `${layer} ${epoch}/${tick} after ${previous} (${batch.byteLength})`
}
