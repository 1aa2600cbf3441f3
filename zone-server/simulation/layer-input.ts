import type { CharacterState } from '../../core/chains.ts'
import type { LeaveReason } from './output.ts'
import type { SimulationSettings } from './settings.ts'

/** What the layer's shell tells the simulation. */
export type LayerBody =
  | { readonly kind: 'join'; readonly arrival: Arrival }
  /** Its connection is gone. */
  | { readonly kind: 'linkDead'; readonly character: string }
  /** A new connection took it over. */
  | { readonly kind: 'linkUp'; readonly character: string }
  /** It is to leave, whether it wants or not. */
  | { readonly kind: 'expel'; readonly character: string; readonly reason: LeaveReason }
  /** It is not this layer's any more: gone without a release. */
  | { readonly kind: 'forget'; readonly character: string }
  /** The release of the outbox is stored. */
  | { readonly kind: 'released'; readonly id: string }
  | { readonly kind: 'configure'; readonly settings: SimulationSettings }

export interface Arrival {
  readonly character: string
  readonly account: string
  readonly name: string
  readonly createdAt: number
  /** The number of its `held` record. */
  readonly version: number
  readonly state: CharacterState
}

const layerKinds: ReadonlySet<string> = new Set(['join', 'linkDead', 'linkUp', 'expel', 'forget', 'released', 'configure'])

/** True for an input of the layer's shell. */
export function isLayerBody(body: { readonly kind: string }): body is LayerBody {
  return layerKinds.has(body.kind)
}
