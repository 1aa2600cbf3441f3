import { expect } from 'vitest'
import { CELL } from '../../../core/protocol/cells.ts'
import { Audience } from '../../../zone-server/audience.ts'
import type { Input, PlayerBody } from '../../../zone-server/simulation/input.ts'
import { MAX_SPEED } from '../../../zone-server/simulation/rules/motion.ts'
import type { LayerState } from '../../../zone-server/simulation/state.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import type { TickFrames } from '../../../zone-server/tick-frames.ts'
import { freshState, joins, newcomer, shell } from './simulation-kit.ts'
import { CheckedClient } from './view-checker.ts'

export const EPOCH = 3
export const TICKS_A_SECOND = 20

/** A layer's simulation and audience, without a shell. */
export class Stage {
  readonly state: LayerState = freshState()
  readonly audience = new Audience()
  readonly clients = new Map<string, CheckedClient>()
  readonly held: TickFrames[] = []
  #inputs: Input[] = []
  #sequence = new Map<string, number>()

  constructor() {
    this.state.settings = { ...this.state.settings, bounds: { min: { x: -300_000, y: -300_000 }, max: { x: 300_000, y: 300_000 } } }
  }

  /** Puts a character there; `watched`: with a client. */
  join(character: string, x: number, y: number, watched = true): CheckedClient {
    this.#inputs.push(
      joins(character, { ...newcomer, zone: 'game/meadow', position: { x, y }, inventory: [{ id: `${character}/9`, kind: 'key' }] }),
    )
    return watched ? this.connect(character) : new CheckedClient()
  }

  connect(character: string): CheckedClient {
    const client = new CheckedClient()
    this.clients.set(character, client)
    this.audience.seat(character, client)
    return client
  }

  disconnect(character: string): void {
    const client = this.clients.get(character)
    this.clients.delete(character)
    if (client !== undefined && this.audience.unseat(character, client)) this.#inputs.push(shell({ kind: 'linkDead', character }))
  }

  does(character: string, body: PlayerBody): void {
    const sequence = (this.#sequence.get(character) ?? 0) + 1
    this.#sequence.set(character, sequence)
    this.#inputs.push({ source: character, sequence, body })
  }

  input(input: Input): void {
    this.#inputs.push(input)
  }

  /** Steps, keeps the frames of the last `hold` ticks back and releases those before. */
  tick(hold = 0): void {
    const output = step(this.state, this.#inputs.splice(0))
    this.held.push(this.audience.encode(this.state, output))
    for (const { character } of output.departures) {
      const client = this.audience.take(character)
      this.clients.delete(character)
      while (this.held.length > 0 && client !== undefined) this.#release()
      client?.goodbye('Left')
    }
    while (this.held.length > hold) this.#release()
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.tick()
  }

  /** Where views differ from the truth. */
  differences(mayLag?: (id: number) => boolean): string[] {
    return [...this.clients].flatMap(([character, client]) =>
      client.differences(this.state, character, mayLag).map((difference) => `tick ${this.state.tick}, ${character}: ${difference}`),
    )
  }

  id(character: string): number {
    return this.state.players.get(character)?.entity ?? 0
  }

  /** Walks until it is at `x`. */
  walkTo(character: string, x: number): void {
    const id = this.id(character)
    const at = (): number => this.state.entities.x[id] ?? 0
    const direction = Math.sign(x - at())
    this.does(character, { kind: 'move', vx: direction * MAX_SPEED, vy: 0 })
    while ((x - at()) * direction > 0) {
      this.tick()
      expect(this.differences()).toEqual([])
    }
    this.does(character, { kind: 'move', vx: 0, vy: 0 })
    this.tick()
  }

  #release(): void {
    const frames = this.held.shift()
    if (frames !== undefined) this.audience.release(frames, EPOCH)
  }
}

export const MIDDLE = CELL / 2
/** How far one walks in a tick, millimetres. */
export const PER_TICK = MAX_SPEED / TICKS_A_SECOND
