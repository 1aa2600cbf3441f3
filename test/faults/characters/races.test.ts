import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { isCode } from '../../../core/errors.ts'
import { nameKey } from '../../../core/names.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { UNFINISHED_AFTER } from '../../../core/timing.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import {
  deleteCharacter,
  type LifeDeps,
  listCharacters,
  makeCharacter,
  renameCharacter,
  restoreCharacter,
} from '../../../services/characters/life.ts'
import { nameHolder } from '../../../services/characters/name-claims.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import { extent, givenSeed } from '../extent.ts'
import { createMemoryStore } from '../simulator/memory-store.ts'
import { randomOf } from '../simulator/random.ts'

/** Players, sweeps and looks at lists at once over few names, each call to the store late by chance, some by so much that whole lives of characters pass meanwhile. */
const SEEDS = extent({ quick: 30, usual: 300, full: 20_000 })
const NAMES = ['Raca', 'Racb', 'Racc']
const ACCOUNTS = ['one', 'two', 'three']

/** Every call waits for some turns of the event loop; one in forty for very many. */
function lateStore(store: Store, random: () => number): Store {
  const late = async (): Promise<void> => {
    const turns = random() < 0.025 ? 400 : Math.floor(random() * 6)
    for (let i = 0; i < turns; i++) await turn()
  }
  const around =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await late()
      const answer = await call(...args)
      await late()
      return answer
    }
  return { ...store, append: around(store.append), head: around(store.head), prune: around(store.prune), due: around(store.due) }
}

interface Race {
  readonly deps: LifeDeps
  readonly clock: ManualClock
  readonly random: () => number
  readonly ids: string[]
}

async function act({ deps, random, ids }: Race, account: string, id: string): Promise<void> {
  const name = NAMES[Math.floor(random() * NAMES.length)] ?? ''
  const known = ids[Math.floor(random() * ids.length)] ?? id
  const dice = random()
  try {
    if (dice < 0.35) {
      ids.push(id)
      await makeCharacter(deps, account, name, id)
    } else if (dice < 0.7) await renameCharacter(deps, account, known, name, () => undefined)
    else if (dice < 0.85) await deleteCharacter(deps, account, known, () => undefined)
    else if (dice < 0.9) await restoreCharacter(deps, account, known, () => undefined)
    else await listCharacters(deps, account)
  } catch (error) {
    const expected = ['NameTaken', 'TooManyCharacters', 'CharacterUnknown', 'CharacterNotYours', 'CharacterDeleting', 'Busy'] as const
    if (!isCode(error, ...expected)) throw error
  }
}

async function race(seed: number): Promise<void> {
  const random = randomOf(seed)
  const clock = new ManualClock()
  const behind = createMemoryStore()
  const deps = { store: lateStore(behind, random), clock, limit: 3, deleteGraceMs: 1_000, namesPerDay: 1_000 }
  const going: Race = { deps, clock, random, ids: [] }
  const sweep = { ...deps, log: silentLog, metrics: createMetrics('sweep') }
  const players = ACCOUNTS.map(async (account, at) => {
    for (let step = 0; step < 8; step++) await act(going, account, `${account}-${at}-${step}`)
  })
  const sweeps = [1, 2].map(async () => {
    for (let round = 0; round < 6; round++) {
      clock.advance(Math.floor(UNFINISHED_AFTER * random()))
      await sweepDue(sweep)
    }
  })
  await Promise.all([...players, ...sweeps])
  await audit({ ...deps, store: behind }, clock, going.ids)
}

/** What is left when all has come to rest. */
async function audit(deps: LifeDeps, clock: ManualClock, ids: readonly string[]): Promise<void> {
  const sweep = { ...deps, log: silentLog, metrics: createMetrics('sweep') }
  clock.advance(UNFINISHED_AFTER * 10)
  for (let rounds = 0; (await sweepDue(sweep)) > 0; rounds++) expect(rounds).toBeLessThan(20)
  const owners = new Map<string, string>()
  for (const account of ACCOUNTS) {
    const { characters } = await listCharacters(deps, account)
    expect(characters.length).toBeLessThanOrEqual(deps.limit)
    for (const { id, record } of characters) {
      expect(ids).toContain(id)
      expect([record.kind, record.account]).toEqual(['released', account])
      expect(owners.get(nameKey(record.name)), `${record.name} is another's, too`).toBeUndefined()
      owners.set(nameKey(record.name), id)
    }
  }
  for (const name of NAMES) expect(await nameHolder(deps.store, name)).toBe(owners.get(nameKey(name)))
}

describe('characters whose names are wanted by many at once', () => {
  test('each name has one holder or none, and nothing is left half done', async () => {
    for (let i = 0; i < SEEDS; i++) {
      const seed = givenSeed ?? i + 1
      await race(seed).catch((error: unknown) => {
        throw new Error(`BAILIWICK_SEED=${seed}`, { cause: error })
      })
    }
  }, 900_000)
})
