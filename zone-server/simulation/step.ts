import { canonical } from './canonical.ts'
import { type Input, isLayerBody, LAYER, type LayerBody, type PlayerBody } from './input.ts'
import { Outputs, type TickOutput } from './output.ts'
import { bite, decideCreatures } from './rules/creatures.ts'
import { applyLayerInput } from './rules/layer.ts'
import { moveAll } from './rules/motion.ts'
import { expireLinkDead } from './rules/presence.ts'
import type { Refusal } from './rules/rule.ts'
import { ruleOf } from './rules/table.ts'
import { recover, respawnDue } from './rules/vitals.ts'
import type { LayerState, Player } from './state.ts'

/** Says which rules a state was stepped by: stands in every `open` record. Raised whenever the same batches would give another state. */
export const SIMULATION_VERSION = 'simulation-2'

/** An input that counts: one of the layer's shell, or one of a resident, with why it is refused if it is. What does not count (of nobody here, an old number) is none. */
type Judged =
  | { readonly player?: undefined; readonly body: LayerBody }
  | { readonly player: Player; readonly sequence: number; readonly body: PlayerBody; readonly refusal: Refusal | undefined }

const down: Refusal = { code: 'CharacterDown', parts: { todo: 'wait until it respawns' } }

/**
 * Steps the state by one tick, in place, and answers what the tick says. The same state and the same inputs, in whatever order, give the same
 * state and output on every machine. Never throws, whatever the inputs.
 */
export function step(state: LayerState, batch: readonly Input[]): TickOutput {
  const out = new Outputs()
  const judged = judge(state, canonical(batch))
  state.tick++
  state.entities.beginStep()
  apply(state, judged, out)
  decideCreatures(state)
  moveAll(state)
  bite(state, out)
  recover(state, out)
  respawnDue(state, out)
  expireLinkDead(state, out)
  return { tick: state.tick, messages: out.messages, departures: out.departures }
}

/** First half of a tick: every input is judged by the state of the last tick; nothing changes yet. */
function judge(before: LayerState, batch: readonly Input[]): Judged[] {
  const judged: Judged[] = []
  let source = LAYER
  let player: Player | undefined
  let newest = 0
  for (const input of batch) {
    const { sequence, body } = input
    if (isLayerBody(body)) {
      if (input.source === LAYER) judged.push({ body })
      continue
    }
    // One source's inputs stand together.
    if (input.source !== source) {
      source = input.source
      player = before.players.get(source)
      newest = player?.inputSequence ?? 0
    }
    if (player === undefined || sequence <= newest) continue
    newest = sequence
    judged.push({ player, sequence, body, refusal: refusalOf(before, player, body) })
  }
  return judged
}

function refusalOf(before: LayerState, player: Player, body: PlayerBody): Refusal | undefined {
  const rule = ruleOf(body)
  if (before.entities.health[player.entity] === 0 && rule.whileDown !== true) return down
  return rule.judge?.(before, player, body)
}

/** Second half: what was judged is done, in canonical order. */
function apply(state: LayerState, judged: readonly Judged[], out: Outputs): void {
  for (const one of judged) {
    if (one.player === undefined) {
      applyLayerInput(state, one.body, out)
      continue
    }
    const { player, sequence, body, refusal } = one
    // It may have left in this very tick.
    if (state.residents[player.entity] !== player) continue
    player.inputSequence = sequence
    state.entities.touch(player.entity)
    if (refusal === undefined) ruleOf(body).apply(state, player, body, out, sequence)
    else out.refuse(player.character, sequence, refusal)
  }
}
