import { chains, type LivingCharacter } from './chains.ts'
import { parseLayerId } from './ids.ts'
import { readLayerRecord } from './layer-record.ts'
import type { Store } from './ports/store-port.ts'

/**
 * A character as it counts: who is held by a layer whose data was erased (its host died, and its zone was deleted before another had it) is free, for nobody else could let it go. What it
 * carried went with the layer, or was passed on there: it must not come into being again. Throws StoreCorrupt.
 */
export async function freedFromErased(record: LivingCharacter, store: Pick<Store, 'head'>): Promise<LivingCharacter> {
  if (record.kind !== 'held' || record.layer === undefined) return record
  const { layer, epoch = 0, ...rest } = record
  const chain = chains.layer(layer)
  const head = await store.head(chain)
  if (head === undefined) return record
  // The layer may have been opened anew since: then it is another one, that never had the character.
  const last = readLayerRecord(chain, head)
  if ((last.kind === 'erased' ? head.n : last.erasedAt) < Math.max(epoch, 1)) return record
  return { ...rest, kind: 'released', state: { ...rest.state, zone: parseLayerId(layer).zone, inventory: [] } }
}
