import { BailiwickError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import type { Packed, Packing } from './packing.ts'
import { type Allocate, decodeState, encodeState } from './simulation/snapshot.ts'
import type { LayerState } from './simulation/state.ts'
import { stateHash } from './simulation/state-hash.ts'

/** A state as it was at one tick, as bytes. */
export interface CapturedState {
  readonly tick: number
  /** The tick of the newest journal entry in it. */
  readonly entry: number
  readonly digest: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface PackedSnapshot extends Omit<CapturedState, 'bytes'>, Packed {}

/** The state as it is at the call. */
export function captureState(state: LayerState, entry: number, allocate?: Allocate): CapturedState {
  return { tick: state.tick, entry, digest: stateHash(state), bytes: encodeState(state, allocate) }
}

export async function packSnapshot({ tick, entry, digest, bytes }: CapturedState, packing: Packing): Promise<PackedSnapshot> {
  return { tick, entry, digest, ...(await packing.pack(bytes)) }
}

/** The state of a packed snapshot. Throws StoreCorrupt when it is damaged, not the one of these hashes, or another layer's. */
export async function unpackSnapshot(
  layer: LayerId,
  { hash, digest }: { readonly hash: string; readonly digest: string },
  blob: Uint8Array | undefined,
  packing: Packing,
): Promise<LayerState> {
  const asked = `a snapshot of ${layer}`
  const state = decodeState(await packing.unpack(asked, hash, blob))
  if (state.layer !== layer) throw new BailiwickError('StoreCorrupt', { asked, found: `one of ${state.layer}` })
  const found = stateHash(state)
  if (found !== digest) throw new BailiwickError('StoreCorrupt', { asked: `${asked} with digest ${digest}`, found: `digest ${found}` })
  return state
}
