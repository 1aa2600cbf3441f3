import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../../../core/character-record.ts'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { ERASE_RETRY } from '../../../core/timing.ts'
import { z } from '../../../core/validate/index.ts'
import { once, Prepared } from '../../../platform/http/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { eraseEverything } from '../../../services/account/erase.ts'
import { accountIdOf, exportAccount } from '../../../services/account/export.ts'
import { makeAccount, register } from '../../../services/auth/accounts.ts'
import { identityHolder, identityKey } from '../../../services/auth/identities.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { openSession } from '../../../services/auth/sessions.ts'
import { listCharacters, makeCharacter } from '../../../services/characters/life.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import { compiledBefore } from '../../compiled.ts'

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-account-'))
const main = join(import.meta.dirname, '../../../services/account/main.ts')
const clock = new ManualClock()
const passwords = createPasswordHasher({ memoryKib: 64, passes: 1 })
let store: Store
let made = 0

beforeAll(async () => {
  store = await createSqliteStore({ file: join(folder, 'store.sqlite') })
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const life = () => ({ store, clock, limit: 8, deleteGraceMs: 1_000_000, namesPerDay: 100 })

/** An account with a session, two characters, and a request that was answered. */
async function somebody(name: string): Promise<{ readonly id: string; readonly characters: readonly string[] }> {
  const account = await register({ store, passwords, clock }, name, 'correct horse battery')
  const { id } = account
  await openSession({ store, clock }, account, `${name}'s browser`)
  const characters = [`${name}a`, `${name}b`].map((each) => `character-${++made}-of-${each}`)
  for (const [i, character] of characters.entries()) await makeCharacter(life(), id, `${name}x${'ab'[i]}`, character)
  const asked = { chain: chains.requestsOf(id), key: 'k', asked: { name } }
  await once({ store, clock }, asked, async () => new Prepared(201, {}, JSON.stringify({ name })))
  return { id, characters }
}

/** All that the store holds under the chains of the account, and of what belongs to it. */
async function textOf(id: string, characters: readonly string[]): Promise<string> {
  const all = [
    chains.account(id),
    chains.charactersOf(id),
    chains.sessionsOf(id),
    chains.requestsOf(id),
    ...characters.map((character) => chains.character(character)),
  ]
  return JSON.stringify(await Promise.all(all.map((chain) => store.read(chain, 1, 1_000))))
}

describe('the command over one account', () => {
  test('exports what is kept, without secrets', async () => {
    const { id, characters } = await somebody('Exporta')
    const text = JSON.stringify(await exportAccount(store, id, clock.now()))
    for (const part of ['"Exporta"', '"Exportaxa"', "Exporta's browser", ...characters]) expect(text).toContain(part)
    expect(JSON.parse(text)).toMatchObject({ account: { id, hasPassword: true }, requests: 1, sessions: [{}], characters: [{}, {}] })
    for (const secret of ['argon2', 'passwordHash', 'tokenHash']) expect(text).not.toContain(secret)
    await expect(exportAccount(store, 'nobody', clock.now())).rejects.toMatchObject({ code: 'AccountUnknown' })
  })

  test('exports the logins of issuers that open the account, and erases them', async () => {
    const ann = { issuer: 'https://accounts.example', subject: 'subject-1' }
    const { id } = await makeAccount({ store, clock }, 'Linkeda', async () => null, { identity: ann })
    const exported = await exportAccount(store, id, clock.now())
    expect(exported).toMatchObject({
      account: { hasPassword: false, identities: [{ ...ann, linkedAt: new Date(clock.now()).toISOString() }] },
    })
    await eraseEverything({ store, clock }, id)
    expect(JSON.stringify(await store.read(chains.account(id), 1, 10))).not.toContain('subject-1')
    expect(await identityHolder(store, identityKey(ann))).toBeUndefined()
  })

  test('an id names its account, though somebody has chosen it as a name', async () => {
    const { id } = await somebody('Exportb')
    const other = await makeAccount({ store, clock }, id, async () => null)
    expect(await accountIdOf(store, id)).toBe(id)
    expect(await accountIdOf(store, 'exportB')).toBe(id)
    expect(await accountIdOf(store, other.id)).toBe(other.id)
    expect(await accountIdOf(store, 'nobody-here')).toBe('nobody-here')
  })

  test('erases all of it, and nothing of others', async () => {
    const [ann, bob] = [await somebody('Erasea'), await somebody('Keepb')]
    expect(await textOf(ann.id, ann.characters)).toContain('Erasea')
    const before = await textOf(bob.id, bob.characters)
    expect(await eraseEverything({ store, clock }, ann.id)).toEqual({ account: true, charactersInZones: 0 })
    const left = await textOf(ann.id, ann.characters)
    for (const part of ['Erasea', 'argon2', 'browser', 'released', 'etag']) expect(left).not.toContain(part)
    expect(await textOf(bob.id, bob.characters)).toBe(before)
    expect(await eraseEverything({ store, clock }, ann.id)).toEqual({ account: true, charactersInZones: 0 })
    await expect(eraseEverything({ store, clock }, 'nobody')).rejects.toMatchObject({ code: 'AccountUnknown' })
    await expect(makeCharacter(life(), ann.id, 'Latecomer', 'late')).rejects.toMatchObject({ code: 'AccountUnknown' })
    const next = await somebody('Erasea')
    expect((await listCharacters(life(), next.id)).characters).toHaveLength(2)
  })

  test('a character in a zone is erased when it comes out', async () => {
    const { id, characters } = await somebody('Stayc')
    const chain = chains.character(characters[0] ?? '')
    const write = async (change: object): Promise<void> => {
      const head = await store.head(chain)
      const record = head === undefined ? undefined : readCharacterRecord(chain, head)
      if (head === undefined || record?.kind === undefined || record.kind === 'deleted') throw new Error('no character')
      await store.append(chain, head.n + 1, `n${head.n}`, storedCharacter({ ...record, ...change }))
    }
    await write({ kind: 'held', layer: 'game/meadow/0', epoch: 1 })
    expect(await eraseEverything({ store, clock }, id)).toEqual({ account: true, charactersInZones: 1 })
    const deps = { store, clock, limit: 8, log: silentLog, metrics: createMetrics('sweep') }
    clock.advance(ERASE_RETRY)
    await sweepDue(deps)
    expect(await textOf(id, characters)).toContain('Staycxa')
    await write({ kind: 'released' })
    clock.advance(ERASE_RETRY)
    await sweepDue(deps)
    expect(await textOf(id, characters)).not.toContain('Stayc')
    expect(await store.due('account-characters', Number.MAX_SAFE_INTEGER, 10)).toEqual([])
  })

  test('as a program', async () => {
    const { id } = await somebody('Programd')
    const run = async (...args: string[]) =>
      promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { env: compiledBefore }).then(
        ({ stdout }) => ({ code: 0, text: stdout }),
        (error: unknown) => {
          const { code, stdout, stderr } = z.looseObject({ code: z.number(), stdout: z.string(), stderr: z.string() }).parse(error)
          return { code, text: stdout + stderr }
        },
      )
    expect(await run('export', 'programd', '--data', folder)).toMatchObject({ code: 0, text: expect.stringContaining(id) })
    // One id in 64 begins with a dash: behind -- it is no option.
    expect(await run('erase', '--data', folder, '--', id)).toEqual({ code: 0, text: 'Erased.\n' })
  }, 60_000)
})
