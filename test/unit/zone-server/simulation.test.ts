import { describe, expect, it } from 'vitest'
import { headingOf } from '../../../zone-server/simulation/heading.ts'
import type { PlayerBody } from '../../../zone-server/simulation/input.ts'
import type { TickOutput } from '../../../zone-server/simulation/output.ts'
import { MAX_SPEED } from '../../../zone-server/simulation/rules/motion.ts'
import { inventoryOf, type LayerState } from '../../../zone-server/simulation/state.ts'
import { stateHash } from '../../../zone-server/simulation/state-hash.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import { freshState, joins, newcomer, shell } from './simulation-kit.ts'

const at = (x: number, y: number) => ({ ...newcomer, zone: 'game/meadow' as const, position: { x, y }, inventory: [] })
const counters = new Map<string, number>()

function act(state: LayerState, source: string, body: PlayerBody): TickOutput {
  const sequence = (counters.get(source) ?? 0) + 1
  counters.set(source, sequence)
  return step(state, [{ source, sequence, body }])
}

function world(...joined: Parameters<typeof joins>[]): LayerState {
  counters.clear()
  const state = freshState()
  step(
    state,
    joined.map((args) => joins(...args)),
  )
  return state
}

function placeOf(state: LayerState, character: string): { x: number; y: number } {
  const entity = state.players.get(character)?.entity ?? 0
  return { x: state.entities.x[entity] ?? -1, y: state.entities.y[entity] ?? -1 }
}

const refusals = (output: TickOutput) => output.messages.flatMap(({ message }) => (message.kind === 'refused' ? [message.code] : []))

describe('arriving', () => {
  it('a new character appears near the middle with a lantern', () => {
    const state = freshState()
    const output = step(state, [joins('ada')])
    expect(output.messages).toEqual([
      { to: 'ada', message: { kind: 'welcome', entity: 1, name: 'Ada', acknowledged: 0, inventory: [{ id: 'ada/1', kind: 'lantern' }] } },
    ])
    const { x, y } = placeOf(state, 'ada')
    expect(Math.abs(x - 500_000)).toBeLessThanOrEqual(5_000)
    expect(Math.abs(y - 500_000)).toBeLessThanOrEqual(5_000)
  })

  it('one that was somewhere comes back there, with what it had', () => {
    const state = world([
      'ada',
      { zone: 'game/meadow', position: { x: 7, y: 9 }, inventory: [{ id: 'k', kind: 'key' }], inputSequence: 12 },
    ])
    expect(placeOf(state, 'ada')).toEqual({ x: 7, y: 9 })
    const player = state.players.get('ada')
    expect(player?.inputSequence).toBe(12)
    expect(player && inventoryOf(state, player)).toEqual([{ id: 'k', kind: 'key' }])
  })

  it('one from outside the bounds appears near the middle', () => {
    const state = world(['ada', at(-5, 0)])
    expect(Math.abs(placeOf(state, 'ada').x - 500_000)).toBeLessThanOrEqual(5_000)
  })

  it('a second join of a resident is a new connection of the same', () => {
    const state = world(['ada', at(0, 0)])
    const output = step(state, [joins('ada', at(500, 500))])
    expect(output.messages.map(({ message }) => message.kind)).toEqual(['welcome'])
    expect(placeOf(state, 'ada')).toEqual({ x: 0, y: 0 })
  })
})

describe('moving', () => {
  const cases = [
    { name: 'straight', vx: 6_000, vy: 0, ticks: 20, to: { x: 106_000, y: 100_000 } },
    { name: 'slower than a millimetre a tick', vx: 10, vy: -10, ticks: 20, to: { x: 100_010, y: 99_990 } },
    { name: 'not a whole number of millimetres a tick', vx: 333, vy: -777, ticks: 60, to: { x: 100_999, y: 97_669 } },
  ]
  for (const { name, vx, vy, ticks, to } of cases) {
    it(name, () => {
      const state = world(['ada', at(100_000, 100_000)])
      act(state, 'ada', { kind: 'move', vx, vy })
      for (let i = 1; i < ticks; i++) step(state, [])
      expect(placeOf(state, 'ada')).toEqual(to)
    })
  }

  it('ends at the bounds', () => {
    const state = world(['ada', at(500, 999_900)])
    act(state, 'ada', { kind: 'move', vx: -4_000, vy: 4_000 })
    for (let i = 0; i < 10; i++) step(state, [])
    expect(placeOf(state, 'ada')).toEqual({ x: 0, y: 1_000_000 })
  })

  for (const [vx, vy] of [
    [MAX_SPEED + 1, 0],
    [4_300, 4_300],
    [0, -2_147_483_648],
  ] as const) {
    it(`${vx}, ${vy} is refused and changes nothing`, () => {
      const state = world(['ada', at(100, 100)])
      expect(refusals(act(state, 'ada', { kind: 'move', vx, vy }))).toEqual(['MoveTooFast'])
      expect(placeOf(state, 'ada')).toEqual({ x: 100, y: 100 })
      expect(state.players.get('ada')?.inputSequence).toBe(1)
    })
  }

  it('heading agrees with the arc tangent to 1/256 of a turn', () => {
    for (let degree = 0; degree < 360; degree++) {
      const x = Math.round(Math.cos((degree * Math.PI) / 180) * 6_000)
      const y = Math.round(Math.sin((degree * Math.PI) / 180) * 6_000)
      const off = Math.abs(headingOf(x, y) - (degree * 256) / 360)
      expect(Math.min(off, 256 - off), `${degree}°`).toBeLessThanOrEqual(1.2)
    }
  })
})

describe('talking', () => {
  it('say reaches everybody', () => {
    const state = world(['ada'], ['bob'])
    expect(act(state, 'ada', { kind: 'say', text: 'hello' }).messages).toEqual([
      { to: undefined, message: { kind: 'said', from: 'Ada', text: 'hello' } },
    ])
  })

  it('tell reaches one, by name in any case, and is answered', () => {
    const state = world(['ada'], ['bob'])
    expect(act(state, 'ada', { kind: 'tell', to: 'BOB', text: 'psst', id: 5 }).messages).toEqual([
      { to: 'bob', message: { kind: 'told', from: 'Ada', text: 'psst' } },
      { to: 'ada', message: { kind: 'tellResult', id: 5, delivered: true } },
    ])
    expect(act(state, 'ada', { kind: 'tell', to: 'eve', text: 'psst', id: 6 }).messages).toEqual([
      { to: 'ada', message: { kind: 'tellResult', id: 6, delivered: false } },
    ])
  })

  it('tell does not reach one whose connection is gone', () => {
    const state = world(['ada'], ['bob'])
    step(state, [shell({ kind: 'linkDead', character: 'bob' })])
    expect(act(state, 'ada', { kind: 'tell', to: 'Bob', text: 'psst', id: 7 }).messages).toHaveLength(1)
  })
})

describe('items', () => {
  const lantern = { zone: null, position: null, inventory: [], inputSequence: 0 } as const

  it('dropped, picked up by another, once', () => {
    const state = world(['ada', lantern], ['bob', at(0, 0)], ['cyd', at(0, 0)])
    const place = placeOf(state, 'ada')
    act(state, 'ada', { kind: 'drop', item: 'ada/1' })
    const item = state.entities.label.indexOf('ada/1')
    expect({ x: state.entities.x[item], y: state.entities.y[item] }).toEqual(place)
    expect(refusals(act(state, 'bob', { kind: 'pickUp', entity: item }))).toEqual(['ItemUnknown'])
    step(state, [
      shell({ kind: 'expel', character: 'bob', reason: 'Closing' }),
      shell({ kind: 'expel', character: 'cyd', reason: 'Closing' }),
    ])
    step(
      state,
      [...state.outbox.keys()].map((id) => shell({ kind: 'released', id })),
    )
    counters.clear()
    step(state, [joins('bob', at(place.x + 2_000, place.y)), joins('cyd', at(place.x, place.y + 1))])
    const output = step(state, [
      { source: 'cyd', sequence: 1, body: { kind: 'pickUp', entity: item } },
      { source: 'bob', sequence: 1, body: { kind: 'pickUp', entity: item } },
    ])
    expect(output.messages.map(({ to, message }) => `${to} ${message.kind}`)).toEqual(['bob inventory', 'cyd refused'])
    expect(state.players.get('bob')?.inventory).toEqual([item])
  })

  it('nothing can be dropped that is not there, picked up that is no item or too far', () => {
    const state = world(['ada', lantern], ['bob', at(0, 0)])
    expect(refusals(act(state, 'bob', { kind: 'drop', item: 'ada/1' }))).toEqual(['ItemUnknown'])
    for (const entity of [0, 1, 2, 77, 2 ** 32 - 1])
      expect(refusals(act(state, 'bob', { kind: 'pickUp', entity }))).toEqual(['ItemUnknown'])
  })

  it('a full inventory takes no more', () => {
    const full = Array.from({ length: 20 }, (_, k) => ({ id: `bob/${k + 1}`, kind: 'pebble' }))
    const state = world(['ada', lantern])
    step(state, [joins('bob', { ...at(placeOf(state, 'ada').x, placeOf(state, 'ada').y), inventory: full })])
    act(state, 'ada', { kind: 'drop', item: 'ada/1' })
    expect(refusals(act(state, 'bob', { kind: 'pickUp', entity: state.entities.label.indexOf('ada/1') }))).toEqual(['InventoryFull'])
  })
})

describe('leaving', () => {
  it('puts the whole character into the outbox, until its release is confirmed', () => {
    const state = world(['ada', at(1, 2)])
    const output = act(state, 'ada', { kind: 'leave' })
    expect(output.departures).toEqual([{ character: 'ada', reason: 'Left', release: '2/1' }])
    expect(state.outbox.get('2/1')).toMatchObject({
      character: 'ada',
      n: 3,
      state: { zone: 'game/meadow', position: { x: 1, y: 2 }, inventory: [], inputSequence: 1 },
    })
    expect(state.players.size).toBe(0)
    step(state, [shell({ kind: 'released', id: '2/1' })])
    expect(state.outbox.size).toBe(0)
  })

  it('a character without a connection stands still and leaves after a while, unless a new one comes', () => {
    const state = world(['ada', at(500_000, 0)], ['bob', at(500_000, 0)])
    act(state, 'ada', { kind: 'move', vx: 1_000, vy: 0 })
    step(state, [shell({ kind: 'linkDead', character: 'ada' }), shell({ kind: 'linkDead', character: 'bob' })])
    const stood = placeOf(state, 'ada')
    for (let i = 0; i < 100; i++) step(state, [])
    expect(placeOf(state, 'ada')).toEqual(stood)
    expect(step(state, [shell({ kind: 'linkUp', character: 'bob' })]).messages.map(({ to, message }) => `${to} ${message.kind}`)).toEqual([
      'bob welcome',
    ])
    const reasons = Array.from({ length: 200 }, () => step(state, []).departures).flat()
    expect(reasons).toMatchObject([{ character: 'ada', reason: 'LinkDead' }])
    expect([...state.players.keys()]).toEqual(['bob'])
  })

  it('a forgotten character leaves no release', () => {
    const state = world(['ada'])
    expect(step(state, [shell({ kind: 'forget', character: 'ada' })]).departures).toEqual([
      { character: 'ada', reason: 'Forgotten', release: undefined },
    ])
    expect(state.outbox.size).toBe(0)
  })

  it('freed ids rest before they name another entity', () => {
    const state = world(['ada', at(0, 0)])
    act(state, 'ada', { kind: 'leave' })
    step(state, [joins('bob', at(0, 0))])
    expect(state.players.get('bob')?.entity).toBe(2)
    for (let i = 0; i < 128; i++) step(state, [])
    step(state, [joins('cyd', at(0, 0))])
    expect(state.players.get('cyd')?.entity).toBe(1)
  })
})

describe('input numbers', () => {
  it('each is applied at most once', () => {
    const state = world(['ada', at(0, 0)])
    const say = (sequence: number) => step(state, [{ source: 'ada', sequence, body: { kind: 'say', text: `${sequence}` } }]).messages.length
    expect([1, 1, 3, 2, 3, 4].map(say)).toEqual([1, 0, 1, 0, 0, 1])
    expect(state.players.get('ada')?.inputSequence).toBe(4)
  })

  it('an input of nobody does nothing', () => {
    const state = freshState()
    const other = freshState()
    step(state, [{ source: 'eve', sequence: 1, body: { kind: 'say', text: 'boo' } }])
    step(other, [])
    expect(stateHash(state)).toBe(stateHash(other))
  })
})
