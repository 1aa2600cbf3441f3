import type { LayerBody } from './layer-input.ts'
import type { PlayerBody } from './rules/table.ts'

export { type Arrival, isLayerBody, type LayerBody } from './layer-input.ts'
export type { LeaveReason } from './output.ts'
export type { PlayerBody } from './rules/table.ts'

/**
 * One input. From a player: `source` is the character and `sequence` its own number, applied at most once. From the layer's shell: `source` is '' and
 * `sequence` counts the shell's inputs.
 */
export type Input =
  | { readonly source: string; readonly sequence: number; readonly body: PlayerBody }
  | { readonly source: typeof LAYER; readonly sequence: number; readonly body: LayerBody }

/** The source of the shell's inputs: sorts before every character. */
export const LAYER = ''
