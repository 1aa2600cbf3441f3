import type { PlayerBody } from '../input.ts'
import type { Outputs } from '../output.ts'
import type { LayerState, Player } from '../state.ts'

/** What an input does: run after all inputs of the tick were judged, in canonical order. Must be total: earlier effects may have changed anything. */
export type Effect = (state: LayerState, out: Outputs) => void

/** Judges an input of a resident by the state of the last tick, which it only reads. */
export type Rule<K extends PlayerBody['kind']> = (
  before: LayerState,
  player: Player,
  body: Extract<PlayerBody, { readonly kind: K }>,
  sequence: number,
) => Effect

/** The effect of an input that is refused. */
export function refusal(
  player: Player,
  sequence: number,
  ...[code, parts]: Parameters<Outputs['refuse']> extends [string, number, ...infer R] ? R : never
): Effect {
  return (_state, out) => out.refuse(player.character, sequence, code, parts)
}
