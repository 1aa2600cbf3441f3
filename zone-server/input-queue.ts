import { BATCH_LIMIT, QUEUE_LIMIT } from './bounds.ts'
import { type Input, LAYER, type LayerBody, type PlayerBody } from './simulation/input.ts'

/** What an input takes in a batch besides its texts, at most. */
const INPUT_OVERHEAD = 100

/** What came since the last tick, bounded: what does not fit into one tick's batch waits for the next, and players' inputs are refused when too much waits. */
export class InputQueue {
  readonly #shell = new Line()
  readonly #players = new Line()
  #sequence = 0

  /** An input of the layer's shell; they are applied in the order of these calls. They are few: bounded by residents and by what the shell does in a tick. */
  layer(body: LayerBody): void {
    this.#shell.push({ source: LAYER, sequence: ++this.#sequence, body }, weightOf(body))
  }

  /** Answers false when too much waits already. */
  player(character: string, sequence: number, body: PlayerBody): boolean {
    if (this.#players.weight >= QUEUE_LIMIT) return false
    // Nearly all are moves, which have no texts.
    this.#players.push({ source: character, sequence, body }, body.kind === 'move' ? INPUT_OVERHEAD : weightOf(body))
    return true
  }

  /** The inputs of the next tick. */
  take(): readonly Input[] {
    const before = this.#shell.weight
    const shell = this.#shell.take(Math.max(BATCH_LIMIT, this.#shell.firstWeight))
    const players = this.#players.take(BATCH_LIMIT - (before - this.#shell.weight))
    return shell.length === 0 ? players : [...shell, ...players]
  }
}

/** Inputs in their order, with what they weigh. */
class Line {
  #inputs: Input[] = []
  #weights: number[] = []
  weight = 0

  get firstWeight(): number {
    return this.#weights[0] ?? 0
  }

  push(input: Input, weight: number): void {
    this.#inputs.push(input)
    this.#weights.push(weight)
    this.weight += weight
  }

  /** The first of them, up to a weight: they are the caller's. */
  take(limit: number): readonly Input[] {
    const inputs = this.#inputs
    if (this.weight <= limit) {
      this.#inputs = []
      this.#weights = []
      this.weight = 0
      return inputs
    }
    let count = 0
    let taken = 0
    for (const weight of this.#weights) {
      if (taken + weight > limit) break
      taken += weight
      count++
    }
    this.#inputs = inputs.slice(count)
    this.#weights = this.#weights.slice(count)
    this.weight -= taken
    return inputs.slice(0, count)
  }
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
