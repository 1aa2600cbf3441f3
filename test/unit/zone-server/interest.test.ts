import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CELL } from '../../../core/protocol/cells.ts'
import { HYSTERESIS, Interest } from '../../../zone-server/interest/interest.ts'
import { MAX_SPEED } from '../../../zone-server/simulation/rules/motion.ts'
import { EPOCH, MIDDLE, PER_TICK, Stage } from './interest-kit.ts'
import { joins, newcomer, shell } from './simulation-kit.ts'

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
  }, 600_000)

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
