import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { ERASE_RETRY, ERASURE_UNDECIDED, UNFINISHED_AFTER } from '../../../core/timing.ts'
import { eraseEverything } from '../../../services/account/erase.ts'
import { findAccount, register } from '../../../services/auth/accounts.ts'
import { eraseDeleted } from '../../../services/auth/erasure.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { openSession } from '../../../services/auth/sessions.ts'
import { listCharacters, makeCharacter } from '../../../services/characters/life.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import { dyingAt } from '../../unit/characters/stage.ts'
import { createMemoryStore } from '../simulator/memory-store.ts'

const passwords = createPasswordHasher({ memoryKib: 64, passes: 1 })

const mayNotFail = (account: string, error: unknown): void => {
  throw new Error(`the erasure of ${account} failed`, { cause: error })
}

/** An account of two characters over a store that dies before the given write of its erasure; what is left when the services' sweeps have come to rest. */
async function eraseDyingAt(write: number) {
  const store = createMemoryStore()
  const clock = new ManualClock()
  const life = { store, clock, limit: 8, deleteGraceMs: 1_000, namesPerDay: 100 }
  const account = await register({ store, passwords, clock }, 'Erasable', 'correct horse battery')
  await openSession({ store, clock }, account, 'Erasable agent')
  for (const [i, name] of ['Erasablea', 'Erasableb'].entries()) await makeCharacter(life, account.id, name, `c${i}`)
  const dying = dyingAt(store, write)
  const said = await eraseEverything({ store: dying, clock }, account.id).catch(() => undefined)
  for (let round = 0; round < 6; round++) {
    clock.advance(Math.max(ERASE_RETRY, UNFINISHED_AFTER))
    await eraseDeleted({ store, clock }, mayNotFail)
    await sweepDue({ ...life, log: silentLog })
  }
  const records = await Promise.all(store.chains().map((chain) => store.read(chain, 1, 1_000)))
  return { died: dying.dead(), said, store, clock, life, account, left: JSON.stringify(records) }
}

test('an erasure that dies before any write of it was not begun, or is ended by the services', async () => {
  let died = true
  for (let write = 1; died; write++) {
    const after = await eraseDyingAt(write)
    died = after.died
    const at = `write ${write}`
    const lives = (await findAccount(after.store, after.account.id)) !== undefined
    const { characters } = await listCharacters(after.life, after.account.id)
    if (lives) {
      expect(characters.length, at).toBe(2)
      // That it was asked for is forgotten.
      after.clock.advance(ERASURE_UNDECIDED)
      await eraseDeleted(after, mayNotFail)
      expect(await findAccount(after.store, after.account.id), at).toBeDefined()
    } else {
      for (const part of ['Erasable', 'argon2', '"released"', 'agent']) expect(after.left, at).not.toContain(part)
      expect(characters, at).toEqual([])
      expect((await after.store.head(chains.account(after.account.id)))?.kind, at).toBe('erased')
      await register({ store: after.store, passwords, clock: after.clock }, 'Erasable', 'correct horse battery')
      await makeCharacter(after.life, 'another', 'Erasablea', 'id-of-another')
    }
    if (!died) expect([lives, after.said]).toEqual([false, { account: true, charactersInZones: 0 }])
    expect(write).toBeLessThan(100)
  }
}, 120_000)
