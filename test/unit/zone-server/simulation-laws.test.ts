import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CharacterState } from '../../../core/chains.ts'
import { decodeBatch, encodeBatch } from '../../../zone-server/simulation/batch.ts'
import { canonical } from '../../../zone-server/simulation/canonical.ts'
import type { Input, LayerBody, PlayerBody } from '../../../zone-server/simulation/input.ts'
import { decodeState, encodeState } from '../../../zone-server/simulation/snapshot.ts'
import type { LayerState } from '../../../zone-server/simulation/state.ts'
import { stateHash, stateHashFromNothing } from '../../../zone-server/simulation/state-hash.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import { SnapshotMemory } from '../../../zone-server/snapshot-memory.ts'
import { arrival, brokenInvariants, crampedSettings, freshState, newcomer, settings } from './simulation-kit.ts'

const characters = ['ada', 'bob', 'cyd', 'dan'] as const
const character = fc.constantFrom(...characters)
const speed = fc.integer({ min: -7_000, max: 7_000 })
const entity = fc.integer({ min: 0, max: 12 })

const playerBody: fc.Arbitrary<PlayerBody> = fc.oneof(
  fc.record({ kind: fc.constant('move' as const), vx: speed, vy: speed }),
  fc.record({ kind: fc.constant('say' as const), text: fc.string() }),
  fc.record({ kind: fc.constant('tell' as const), to: character, text: fc.string(), id: fc.nat() }),
  fc.record({ kind: fc.constant('pickUp' as const), entity }),
  fc.record({ kind: fc.constant('drop' as const), item: character.map((name) => `${name}/1`) }),
  fc.record({ kind: fc.constant('give' as const), item: character.map((name) => `${name}/1`), to: entity }),
  fc.record({ kind: fc.constant('emote' as const), emote: fc.nat(12) }),
  fc.constantFrom({ kind: 'look' } as const, { kind: 'leave' } as const),
)
const narrow = { ...settings, bounds: { min: { x: 490_000, y: 0 }, max: { x: 510_000, y: 600_000 } }, tickRateHz: 30 }
const joining: fc.Arbitrary<LayerBody> = character.map((name) => ({ kind: 'join', arrival: arrival(name) }))
const others: fc.Arbitrary<LayerBody> = fc.oneof(
  character.map((name): LayerBody => ({ kind: 'linkDead', character: name })),
  character.map((name): LayerBody => ({ kind: 'linkUp', character: name })),
  character.map((name): LayerBody => ({ kind: 'expel', character: name, reason: 'Closing' })),
  character.map((name): LayerBody => ({ kind: 'forget', character: name })),
  fc.nat(40).map((tick): LayerBody => ({ kind: 'released', id: `${tick}/1` })),
  fc.constantFrom<LayerBody>(
    { kind: 'configure', settings: narrow },
    { kind: 'configure', settings },
    { kind: 'configure', settings: crampedSettings },
  ),
)

/** Batches of a run. Each source numbers its inputs from 1 on; some numbers come twice. */
const runOfBatches: fc.Arbitrary<readonly (readonly Input[])[]> = fc
  .array(
    fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.record({ source: character, body: playerBody, again: fc.boolean() }) },
        { weight: 3, arbitrary: fc.record({ source: fc.constant(''), body: joining, again: fc.constant(false) }) },
        { weight: 1, arbitrary: fc.record({ source: fc.constant(''), body: others, again: fc.constant(false) }) },
      ),
      { maxLength: 8 },
    ),
    { maxLength: 40 },
  )
  .map((batches) => {
    const counters = new Map<string, number>()
    return batches.map((batch) =>
      batch.map(({ source, body, again }) => {
        const sequence = (counters.get(source) ?? 0) + (again ? 0 : 1)
        counters.set(source, sequence)
        return { source, sequence, body } as Input
      }),
    )
  })

/** Who was here before comes back as it left: nobody is given a second lantern. */
function asItLeft(input: Input, travellers: ReadonlyMap<string, CharacterState>): Input {
  if (input.body.kind !== 'join') return input
  const { arrival: came } = input.body
  return {
    source: '',
    sequence: input.sequence,
    body: { kind: 'join', arrival: { ...came, state: travellers.get(came.character) ?? came.state } },
  }
}

function run(state: LayerState, batches: readonly (readonly Input[])[]): string[] {
  return batches.map((batch) => `${JSON.stringify(step(state, batch))} ${stateHash(state)}`)
}

describe('laws of the simulation', () => {
  it('the same inputs in any order give the same states and outputs', () => {
    fc.assert(
      fc.property(runOfBatches, fc.infiniteStream(fc.nat()), (batches, keys) => {
        const shuffled = batches.map((batch) =>
          batch
            .map((input) => ({ input, key: keys.next().value ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ input }) => input),
        )
        const one = freshState()
        const two = freshState()
        expect(run(two, shuffled)).toEqual(run(one, batches))
        expect(stateHash(two)).toBe(stateHash(one))
      }),
    )
  })

  it('a snapshot at any tick and the rest is as without a snapshot', () => {
    fc.assert(
      fc.property(runOfBatches, fc.nat(40), (batches, at) => {
        const through = freshState()
        const outputs = run(through, batches)
        const before = freshState()
        run(before, batches.slice(0, at))
        const after = decodeState(encodeState(before))
        expect(stateHash(after)).toBe(stateHash(before))
        expect(run(after, batches.slice(at))).toEqual(outputs.slice(at))
        expect(stateHash(after)).toBe(stateHash(through))
      }),
    )
  })

  it('a snapshot in memory that held others is the same bytes as in fresh memory', () => {
    const memory = new SnapshotMemory()
    fc.assert(
      fc.property(runOfBatches, (batches) => {
        const state = freshState()
        run(state, batches)
        const bytes = encodeState(state, (length) => memory.take(length).fill(0xa5))
        expect(Buffer.compare(bytes, encodeState(state))).toBe(0)
        memory.giveBack(bytes)
      }),
    )
  })

  it('the hash that is kept from tick to tick is the one computed from nothing, however seldom it is asked for', () => {
    fc.assert(
      fc.property(runOfBatches, fc.integer({ min: 1, max: 5 }), (batches, every) => {
        const state = freshState()
        for (const batch of batches) {
          step(state, batch)
          if (state.tick % every === 0) expect(stateHash(state)).toBe(stateHashFromNothing(state))
        }
      }),
    )
  })

  it('what is not among the changed looks as it did before', () => {
    fc.assert(
      fc.property(runOfBatches, (batches) => {
        const state = freshState()
        const { entities } = state
        const look = () =>
          Array.from({ length: entities.highest + 1 }, (_, id) =>
            [entities.kind[id], entities.isPlaced(id) && [entities.x[id], entities.y[id], entities.heading[id]]].join(),
          )
        let before = look()
        for (const batch of batches) {
          step(state, batch)
          const changed = [...entities.changed.subarray(0, entities.changedCount)]
          expect(new Set(changed).size).toBe(changed.length)
          const now = look()
          expect(now.flatMap((one, id) => (one === before[id] || changed.includes(id) ? [] : [id]))).toEqual([])
          before = now
        }
      }),
    )
  })

  it('a batch reads back from its bytes, and its order does not show in them', () => {
    fc.assert(
      fc.property(runOfBatches, (batches) => {
        for (const batch of batches) {
          const bytes = encodeBatch(batch)
          expect(decodeBatch(bytes)).toEqual(canonical(batch))
          expect(encodeBatch(batch.toReversed())).toEqual(bytes)
        }
      }),
    )
  })

  it('random inputs break no invariant', () => {
    fc.assert(
      fc.property(runOfBatches, (batches) => {
        const state = freshState()
        const travellers = new Map<string, CharacterState>()
        for (const batch of batches) {
          // No release is confirmed in the tick that made it.
          const possible = batch.filter(({ body }) => body.kind !== 'released' || body.id !== `${state.tick + 1}/1`)
          const { departures } = step(
            state,
            possible.map((input) => asItLeft(input, travellers)),
          )
          for (const { character: who } of departures) {
            const release = [...state.outbox.values()].findLast((one) => one.character === who)
            travellers.set(who, release?.state ?? { ...newcomer, zone: 'game/meadow' })
          }
          expect(brokenInvariants(state)).toEqual([])
        }
      }),
      { numRuns: 300 },
    )
  })

  it('any bytes are a state or StoreCorrupt', () => {
    const valid = freshState()
    step(valid, [{ source: '', sequence: 1, body: { kind: 'join', arrival: arrival('ada') } }])
    const bytes = encodeState(valid)
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) }), { maxLength: 4 }),
        fc.nat(bytes.length),
        (changes, cut) => {
          const broken = bytes.slice(0, cut)
          for (const { at, value } of changes) if (at < cut) broken[at] = value
          try {
            decodeState(broken)
          } catch (error) {
            expect(error).toMatchObject({ code: 'StoreCorrupt' })
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
