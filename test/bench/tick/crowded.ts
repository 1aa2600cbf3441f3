import { startPlaces, Walk } from '../../../client/load/walk.ts'
import { type Bounds, boundsInMillimetres } from '../../../core/geometry.ts'
import type { LayerId } from '../../../core/ids.ts'
import { Audience } from '../../../zone-server/audience.ts'
import { encodeBatch } from '../../../zone-server/simulation/batch.ts'
import { type Input, LAYER } from '../../../zone-server/simulation/input.ts'
import { type LayerState, newState } from '../../../zone-server/simulation/state.ts'
import { stateHash } from '../../../zone-server/simulation/state-hash.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import { CountingSpectator } from '../kit/spectator.ts'
import { TICK_RATE } from '../kit/world.ts'

const layer: LayerId = 'bench/crowd/0'
/** A client moves with every second tick: 10 Hz. */
const TICKS_A_MOVE = 2

/** What one tick cost, milliseconds, and what it did. */
export interface TickCost {
  readonly step: number
  readonly hash: number
  readonly encode: number
  readonly assemble: number
  /** Entities that changed. */
  readonly changes: number
  /** Bytes that all clients together were sent. */
  readonly bytes: number
}

/** A layer's core without shell and sockets: step, hash and batch, encoding, and the assembly of each client's frame. */
export class CrowdedLayer {
  readonly #state: LayerState
  readonly #audience = new Audience()
  readonly #spectators: CountingSpectator[] = []
  readonly #walk: Walk
  #shellInputs = 0

  /** `count` clients in a world of these bounds (metres), all of them in. */
  constructor(count: number, bounds: Bounds, seed: number) {
    const millimetres = boundsInMillimetres(bounds)
    this.#state = newState(layer, { bounds: millimetres, tickRateHz: TICK_RATE, linkDeadTicks: 1_000 })
    this.#walk = new Walk(seed, count, millimetres)
    const places = startPlaces(seed, count, millimetres)
    const joins = places.map((position, i): Input => {
      const state = { zone: this.#state.zone, position, inventory: [], inputSequence: 0 }
      const arrival = { character: name(i), account: 'bench', name: `Walker ${i}`, createdAt: 0, version: 2, state }
      return { source: LAYER, sequence: ++this.#shellInputs, body: { kind: 'join', arrival } }
    })
    for (let i = 0; i < count; i++) {
      const spectator = new CountingSpectator(() => this.#state.tick)
      this.#spectators.push(spectator)
      this.#audience.seat(name(i), spectator)
    }
    this.#tick(joins)
  }

  /** One tick with the moves that are due in it. */
  run(): TickCost {
    const inputs: Input[] = []
    const { tick } = this.#state
    for (let i = tick % TICKS_A_MOVE; i < this.#spectators.length; i += TICKS_A_MOVE) {
      this.#walk.turn(i, TICKS_A_MOVE / TICK_RATE)
      const body = { kind: 'move', vx: this.#walk.vx[i] ?? 0, vy: this.#walk.vy[i] ?? 0 } as const
      inputs.push({ source: name(i), sequence: tick, body })
    }
    return this.#tick(inputs)
  }

  /** Others in view of a client, on average. */
  inView(cell: number): number {
    return this.#walk.meanInView(cell)
  }

  #tick(inputs: readonly Input[]): TickCost {
    const began = performance.now()
    const output = step(this.#state, inputs)
    const stepped = performance.now()
    stateHash(this.#state)
    encodeBatch(inputs)
    const hashed = performance.now()
    const frames = this.#audience.encode(this.#state, output)
    const encoded = performance.now()
    this.#audience.release(frames, 1)
    const ended = performance.now()
    return {
      step: stepped - began,
      hash: hashed - stepped,
      encode: encoded - hashed,
      assemble: ended - encoded,
      changes: this.#state.entities.changedCount,
      bytes: this.#taken(),
    }
  }

  #taken(): number {
    let sum = 0
    for (const spectator of this.#spectators) {
      sum += spectator.bytes
      spectator.bytes = 0
    }
    return sum
  }
}

const name = (i: number): string => `walker-${i}`
