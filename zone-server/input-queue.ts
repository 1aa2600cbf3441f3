import { BATCH_LIMIT, QUEUE_LIMIT } from './bounds.ts'
import { type Input, LAYER, type LayerBody, type PlayerBody } from './simulation/input.ts'

interface Queued {
  readonly input: Input
  readonly weight: number
}

/** What an input takes in a batch besides its texts, at most. */
const INPUT_OVERHEAD = 100

/** What came since the last tick, bounded: what does not fit into one tick's batch waits for the next, and players' inputs are refused when too much waits. */
export class InputQueue {
  #shell: Queued[] = []
  #players: Queued[] = []
  #playersWeight = 0
  #sequence = 0

  /** An input of the layer's shell; they are applied in the order of these calls. They are few: bounded by residents and by what the shell does in a tick. */
  layer(body: LayerBody): void {
    this.#shell.push({ input: { source: LAYER, sequence: ++this.#sequence, body }, weight: weightOf(body) })
  }

  /** Answers false when too much waits already. */
  player(character: string, sequence: number, body: PlayerBody): boolean {
    if (this.#playersWeight >= QUEUE_LIMIT) return false
    const weight = weightOf(body)
    this.#players.push({ input: { source: character, sequence, body }, weight })
    this.#playersWeight += weight
    return true
  }

  /** The inputs of the next tick. */
  take(): readonly Input[] {
    const shell = prefix(this.#shell, Math.max(BATCH_LIMIT, this.#shell[0]?.weight ?? 0))
    const players = prefix(this.#players, BATCH_LIMIT - shell.weight)
    this.#shell = shell.rest
    this.#players = players.rest
    this.#playersWeight -= players.weight
    return [...shell.inputs, ...players.inputs]
  }
}

/** The first of them, up to a weight, and what is left. */
function prefix(queued: Queued[], limit: number): { readonly inputs: readonly Input[]; readonly weight: number; readonly rest: Queued[] } {
  const inputs: Input[] = []
  let weight = 0
  for (const next of queued) {
    if (weight + next.weight > limit) break
    weight += next.weight
    inputs.push(next.input)
  }
  return { inputs, weight, rest: queued.slice(inputs.length) }
}

/** What an input takes in a batch, from above: a UTF-16 unit is at most three bytes. */
function weightOf(body: PlayerBody | LayerBody): number {
  let weight = INPUT_OVERHEAD
  for (const value of Object.values(body)) {
    if (typeof value === 'string') weight += 3 * value.length
    else if (typeof value === 'object') weight += 3 * JSON.stringify(value).length
  }
  return weight
}
