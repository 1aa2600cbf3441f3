import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner } from '../../../platform/tokens/index.ts'
import { eraseEverything } from '../../../services/account/erase.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { makeOwner } from '../../../services/auth/staff.ts'
import { makeCharacter } from '../../../services/characters/life.ts'
import { cheap, serveApp, session } from '../../unit/auth/serve-app.ts'
import { dyingAt } from '../../unit/characters/stage.ts'
import type { Operation, Scene, Somebody } from './operations.ts'
import { expectErasedOrThere, operations, PASSWORD, proving } from './operations.ts'
import { comeToRest, expectWhole } from './whole.ts'

/** A world of its own: auth over SQLite in memory, an owner, and Ann, who has a character. */
async function world() {
  const clock = new ManualClock(1_800_000_000_000)
  const store = await createSqliteStore({ file: ':memory:' })
  const signer = await createTokenSigner({ clock })
  const index = createMemoryIndex({ clock })
  const serve = (at: Store) =>
    serveApp(createAuthApp({ store: at, index, signer, clock, log: silentLog, metrics: createMetrics('auth'), passwords: cheap }))
  const served = await serve(store)
  const join = async (name: string): Promise<Somebody> => {
    await served.ask('POST', '/v1/accounts', { name, password: PASSWORD })
    const { account, ...tokens } = session.parse((await served.ask('POST', '/v1/sessions', { name, password: PASSWORD })).body)
    return { ...account, ...tokens }
  }
  const [owner, ann] = [await join('Olga'), await join('Annabel')]
  await makeOwner(store, owner.id, clock.now())
  await makeCharacter({ store, clock, limit: 8, deleteGraceMs: 0, namesPerDay: 9 }, ann.id, 'Annabelschar', 'c1')
  const scene: Scene = { store, clock, ask: served.ask, prove: proving(signer), owner, ann }
  const close = async () => {
    await served.close()
    await store.close()
  }
  return { clock, store, serve, scene, close }
}

interface Deed extends Pick<Operation, 'before' | 'after'> {
  /** True: it was answered. */
  readonly act: (scene: Scene, store: ArchivedStore) => Promise<boolean>
}

/** Does it over a store that dies before this write; true when it did, before the answer. */
async function dieAt(write: number, { before, act, after }: Deed, at: string) {
  const { clock, store, serve, scene, close } = await world()
  await before?.(scene)
  const dying = { ...store, ...dyingAt(store, write) }
  const dead = await serve(dying)
  const told = await act({ ...scene, ask: dead.ask }, dying)
  await dead.close()
  const rested = await comeToRest(store, clock.now(), at)
  await expectWhole(store, rested, at)
  await after(scene, told, at)
  await close()
  return dying.dead()
}

describe.each(operations)('a death of auth before any write of $what', ({ what, act, ...operation }) => {
  test('leaves it not begun or done, and the store whole', async () => {
    for (let write = 1, died = true; died; write++) {
      const at = `${what}, write ${write}`
      died = await dieAt(write, { ...operation, act: async (scene) => (await act(scene)).status < 300 }, at)
      expect(write, at).toBeLessThan(40)
    }
  }, 60_000)
})

test('a death of the command before any write of an erasure leaves it not begun, or done by the services', async () => {
  for (let write = 1, died = true; died; write++) {
    const at = `an erasure, write ${write}`
    const erase = (scene: Scene, store: ArchivedStore) =>
      eraseEverything({ store, clock: scene.clock }, scene.ann.id).then(
        () => true,
        () => false,
      )
    died = await dieAt(write, { act: erase, after: expectErasedOrThere }, at)
    expect(write, at).toBeLessThan(60)
  }
}, 60_000)
