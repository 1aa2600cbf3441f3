import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { ManualClock, systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { BACKUP_ABANDONED_AFTER } from '../../../core/timing.ts'
import type { IndexKeys } from '../../../platform/redis/index-keys.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { backUp } from '../../../services/backup/backup.ts'
import { readCommand } from '../../../services/backup/command.ts'
import { cutCharacter } from '../../../services/backup/cut.ts'
import { requireEmptyIndex } from '../../../services/backup/index-check.ts'
import { abandoned, backupName, surplus } from '../../../services/backup/names.ts'
import { restore } from '../../../services/backup/restore.ts'
import { runCommand } from '../../../services/backup/run.ts'
import { extent } from '../../faults/extent.ts'
import { ModelWorld } from './model.ts'

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-backup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inMemory = (): Promise<ArchivedStore> => createSqliteStore({ file: ':memory:' })
const clock = new ManualClock()
const log = silentLog

const runs = extent({ quick: 15, usual: 150, full: 3_000 })

/** The same store, in which something happens before each answer. */
function whilePlayed(store: ArchivedStore, happen: () => Promise<void>): ArchivedStore {
  return {
    ...store,
    head: async (chain) => {
      await happen()
      return store.head(chain)
    },
    read: async (chain, from, limit, which) => {
      await happen()
      return store.read(chain, from, limit, which)
    },
    chains: async (after, limit) => {
      await happen()
      return store.chains(after, limit)
    },
  }
}

describe('a backup', () => {
  it(
    'made while everybody moves has each thing in one place, and each character in its roster',
    async () => {
      let exact = 0
      let moved = 0
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(83), { minLength: 20, maxLength: 120 }), fc.integer({ min: 1, max: 9 }), async (choices, pace) => {
          const [live, to, scratch, target] = await Promise.all([inMemory(), inMemory(), inMemory(), inMemory()])
          const world = await ModelWorld.create(live)
          for (const choice of choices.slice(0, 20)) await world.act(choice)
          let at = 20
          const happen = async (): Promise<void> => {
            for (let i = 0; i < pace % 4 && at < choices.length; i++) await world.act(choices[at++] ?? 0)
          }
          const made = await backUp({ from: whilePlayed(live, happen), to, scratch, clock, log })
          await restore({ from: to, to: target, log })
          const places = await world.places(target)
          moved += at - 20
          expect(await world.unlisted(target)).toEqual([])
          if (made.movedTwice === 0) {
            exact += 1
            for (const item of world.items) expect(places.get(item), item).toHaveLength(1)
          }
          await Promise.all([live, to, scratch, target].map((store) => store.close()))
        }),
        { numRuns: runs },
      )
      expect(exact).toBeGreaterThan(0)
      expect(moved).toBeGreaterThan(runs)
    },
    20_000 + runs * 500,
  )

  it('holds the same records under the same numbers, and a store restored from it goes on where the other was', async () => {
    const [live, to, scratch, target] = await Promise.all([inMemory(), inMemory(), inMemory(), inMemory()])
    const world = await ModelWorld.create(live)
    for (let choice = 0; choice < 400; choice++) await world.act((choice * 7) % 72)
    const made = await backUp({ from: live, to, scratch, clock, log })
    const manifest = await restore({ from: to, to: target, log })
    expect(manifest).toMatchObject({ ...made, movedTwice: 0 })
    for (const chain of [chains.layer('game/a/0'), chains.character('ann'), chains.characterName('ben')]) {
      const head = await live.head(chain)
      expect(await target.head(chain)).toEqual(head)
      const [n, nonce] = [head?.n ?? 0, head?.nonce ?? '']
      // What was done already is done, what was taken is taken.
      expect(await target.append(chain, n, nonce, { kind: 'x', data: {} })).toBe('Done')
      expect(await target.append(chain, n, 'another', { kind: 'x', data: {} })).toBe('Conflict')
      expect(await target.append(chain, n + 1, 'next', { kind: 'x', data: {} })).toBe('Done')
    }
    expect(await world.places(to)).toEqual(await world.places(live))
  })
})

describe('a restore', () => {
  const database = join(folder, 'live.sqlite')
  const file = join(folder, 'one.backup')
  const deps = (sqlite: string) => ({ openStore: () => createSqliteStore({ file: sqlite }), redisUrl: undefined, timers: systemClock, log })

  it('is made of a file that create has written, once', async () => {
    const store = await createSqliteStore({ file: database })
    await ModelWorld.create(store)
    await runCommand({ do: 'create', file }, deps(database))
    await runCommand({ do: 'verify', file }, deps(database))
    await expect(runCommand({ do: 'create', file }, deps(database))).rejects.toMatchObject({ code: 'ConfigInvalid' })
    const other = join(folder, 'other.sqlite')
    await runCommand({ do: 'restore', file, emptyIndex: false }, deps(other))
    const restored = await createSqliteStore({ file: other })
    expect(await restored.head(chains.character('ann'))).toEqual(await store.head(chains.character('ann')))
    await Promise.all([store.close(), restored.close()])
  })

  it('refuses a store that holds something', async () => {
    await expect(runCommand({ do: 'restore', file, emptyIndex: false }, deps(database))).rejects.toThrow(
      /a store that holds .*give an empty database/,
    )
  })

  it('refuses a file that is damaged, cut off, incomplete, or none, before it writes anything', async () => {
    const bytes = readFileSync(file)
    const damaged = Buffer.from(bytes)
    const at = damaged.indexOf('ann/0')
    damaged[at] = (damaged[at] ?? 0) ^ 1
    const broken = { damaged, cut: bytes.subarray(0, bytes.length - 4_096), text: Buffer.from('no database at all') }
    for (const [name, content] of Object.entries(broken)) {
      const path = join(folder, `${name}.backup`)
      writeFileSync(path, content)
      const target = join(folder, `${name}.sqlite`)
      await expect(runCommand({ do: 'restore', file: path, emptyIndex: false }, deps(target)), name).rejects.toMatchObject({
        code: 'StoreCorrupt',
      })
      const untouched = await createSqliteStore({ file: target })
      expect(await untouched.chains(undefined, 1)).toEqual([])
      await untouched.close()
    }
    const [half, target] = await Promise.all([inMemory(), inMemory()])
    await expect(restore({ from: half, to: target, log })).rejects.toThrow(/not a backup/)
    await half.append(chains.backupManifest, 1, 'begun', { kind: 'begun', data: { version: 1, at: 0 } })
    await expect(restore({ from: half, to: target, log })).rejects.toThrow(/broken off/)
    const newer = await inMemory()
    await newer.append(chains.backupManifest, 1, 'begun', { kind: 'begun', data: { version: 2, at: 0 } })
    await expect(restore({ from: newer, to: target, log })).rejects.toMatchObject({ code: 'ConfigInvalid' })
    await Promise.all([half, target, newer].map((store) => store.close()))
  })

  it('leaves the index alone until the backup is whole and the store empty, and the store until the index is', async () => {
    const [empty, begun] = await Promise.all([inMemory(), inMemory()])
    const whole = await createSqliteStore({ file, use: 'readOnly' })
    let looks = 0
    const beforeWriting = async (): Promise<void> => {
      looks += 1
      throw new Error('an index that remembers')
    }
    await begun.append('account/a', 1, 'a', { kind: 'x', data: {} })
    await expect(restore({ from: empty, to: empty, log, beforeWriting })).rejects.toThrow(/not a backup/)
    await expect(restore({ from: whole, to: begun, log, beforeWriting })).rejects.toThrow(/a store that holds/)
    expect(looks).toBe(0)
    await expect(restore({ from: whole, to: empty, log, beforeWriting })).rejects.toThrow(/remembers/)
    expect(await empty.chains(undefined, 1)).toEqual([])
    await expect(runCommand({ do: 'restore', file, emptyIndex: true }, deps(database))).rejects.toThrow(/set REDIS_URL/)
    await Promise.all([empty, begun, whole].map((store) => store.close()))
  })

  const keys = (answers: (string | undefined)[], removed: string[] = []): IndexKeys => ({
    any: async () => answers.shift(),
    removeAll: async () => removed.push('all'),
    close: () => undefined,
  })
  /** A clock whose waits are over at once. */
  const hasty = { ...systemClock, after: (_: number, call: () => void) => systemClock.after(0, call) }

  it('wants an empty index: refuses one with keys, empties it when told, and refuses one that somebody fills', async () => {
    const removed: string[] = []
    await requireEmptyIndex(keys([undefined, undefined]), { emptyIndex: false, timers: hasty, log })
    await expect(requireEmptyIndex(keys(['bw:x'], removed), { emptyIndex: false, timers: hasty, log })).rejects.toThrow(/--empty-index/)
    expect(removed).toEqual([])
    await requireEmptyIndex(keys(['bw:x', undefined], removed), { emptyIndex: true, timers: hasty, log })
    expect(removed).toEqual(['all'])
    await expect(requireEmptyIndex(keys(['bw:x', 'bw:y']), { emptyIndex: true, timers: hasty, log })).rejects.toThrow(/stop all hosts/)
  })
})

describe('what is kept of a character', () => {
  const held = (n: number) => ({ n, nonce: `join-${n}`, kind: 'held', data: { layer: 'game/a/0' } })
  const left = (n: number, tick: number) => ({ n, nonce: `game/a/0/${tick}/1`, kind: 'released', data: {} })
  const durable = (layer: string): number | undefined => (layer === 'game/a/0' ? 50 : undefined)

  it.each([
    ['nobody moved', held(4), held(4), 4, true],
    ['it was made meanwhile', undefined, left(1, 0), 1, true],
    ['it was made meanwhile and moved since', undefined, left(4, 9), 4, false],
    ['it joined: either way fits', left(3, 9), held(4), 4, true],
    ['it left, and the copy of the layer knows', held(4), left(5, 50), 5, true],
    ['it left behind the copy of the layer', held(4), left(5, 51), 4, true],
    ['it left a layer that was not there yet', held(4), { ...left(5, 1), nonce: 'game/new/0/1/0' }, 4, true],
    ['it was deleted', left(4, 1), { n: 5, nonce: 'd', kind: 'deleted', data: {} }, 5, true],
    ['it went through more than one place', held(4), left(7, 99), 7, false],
  ] as const)('%s', (_what, before, now, n, exact) => {
    expect(cutCharacter(before, now, durable)).toEqual({ entry: n === before?.n ? before : now, exact })
  })
})

describe('the command line', () => {
  it('says what it takes', () => {
    expect(readCommand(['create', 'a'])).toEqual({ do: 'create', file: 'a' })
    expect(readCommand(['create', 'a', '--keep', '7'])).toEqual({ do: 'create', file: 'a', keep: 7 })
    expect(readCommand(['restore', '--empty-index', 'a'])).toEqual({ do: 'restore', file: 'a', emptyIndex: true })
    for (const args of [
      [],
      ['create'],
      ['create', 'a', 'b'],
      ['verify', 'a', '--empty-index'],
      ['remove', 'a'],
      ['create', '--x', 'a'],
      ['create', 'a', '--keep', '0'],
      ['restore', 'a', '--keep', '1'],
    ])
      expect(() => readCommand(args), args.join(' ')).toThrow(/create FILE .*restore FILE/)
  })
})

describe('a folder of backups', () => {
  it('keeps the newest, and what is not ours', () => {
    const names = [3, 1, 2].map((day) => backupName(Date.UTC(2026, 0, day, 4, 30)))
    expect(names[1]).toBe('bailiwick-2026-01-01T043000Z.backup')
    expect(surplus([...names, 'a.backup', 'bailiwick-old.backup'], 2)).toEqual([names[1]])
    expect(surplus(names, 3)).toEqual([])
  })

  it('is rid of what was broken off long ago, and of nothing that may still be made', () => {
    const begun = Date.UTC(2026, 0, 1, 4, 30)
    const names = ['part', 'scratch'].map((what) => `${backupName(begun)}.${what}`)
    const others = [backupName(begun), `x${names[0]}`, 'a.part']
    expect(abandoned([...names, ...others], begun + BACKUP_ABANDONED_AFTER)).toEqual([])
    expect(abandoned([...names, ...others], begun + BACKUP_ABANDONED_AFTER + 1)).toEqual(names)
  })

  it('gets another one and loses the oldest', async () => {
    const backups = join(folder, 'many')
    mkdirSync(backups)
    for (let day = 1; day <= 3; day++) writeFileSync(join(backups, backupName(Date.UTC(2020, 0, day))), '')
    writeFileSync(join(backups, `${backupName(Date.UTC(2020, 0, 1))}.part`), '')
    const deps = { openStore: inMemory, redisUrl: undefined, timers: systemClock, log }
    await runCommand({ do: 'create', file: backups, keep: 2 }, deps)
    const left = readdirSync(backups).sort()
    expect(left).toHaveLength(2)
    expect(left[0]).toBe(backupName(Date.UTC(2020, 0, 3)))
    await runCommand({ do: 'verify', file: join(backups, left[1] ?? '') }, deps)
  })
})
