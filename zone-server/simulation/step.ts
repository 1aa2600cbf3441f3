import { canonical } from './canonical.ts'
import { type Input, isLayerBody, LAYER } from './input.ts'
import { Outputs, type TickOutput } from './output.ts'
import { bite, decideCreatures } from './rules/creatures.ts'
import { applyLayerInput } from './rules/layer.ts'
import { moveAll } from './rules/motion.ts'
import { expireLinkDead } from './rules/presence.ts'
import type { Refusal } from './rules/rule.ts'
import { ruleOf } from './rules/table.ts'
import { recover, respawnDue } from './rules/vitals.ts'
import type { LayerState } from './state.ts'

/** Says which rules a state was stepped by: stands in every `open` record. Raised whenever the same batches would give another state. */
export const SIMULATION_VERSION = 'simulation-2'

/** What becomes of an input: it is applied, it is refused, or it is none (of nobody here, or an old number). */
type Verdict = Refusal | 'Applied' | 'Ignored'

const down: Refusal = { code: 'CharacterDown', parts: { todo: 'wait until it respawns' } }

/**
 * Steps the state by one tick, in place, and answers what the tick says. The same state and the same inputs, in whatever order, give the same
 * state and output on every machine. Never throws, whatever the inputs.
 */
export function step(state: LayerState, batch: readonly Input[]): TickOutput {
  const out = new Outputs()
  const inputs = canonical(batch)
  const verdicts = judge(state, inputs)
  state.tick++
  state.entities.beginStep()
  apply(state, inputs, verdicts, out)
  decideCreatures(state)
  moveAll(state)
  bite(state, out)
  recover(state, out)
  respawnDue(state, out)
  expireLinkDead(state, out)
  return { tick: state.tick, messages: out.messages, departures: out.departures }
}

/** First half of a tick: every input is judged by the state of the last tick; nothing changes yet. */
function judge(before: LayerState, batch: readonly Input[]): Verdict[] {
  const verdicts: Verdict[] = []
  let source = LAYER
  let newest = 0
  for (const input of batch) {
    const { sequence, body } = input
    if (isLayerBody(body)) {
      verdicts.push(input.source === LAYER ? 'Applied' : 'Ignored')
      continue
    }
    const player = before.players.get(input.source)
    // One source's inputs stand together.
    if (input.source !== source) newest = player?.inputSequence ?? 0
    source = input.source
    if (player === undefined || sequence <= newest) {
      verdicts.push('Ignored')
      continue
    }
    newest = sequence
    const rule = ruleOf(body)
    const isDown = before.entities.health[player.entity] === 0 && rule.whileDown !== true
    verdicts.push(isDown ? down : (rule.judge?.(before, player, body) ?? 'Applied'))
  }
  return verdicts
}

/** Second half: what was judged is done, in canonical order. */
function apply(state: LayerState, batch: readonly Input[], verdicts: readonly Verdict[], out: Outputs): void {
  for (const [i, { source, sequence, body }] of batch.entries()) {
    const verdict = verdicts[i] ?? 'Ignored'
    if (verdict === 'Ignored') continue
    if (isLayerBody(body)) {
      applyLayerInput(state, body, out)
      continue
    }
    const player = state.players.get(source)
    // It may have left in this very tick.
    if (player === undefined || sequence <= player.inputSequence) continue
    player.inputSequence = sequence
    state.entities.touch(player.entity)
    if (verdict === 'Applied') ruleOf(body).apply(state, player, body, out, sequence)
    else out.refuse(source, sequence, verdict)
  }
}
