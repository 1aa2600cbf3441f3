import type { CharacterState } from '../../core/chains.ts'
import type { SimulationSettings } from './state.ts'

/** What a player asks for. */
export type PlayerBody =
  | { readonly kind: 'move'; readonly vx: number; readonly vy: number }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'tell'; readonly to: string; readonly text: string; readonly id: number }
  | { readonly kind: 'pickUp'; readonly entity: number }
  | { readonly kind: 'drop'; readonly item: string }
  | { readonly kind: 'look' }
  | { readonly kind: 'leave' }

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

export type LeaveReason = 'Left' | 'LinkDead' | 'Closing' | 'Full'

/**
 * One input. From a player: `source` is the character and `sequence` its own number, applied at most once. From the layer's shell: `source` is '' and
 * `sequence` counts the shell's inputs.
 */
export type Input =
  | { readonly source: string; readonly sequence: number; readonly body: PlayerBody }
  | { readonly source: typeof LAYER; readonly sequence: number; readonly body: LayerBody }

/** The source of the shell's inputs: sorts before every character. */
export const LAYER = ''

const layerKinds: ReadonlySet<string> = new Set(['join', 'linkDead', 'linkUp', 'expel', 'forget', 'released', 'configure'])

/** True for an input of the layer's shell. */
export function isLayerBody(body: PlayerBody | LayerBody): body is LayerBody {
  return layerKinds.has(body.kind)
}

/** The batch in canonical order (source, sequence), whatever order it came in. Equal keys (a sender's fault) are ordered by content. */
export function canonical(batch: readonly Input[]): readonly Input[] {
  return batch.toSorted(
    (a, b) => compare(a.source, b.source) || a.sequence - b.sequence || compare(JSON.stringify(a.body), JSON.stringify(b.body)),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
