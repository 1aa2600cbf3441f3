import { describe, expect, it } from 'vitest'
import type { CharacterState } from '../../../core/chains.ts'
import { type Input, LAYER, type LayerBody, type PlayerBody } from '../../../zone-server/simulation/input.ts'
import { newState } from '../../../zone-server/simulation/state.ts'
import { stateHash, stateHashFromNothing } from '../../../zone-server/simulation/state-hash.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import { arrival, brokenInvariants, crampedSettings, LAYER_ID, newcomer } from './simulation-kit.ts'

const INPUTS = process.env['BAILIWICK_FAULTS'] === 'full' ? 1_000_000 : 100_000
const PLAYERS = 60
const seed = Number(process.env['BAILIWICK_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Mulberry32: chance that a seed repeats. Answers whole numbers below `n`. */
function chance(from: number): (n: number) => number {
  let state = from
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const names = Array.from({ length: PLAYERS }, (_, i) => `player${i}`)

/** Everything that a client can send, sensible or not. */
function anyBody(below: (n: number) => number, entities: number): PlayerBody {
  const entity = below(entities + 3)
  const item = `${names[below(PLAYERS)]}/1`
  switch (below(10)) {
    case 0:
      return { kind: 'drop', item }
    case 1:
    case 2:
      return { kind: 'pickUp', entity }
    case 3:
      return { kind: 'give', item, to: entity }
    case 4:
      return { kind: 'emote', emote: below(12) }
    case 5:
      return below(20) === 0 ? { kind: 'leave' } : { kind: 'tell', to: names[below(PLAYERS)] ?? '', text: 'psst', id: below(9) }
    default:
      return { kind: 'move', vx: below(12_400) - 6_200, vy: below(8_000) - 4_000 }
  }
}

/** What the layer's shell might say: never of a character that it did not see leave. */
function anyShellBody(below: (n: number) => number, name: string, known: CharacterState | undefined): LayerBody | undefined {
  switch (below(8)) {
    case 0:
      return { kind: 'linkDead', character: name }
    case 1:
      return { kind: 'linkUp', character: name }
    case 2:
      return below(10) === 0 ? { kind: 'expel', character: name, reason: 'Closing' } : undefined
    default:
      return known === undefined ? undefined : { kind: 'join', arrival: arrival(name, known) }
  }
}

describe(`${INPUTS} random inputs (BAILIWICK_SEED=${seed})`, () => {
  it('break no invariant, and every thing there was is there once', () => {
    const below = chance(seed)
    const state = newState(LAYER_ID, crampedSettings)
    /** Where every character is that is not in the layer and its outbox. */
    const outside = new Map<string, CharacterState>(names.map((name) => [name, newcomer]))
    const numbers = new Map<string, number>()
    const joined = new Set<string>()
    let shell = 0
    for (let sent = 0; sent < INPUTS; ) {
      const batch: Input[] = []
      for (const id of state.outbox.keys())
        if (below(3) === 0) batch.push({ source: LAYER, sequence: ++shell, body: { kind: 'released', id } })
      const confirmed = new Set(batch.map(({ body }) => (body.kind === 'released' ? body.id : '')))
      for (const release of state.outbox.values()) if (confirmed.has(release.id)) outside.set(release.character, release.state)
      for (let i = 0; i < 40; i++, sent++) {
        const name = names[below(PLAYERS)] ?? ''
        if (below(12) === 0) {
          const body = anyShellBody(below, name, outside.get(name))
          if (body === undefined) continue
          if (body.kind === 'join') {
            outside.delete(name)
            joined.add(name)
          }
          batch.push({ source: LAYER, sequence: ++shell, body })
          continue
        }
        const sequence = (numbers.get(name) ?? 0) + below(2)
        numbers.set(name, sequence)
        batch.push({ source: name, sequence, body: anyBody(below, state.entities.highest) })
      }
      step(state, batch)
      if (state.tick % 25 === 0) expect(brokenInvariants(state)).toEqual([])
      const hash = stateHash(state)
      if (state.tick % 10 === 0) expect(hash).toBe(stateHashFromNothing(state))
    }
    const things = [...state.entities.items.keys()]
    for (const release of state.outbox.values()) things.push(...release.state.inventory.map(({ id }) => id))
    for (const character of outside.values()) things.push(...character.inventory.map(({ id }) => id))
    expect(things.sort()).toEqual([...joined].map((name) => `${name}/1`).sort())
    expect(joined.size).toBe(PLAYERS)
  }, 120_000)
})
