import type { FleetId, LayerId } from '../../core/ids.ts'

/** Where in the shared memory stands what. A sequence that is odd: in a step. */
const SEQUENCE = 0
const REPLAYED = 1
const LENGTH = 2
const TICK_AT = 16
const TEXT_AT = 24
const TEXT_BYTES = 1_024

export interface MarkedStep {
  /** Another one for each step. */
  readonly sequence: number
  readonly fleet: FleetId
  readonly host: string
  readonly layer: LayerId
  readonly tick: number
  readonly replayed: boolean
}

/**
 * Which tick this thread is stepping, in memory that another thread can read: the only trace of a step that does not come back. Written by one thread; what it writes while
 * somebody reads is told by the sequence.
 */
export class StepMark {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #tick: Float64Array
  readonly #text: Uint8Array
  #self = ''
  #layer: string | undefined

  constructor(memory = new SharedArrayBuffer(TEXT_AT + TEXT_BYTES)) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, 4)
    this.#tick = new Float64Array(memory, TICK_AT, 1)
    this.#text = new Uint8Array(memory, TEXT_AT, TEXT_BYTES)
  }

  /** Whose thread it is. */
  belongsTo(fleet: FleetId, host: string): void {
    this.#self = `${fleet}\n${host}`
    this.#layer = undefined
  }

  /** Does what steps one tick of a layer, and says so meanwhile. */
  during<T>(layer: LayerId, tick: number, replayed: boolean, work: () => T): T {
    if (this.#layer !== layer) {
      this.#layer = layer
      this.#words[LENGTH] = new TextEncoder().encodeInto(`${this.#self}\n${layer}`, this.#text).written
    }
    this.#tick[0] = tick
    this.#words[REPLAYED] = replayed ? 1 : 0
    Atomics.add(this.#words, SEQUENCE, 1)
    try {
      return work()
    } finally {
      Atomics.add(this.#words, SEQUENCE, 1)
    }
  }

  /** For the other thread: the step that is under way; undefined between two. */
  read(): MarkedStep | undefined {
    const sequence = Atomics.load(this.#words, SEQUENCE)
    if ((sequence & 1) === 0) return undefined
    // A decoder takes no shared memory.
    const text = Buffer.from(this.#text.slice(0, this.#words[LENGTH])).toString('utf8')
    const [tick = 0] = this.#tick
    const replayed = this.#words[REPLAYED] === 1
    if (Atomics.load(this.#words, SEQUENCE) !== sequence) return undefined
    const [fleet = '', host = '', layer = ''] = text.split('\n')
    return { sequence, fleet: fleet as FleetId, host, layer: layer as LayerId, tick, replayed }
  }
}

/** The steps of this thread. */
export const steps = new StepMark()
