import { randomUUID } from 'node:crypto'
import { chains } from '../core/chains.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, layerId, type ZoneId } from '../core/ids.ts'
import { storedLayerRecord } from '../core/layer-record.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Store } from '../core/ports/store-port.ts'

const MAX_LAYERS = 10_000
/** A layer that is closed is written by nobody; a host that did not notice yet writes at most a few records more. */
const TRIES = 5

export interface EraseDeps {
  readonly store: Store
  readonly index: Pick<ZoneIndex, 'dropJournal'>
}

/**
 * Erases what is stored of all layers of a zone, and their journals: those below `known`, and on to the first that has no chain, since layers are opened from 0
 * up. Answers how many had data. May be repeated. Throws StoreUnavailable or IndexUnavailable, or Busy when a layer is still being written.
 */
export async function eraseLayers(deps: EraseDeps, zone: ZoneId, known: number): Promise<number> {
  let erased = 0
  for (let index = 0; index < MAX_LAYERS; index++) {
    const found = await eraseLayer(deps, layerId(zone, index))
    await eraseEvidence(deps.store, layerId(zone, index))
    if (found === 'none' && index >= known) break
    if (found === 'erased') erased += 1
  }
  return erased
}

/**
 * The record 'erased' takes the next number, so that whoever still believes to own the layer is refused; what stood below goes. Then the journal, which is told the
 * same number: whoever opened the layer anew since has a higher one, and keeps it.
 */
async function eraseLayer({ store, index }: EraseDeps, layer: LayerId): Promise<'none' | 'erased' | 'before'> {
  const chain = chains.layer(layer)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    if (head === undefined) return 'none'
    if (head.kind === 'erased') {
      await store.prune(chain, head.n)
      await index.dropJournal(layer, head.n)
      return 'before'
    }
    const record = storedLayerRecord({ kind: 'erased', lastSnapshot: 0 })
    if ((await store.append(chain, head.n + 1, randomUUID(), record)) === 'Done') {
      await store.prune(chain, head.n + 1)
      await index.dropJournal(layer, head.n + 1)
      return 'erased'
    }
  }
  throw new BailiwickError('Busy', { asked: `erase the data of layer ${layer}`, found: 'somebody still writes it' })
}

/** What the layer did not survive holds what players did. The record 'erased' stands for all that was before it. */
async function eraseEvidence(store: Store, layer: LayerId): Promise<void> {
  const chain = chains.evidence(layer)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    if (head === undefined) return
    if (head.kind === 'erased' || (await store.append(chain, head.n + 1, randomUUID(), { kind: 'erased', data: {} })) === 'Done') {
      await store.prune(chain, head.kind === 'erased' ? head.n : head.n + 1)
      return
    }
  }
  throw new BailiwickError('Busy', { asked: `erase what layer ${layer} did not survive`, found: 'somebody still writes it' })
}
