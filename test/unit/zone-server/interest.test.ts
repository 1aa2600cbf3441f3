import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CELL } from '../../../core/protocol/cells.ts'
import { SLOW_CLIENT_AFTER, SLOW_CLIENT_CUT_AFTER } from '../../../core/timing.ts'
import { Audience } from '../../../zone-server/audience.ts'
import { CELL_BUDGET, CROWDED_ABOVE } from '../../../zone-server/interest/cell.ts'
import { HYSTERESIS, Interest } from '../../../zone-server/interest/interest.ts'
import type { Input, PlayerBody } from '../../../zone-server/simulation/input.ts'
import { MAX_SPEED } from '../../../zone-server/simulation/rules/motion.ts'
import type { LayerState } from '../../../zone-server/simulation/state.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import type { TickFrames } from '../../../zone-server/tick-frames.ts'
import { freshState, joins, newcomer, shell } from './simulation-kit.ts'
import { CheckedClient } from './view-checker.ts'

const EPOCH = 3
const TICKS_A_SECOND = 20

/** A layer's simulation and audience, without a shell. */
class Stage {
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

const MIDDLE = CELL / 2
/** How far one walks in a tick, millimetres. */
const PER_TICK = MAX_SPEED / TICKS_A_SECOND

describe('what a client sees', () => {
  it('everything in the nine cells in its first frame, with the welcome before it; nothing that is carried, nothing of the tenth', () => {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', 2 * CELL - 1, MIDDLE, false)
    stage.join('cyd', 2 * CELL, MIDDLE, false)
    stage.tick()
    expect(ada.last).toMatchObject({ epoch: EPOCH, tick: 1, fresh: true, column: 0, row: 0 })
    expect(ada.said[0]?.case).toBe('welcome')
    expect([...ada.view.entities.values()].map(({ name, kind }) => `${kind} ${name}`).sort()).toEqual(['avatar Ada', 'avatar Bob'])
  })

  it('nothing but its own header when nothing happens; a record of 6 bytes when one moves', () => {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', MIDDLE, MIDDLE, false)
    stage.ticks(2)
    const before = ada.bytes
    stage.tick()
    const quiet = ada.bytes - before
    stage.does('bob', { kind: 'move', vx: 1_000, vy: 0 })
    stage.tick()
    expect([quiet, ada.bytes - before - quiet]).toEqual([7, 7 + 2 + 5])
    expect(stage.differences()).toEqual([])
  })

  it('an item that is dropped, and that it is picked up', () => {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', MIDDLE, MIDDLE, false)
    stage.tick()
    stage.does('bob', { kind: 'drop', item: 'bob/9' })
    stage.tick()
    const key = [...ada.view.entities.values()].find(({ kind }) => kind === 'item')
    expect(key?.name).toBe('key')
    stage.does('ada', { kind: 'pickUp', entity: key?.id ?? 0 })
    stage.tick()
    expect(ada.last?.left).toEqual([key?.id])
    expect(stage.differences()).toEqual([])
  })

  it('a look tells everything again', () => {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.ticks(3)
    stage.does('ada', { kind: 'look' })
    stage.tick()
    expect(ada.last).toMatchObject({ fresh: true, full: [{ name: 'Ada' }] })
  })
})

describe('crossings', () => {
  it('a client that crosses: new cells in full, old ones dropped, the rest as it was; and not again while it walks along the border', () => {
    const stage = new Stage()
    const ada = stage.join('ada', CELL - 1_000, MIDDLE)
    stage.join('near', MIDDLE, MIDDLE, false)
    stage.join('ahead', 2 * CELL + MIDDLE, MIDDLE, false)
    stage.join('behind', -MIDDLE, MIDDLE, false)
    stage.tick()
    stage.walkTo('ada', CELL + HYSTERESIS - 1_000)
    expect(ada.last?.column).toBe(0)
    stage.walkTo('ada', CELL + HYSTERESIS + 500)
    const crossing = ada.frames.find(({ column }) => column === 1)
    expect(crossing?.full.map(({ name }) => name)).toEqual(['Ahead'])
    expect(crossing).toMatchObject({ fresh: false, left: [] })
    stage.walkTo('ada', CELL - HYSTERESIS + 1_000)
    expect(ada.last?.column).toBe(1)
  })

  it('an entity that crosses between cells that are both seen, into view and out of it', () => {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', 2 * CELL + 1_000, MIDDLE, false)
    stage.tick()
    expect(ada.view.entities.has(stage.id('bob'))).toBe(false)
    stage.walkTo('bob', 2 * CELL - 500)
    expect(ada.frames.filter(({ full }) => full.some(({ name }) => name === 'Bob'))).toHaveLength(1)
    stage.walkTo('bob', CELL - 500)
    expect(ada.frames.filter(({ full }) => full.some(({ name }) => name === 'Bob'))).toHaveLength(1)
    stage.walkTo('bob', 2 * CELL + 500)
    expect(ada.frames.filter(({ left }) => left.includes(stage.id('bob')))).toHaveLength(1)
  })

  it('everybody at once: the client, and others over every border of its view, both ways, in the same tick', () => {
    for (const direction of [1, -1]) {
      const stage = new Stage()
      const middle = CELL / 2
      // After 17 ticks it is beyond its border by more than the hysteresis; so are they beyond theirs, those of `late` one tick later.
      stage.join('ada', middle + direction * (middle - 1_000), MIDDLE)
      const others: (readonly [string, number])[] = []
      for (let border = -2; border <= 3; border++)
        for (const way of [1, -1])
          for (const late of [0, 1]) {
            const name = `o${border}${way > 0 ? 'r' : 'l'}${late}`
            stage.join(name, border * CELL - way * (16 + late) * PER_TICK - (way > 0 ? 100 : -100), MIDDLE, false)
            others.push([name, way])
          }
      stage.tick()
      stage.does('ada', { kind: 'move', vx: direction * MAX_SPEED, vy: 0 })
      for (const [name, way] of others) stage.does(name, { kind: 'move', vx: way * MAX_SPEED, vy: 0 })
      for (let i = 0; i < 30; i++) {
        stage.tick()
        expect(stage.differences()).toEqual([])
      }
      expect(stage.clients.get('ada')?.last?.column).toBe(direction)
    }
  })

  it('an id that names another entity after its rest is told in full', () => {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', MIDDLE, MIDDLE, false)
    stage.tick()
    const id = stage.id('bob')
    stage.does('bob', { kind: 'leave' })
    stage.ticks(200)
    const there = { ...newcomer, zone: 'game/meadow', position: { x: MIDDLE, y: MIDDLE } } as const
    for (let i = 0; i < 3; i++) stage.input(joins(`new${i}`, there))
    stage.tick()
    expect(ada.view.entities.get(id)?.name).toMatch(/^New/)
    expect(stage.differences()).toEqual([])
  })
})

describe('clients that fall behind', () => {
  const slow = (SLOW_CLIENT_AFTER / 1_000) * TICKS_A_SECOND
  const cut = (SLOW_CLIENT_CUT_AFTER / 1_000) * TICKS_A_SECOND

  function walking(): { stage: Stage; ada: CheckedClient } {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', MIDDLE, MIDDLE)
    stage.tick()
    stage.does('bob', { kind: 'move', vx: 100, vy: 0 })
    stage.ticks(5)
    return { stage, ada }
  }

  it('one that acknowledges nothing is skipped, told anew when it has caught up, and misses no message', () => {
    const { stage, ada } = walking()
    ada.acknowledges = false
    stage.ticks(slow + 10)
    const frames = ada.frames.length
    stage.does('bob', { kind: 'drop', item: 'bob/9' })
    stage.does('bob', { kind: 'say', text: 'still there?' })
    stage.ticks(20)
    expect(ada.frames.length).toBe(frames)
    ada.acknowledges = true
    Object.defineProperty(ada, 'seen', { get: () => ada.view.tick })
    stage.ticks(2)
    expect(ada.frames[frames]).toMatchObject({ fresh: true })
    expect(ada.frames[frames + 1]).toMatchObject({ fresh: false })
    expect(ada.said.at(-1)).toMatchObject({ case: 'said', value: { text: 'still there?' } })
    expect(stage.differences()).toEqual([])
  })

  it('and cut off when it does not', () => {
    const { stage, ada } = walking()
    ada.acknowledges = false
    stage.ticks(cut - 5)
    expect(ada.ended).toBeUndefined()
    stage.ticks(15)
    expect(ada.ended).toBe('TooSlow')
  })

  it('one whose connection takes nothing for a moment is told anew', () => {
    const { stage, ada } = walking()
    ada.ready = false
    const frames = ada.frames.length
    stage.ticks(5)
    expect(ada.frames.length).toBe(frames)
    ada.ready = true
    stage.ticks(2)
    expect(ada.frames.length).toBeGreaterThan(frames)
    expect(ada.frames[frames]?.fresh).toBe(true)
    expect(stage.differences()).toEqual([])
  })

  it('with ticks that wait for their confirmation: nothing of what was encoded before it was lost is sent, all of what comes after', () => {
    for (const missed of [0, 1, 2, 3]) {
      const { stage, ada } = walking()
      for (let i = 0; i < 4; i++) stage.tick(3)
      ada.ready = false
      stage.tick(3)
      ada.ready = true
      const frames = ada.frames.length
      for (let i = 0; i < missed; i++) stage.tick(3)
      // The fresh frame itself may not get through.
      ada.ready = missed !== 3
      stage.tick(3)
      ada.ready = true
      for (let i = 0; i < 8; i++) stage.tick(3)
      expect(ada.frames[frames]?.fresh).toBe(true)
      expect(ada.frames.slice(frames + 1).some(({ fresh }) => fresh)).toBe(false)
      stage.tick()
      expect(stage.differences()).toEqual([])
    }
  })

  it('what it claims to have seen of frames it was never sent counts for nothing', () => {
    const { stage, ada } = walking()
    ada.acknowledges = false
    Object.defineProperty(ada, 'seen', { get: () => 0xffffffff })
    stage.ticks(3)
    expect(stage.differences()).toEqual([])
  })
})

describe('crowded cells', () => {
  it('tell the oldest first within their budget, neighbours half as often, and all of it in the end', () => {
    const stage = new Stage()
    const crowd = CELL_BUDGET + 90
    expect(crowd).toBeGreaterThan(CROWDED_ABOVE)
    const inside = stage.join('inside', MIDDLE, MIDDLE)
    const beside = stage.join('beside', CELL + MIDDLE, MIDDLE)
    for (let i = 0; i < crowd; i++) stage.join(`c${i}`, 100 * (i % 100) + 5_000, 5_000 + i * 10, false)
    stage.tick()
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: 0, vy: i % 2 === 0 ? 100 : -100 })
    const sent = { inside: 0, beside: 0 }
    for (let i = 0; i < 40; i++) {
      stage.tick()
      expect(stage.differences(() => true)).toEqual([])
      expect(inside.last?.updates.length).toBeLessThanOrEqual(CELL_BUDGET)
      expect(beside.last?.updates.length).toBeLessThanOrEqual(CELL_BUDGET)
      sent.inside += inside.last?.updates.length ?? 0
      sent.beside += beside.last?.updates.length ?? 0
    }
    expect(sent).toEqual({ inside: 40 * CELL_BUDGET, beside: 20 * CELL_BUDGET })
    // Nobody is left out: each was told within the ticks that one round takes.
    const told = new Set(inside.frames.slice(-2).flatMap(({ updates }) => updates.map(({ id }) => id)))
    expect(told.size).toBe(crowd)
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: 0, vy: 0 })
    stage.ticks(8)
    expect(stage.differences()).toEqual([])
  })

  it('who moves its centre into a crowd misses nothing that waits for its neighbours, whenever the crowd stops', () => {
    for (let stop = 23; stop < 30; stop++) {
      const stage = new Stage()
      const ada = stage.join('ada', CELL + HYSTERESIS, MIDDLE)
      for (let i = 0; i < CELL_BUDGET; i++) stage.join(`c${i}`, 100 * (i % 100) + 5_000, 5_000 + i * 10, false)
      stage.tick()
      stage.does('ada', { kind: 'move', vx: -MAX_SPEED, vy: 0 })
      for (let i = 0; i < CELL_BUDGET; i++) stage.does(`c${i}`, { kind: 'move', vx: 400, vy: 400 })
      for (let i = 0; i < 32; i++) {
        if (i === stop) for (let k = 0; k < CELL_BUDGET; k++) stage.does(`c${k}`, { kind: 'move', vx: 0, vy: 0 })
        stage.tick()
      }
      expect(ada.last?.column).toBe(0)
      expect(stage.differences()).toEqual([])
    }
  })

  it('who walks out of a crowd while it waits to be told is told where it is', () => {
    const stage = new Stage()
    stage.join('inside', MIDDLE, MIDDLE)
    stage.join('beside', -MIDDLE, MIDDLE)
    const crowd = CELL_BUDGET * 2
    for (let i = 0; i < crowd; i++) stage.join(`c${i}`, CELL - 50 * (i % 40) - 1, 5_000 + i * 10, false)
    stage.tick()
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: i % 3 === 0 ? -800 : 800, vy: 0 })
    for (let i = 0; i < 45; i++) {
      stage.tick()
      expect(stage.differences(() => true)).toEqual([])
    }
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: 0, vy: 0 })
    stage.ticks(8)
    expect(stage.differences()).toEqual([])
  })
})

describe('every view, every tick', () => {
  it('is what is there, whoever moves, joins, leaves, drops, loses its connection or falls behind, however ticks are released', () => {
    const runs = process.env['BAILIWICK_FAULTS'] === 'full' ? 200 : 2
    fc.assert(
      fc.property(fc.noShrink(fc.infiniteStream(fc.nat(2 ** 20))), (numbers) => {
        const next = (below: number): number => (numbers.next().value ?? 0) % below
        const stage = new Stage()
        let joined = 0
        const someone = (): string | undefined => [...stage.state.players.keys()][next(Math.max(1, stage.state.players.size))]
        for (let tick = 0; tick < 150; tick++) {
          const joining = tick === 0 ? 60 : next(4)
          for (let i = 0; i < joining; i++) stage.join(`p${joined++}`, next(200_000) - 100_000, next(200_000) - 100_000, next(3) > 0)
          for (let i = 0; i < 12; i++) randomDeed(stage, someone(), next)
          const hold = next(4)
          stage.tick(hold)
          if (hold === 0 && [...stage.clients.values()].every(({ ready }) => ready)) expect(stage.differences()).toEqual([])
        }
        for (const client of stage.clients.values()) client.ready = true
        stage.ticks(3)
        expect(stage.differences()).toEqual([])
      }),
      { numRuns: runs },
    )
  })

  it('cells where nobody is and nobody looks are forgotten', () => {
    const stage = new Stage()
    const interest = new Interest()
    stage.join('ada', -290_000, MIDDLE, false)
    const walk = (): void => {
      stage.tick()
      interest.step(stage.state)
    }
    walk()
    stage.does('ada', { kind: 'move', vx: MAX_SPEED, vy: 0 })
    let centre = interest.watch(-290_000, MIDDLE, undefined)
    for (let i = 0; i < 1_900; i++) {
      walk()
      const now = interest.watch(stage.state.entities.x[stage.id('ada')] ?? 0, MIDDLE, centre)
      if (now !== centre) interest.unwatch(centre)
      centre = now
      expect(interest.cells).toBeLessThanOrEqual(12)
    }
  })
})

function randomDeed(stage: Stage, character: string | undefined, next: (below: number) => number): void {
  if (character === undefined) return
  const deed = next(20)
  const client = stage.clients.get(character)
  if (deed < 12) {
    const axis = next(4)
    const speed = (axis & 1) === 0 ? MAX_SPEED : -MAX_SPEED
    stage.does(character, { kind: 'move', vx: axis < 2 ? speed : 0, vy: axis < 2 ? 0 : speed })
  } else if (deed < 14) stage.does(character, { kind: 'drop', item: `${character}/9` })
  else if (deed < 15) stage.does(character, { kind: 'leave' })
  else if (deed < 16) stage.does(character, { kind: 'look' })
  else if (deed < 17) stage.disconnect(character)
  else if (deed < 18 && client === undefined) {
    stage.connect(character)
    stage.input(shell({ kind: 'linkUp', character }))
  } else if (client !== undefined) client.ready = !client.ready
}
