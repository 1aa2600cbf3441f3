import { randomUUID } from 'node:crypto'
import { chains } from '../core/chains.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, layerId, type ZoneId } from '../core/ids.ts'
import { storedLayerRecord } from '../core/layer-record.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { ChainEntry, Store } from '../core/ports/store-port.ts'
import { type Lead, mustLead } from './lead.ts'

const MAX_LAYERS = 10_000
/** A layer that is closed is written by nobody; a host that did not notice yet writes at most a few records more. */
const TRIES = 5

export interface EraseDeps extends Lead {
  readonly store: Store
  readonly index: Pick<ZoneIndex, 'dropJournal'>
}

/**
 * Erases what is stored of all layers of a zone, and their journals: those below `known`, and on to the first that has no chain, since layers are opened from 0
 * up. Answers how many had data. May be repeated. Throws StoreUnavailable or IndexUnavailable, or Busy when a layer is still being written, was opened meanwhile, or the lease was lost.
 *
 * The zone may have been erased by the next leader, made anew and played while this one stood still. So each write is behind a question whether this one leads, and goes by the number of a head that was read
 * before the question: what was appended since is above it, and stays.
 */
export async function eraseLayers(deps: EraseDeps, zone: ZoneId, known: number): Promise<number> {
  let erased = 0
  for (let index = 0; index < MAX_LAYERS; index++) {
    const found = await eraseLayer(deps, layerId(zone, index))
    await eraseEvidence(deps, layerId(zone, index))
    if (found === 'none' && index >= known) break
    if (found === 'erased') erased += 1
  }
  return erased
}

/**
 * The record 'erased' takes the next number, so that whoever still believes to own the layer is refused; what stood below goes. Then the journal, which is told the
 * same number: whoever opened the layer anew since has a higher one, and keeps it.
 */
async function eraseLayer(deps: EraseDeps, layer: LayerId): Promise<'none' | 'erased' | 'before'> {
  const chain = chains.layer(layer)
  const asked = `erase the data of layer ${layer}`
  let owner: unknown
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await deps.store.head(chain)
    if (head === undefined) return 'none'
    mustLead(deps, asked)
    if (head.kind === 'erased') {
      await dropBelow(deps, layer, head.n, asked)
      return 'before'
    }
    if (attempt > 0 && ownerOf(head) !== owner) throw new BailiwickError('Busy', { asked, found: 'it was opened meanwhile' })
    owner = ownerOf(head)
    const record = storedLayerRecord({ kind: 'erased', lastSnapshot: 0 })
    if ((await deps.store.append(chain, head.n + 1, randomUUID(), record)) === 'Done') {
      await dropBelow(deps, layer, head.n + 1, asked)
      return 'erased'
    }
  }
  throw new BailiwickError('Busy', { asked, found: 'somebody still writes it' })
}

async function dropBelow(deps: EraseDeps, layer: LayerId, erased: number, asked: string): Promise<void> {
  mustLead(deps, asked)
  await deps.store.prune(chains.layer(layer), erased)
  mustLead(deps, asked)
  await deps.index.dropJournal(layer, erased)
}

/** The epoch of a layer's record: whoever opens the layer has one of their own. */
function ownerOf({ kind, n, data }: ChainEntry): unknown {
  return kind === 'open' ? n : data['epoch']
}

/** What the layer did not survive holds what players did. The record 'erased' stands for all that was before it. */
async function eraseEvidence(deps: EraseDeps, layer: LayerId): Promise<void> {
  const { store } = deps
  const chain = chains.evidence(layer)
  const asked = `erase what layer ${layer} did not survive`
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    if (head === undefined) return
    mustLead(deps, asked)
    if (head.kind === 'erased' || (await store.append(chain, head.n + 1, randomUUID(), { kind: 'erased', data: {} })) === 'Done') {
      mustLead(deps, asked)
      await store.prune(chain, head.kind === 'erased' ? head.n : head.n + 1)
      return
    }
  }
  throw new BailiwickError('Busy', { asked, found: 'somebody still writes it' })
}
