import { canonical, type Input, isLayerBody, LAYER, type PlayerBody } from './input.ts'
import { Outputs, type TickOutput } from './output.ts'
import { drop, pickUp } from './rules/items.ts'
import { applyLayerInput } from './rules/layer.ts'
import { move, moveAll } from './rules/motion.ts'
import { expireLinkDead, leave } from './rules/presence.ts'
import type { Effect, Rule } from './rules/rule.ts'
import { look, say, tell } from './rules/talk.ts'
import type { LayerState, Player } from './state.ts'

/** Says which rules a state was stepped by: stands in every `open` record. Raised whenever the same batches would give another state. */
export const SIMULATION_VERSION = 'simulation-1'

const rules: { readonly [K in PlayerBody['kind']]: Rule<K> } = { move, say, tell, pickUp, drop, look, leave }

/**
 * Steps the state by one tick, in place, and answers what the tick says. The same state and the same inputs, in whatever order, give the same
 * state and output on every machine. Never throws, whatever the inputs.
 */
export function step(state: LayerState, batch: readonly Input[]): TickOutput {
  const out = new Outputs()
  const effects = judge(state, canonical(batch))
  state.tick++
  for (const effect of effects) effect(state, out)
  moveAll(state)
  expireLinkDead(state, out)
  return { tick: state.tick, messages: out.messages, departures: out.departures }
}

/** First half of a tick: every input is judged by the state of the last tick and becomes an effect; nothing changes yet. */
function judge(before: LayerState, batch: readonly Input[]): Effect[] {
  const effects: Effect[] = []
  const newest = new Map<string, number>()
  for (const { source, sequence, body } of batch) {
    if (isLayerBody(body)) {
      if (source === LAYER) effects.push((state, out) => applyLayerInput(state, body, out))
      continue
    }
    const player = before.players.get(source)
    if (player === undefined) continue
    if (sequence <= (newest.get(source) ?? player.inputSequence)) continue
    newest.set(source, sequence)
    effects.push(accounted(player, sequence, applyRule(before, player, body, sequence)))
  }
  return effects
}

function applyRule<K extends PlayerBody['kind']>(
  before: LayerState,
  player: Player,
  body: Extract<PlayerBody, { readonly kind: K }>,
  sequence: number,
): Effect {
  const rule: Rule<K> = rules[body.kind as K]
  return rule(before, player, body, sequence)
}

/** The effect, if the player is still the resident it was, with its sequence number remembered. */
function accounted(player: Player, sequence: number, effect: Effect): Effect {
  return (state, out) => {
    if (state.players.get(player.character) !== player) return
    player.inputSequence = sequence
    effect(state, out)
  }
}
