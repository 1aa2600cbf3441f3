import { type Input, LAYER, type LayerBody, type PlayerBody } from './simulation/input.ts'

/** What came since the last tick. Bounded by the clients' token buckets and by what the shell itself does in a tick. */
export class InputQueue {
  #batch: Input[] = []
  #sequence = 0

  /** An input of the layer's shell; they are applied in the order of these calls. */
  layer(body: LayerBody): void {
    this.#batch.push({ source: LAYER, sequence: ++this.#sequence, body })
  }

  player(character: string, sequence: number, body: PlayerBody): void {
    this.#batch.push({ source: character, sequence, body })
  }

  /** The batch so far; a new one begins. */
  take(): readonly Input[] {
    const batch = this.#batch
    this.#batch = []
    return batch
  }
}
