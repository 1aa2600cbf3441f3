import { promisify } from 'node:util'
import { constants, deflate, inflate } from 'node:zlib'
import { BailiwickError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import { hashBytes } from './simulation/hash.ts'
import { decodeState, encodeState } from './simulation/snapshot.ts'
import type { LayerState } from './simulation/state.ts'

const compress = promisify(deflate)
const decompress = promisify(inflate)

/** No snapshot is larger than this when it is unpacked, in bytes. */
const MAX_UNPACKED = 128 * 1024 * 1024

export interface PackedSnapshot {
  readonly tick: number
  readonly hash: string
  readonly blob: Uint8Array
}

/** The state as it is at the call, packed for the store. Compression runs beside the event loop. */
export async function packSnapshot(state: LayerState): Promise<PackedSnapshot> {
  const bytes = encodeState(state)
  const { tick } = state
  const hash = hashBytes(bytes)
  return { tick, hash, blob: await compress(bytes, { level: constants.Z_BEST_SPEED }) }
}

/** The state of a packed snapshot. Throws StoreCorrupt when it is damaged, not the one of this hash, or another layer's. */
export async function unpackSnapshot(layer: LayerId, hash: string, blob: Uint8Array | undefined): Promise<LayerState> {
  if (blob === undefined) throw new BailiwickError('StoreCorrupt', { asked: `a snapshot of ${layer}`, found: 'a record without bytes' })
  let bytes: Uint8Array
  try {
    bytes = await decompress(blob, { maxOutputLength: MAX_UNPACKED })
  } catch (cause) {
    throw new BailiwickError('StoreCorrupt', { asked: `a snapshot of ${layer}`, found: 'bytes that do not unpack', cause })
  }
  const found = hashBytes(bytes)
  if (found !== hash)
    throw new BailiwickError('StoreCorrupt', { asked: `a snapshot of ${layer} with hash ${hash}`, found: `hash ${found}` })
  const state = decodeState(bytes)
  if (state.layer !== layer) throw new BailiwickError('StoreCorrupt', { asked: `a snapshot of ${layer}`, found: `one of ${state.layer}` })
  return state
}
