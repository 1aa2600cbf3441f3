import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { type HttpApp, serve } from '../../../platform/http/index.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import { register } from '../../../services/auth/accounts.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { makeOwner } from '../../../services/auth/staff.ts'
import { createCharactersApp } from '../../../services/characters/app.ts'
import { IndexHost } from '../../unit/client/doubles/index-host.ts'
import { smallZone } from '../../zone-settings.ts'

export interface Apps {
  /** By name: where it listens. */
  readonly urls: Readonly<Record<'allocator' | 'allocator-internal' | 'auth' | 'characters', string>>
  /** An access token of an admin, signed now. */
  token(): Promise<string>
  /** Who may do everything on auth. */
  readonly owner: { readonly name: string; readonly password: string }
  close(): Promise<void>
}

const log = silentLog
/** The tool asks more than any player, and has as many wrong passwords. */
const patience = { enter: () => ({ succeeded: () => undefined, unanswered: () => undefined }) }
/** The real algorithm at a cost that lets it be asked hundreds of times. */
const cheap = createPasswordHasher({ memoryKib: 64, passes: 1, waiting: 1_000 })
const unlimited = { perSecond: 1e6, burst: 1e6, addresses: 100 }
/** Nor has a player as many characters, or names. */
const manyNames = { limit: 100, namesPerDay: 1e6 }
/** Where no host dies, none shall be taken for dead because the machine is busy. */
const patient = { hostDeadAfter: 600_000, claimDeadline: 600_000, claimLimit: 600_000 }

/** The real services on ports of their own, with zones that are served, asleep and closed. */
export async function startApps(): Promise<Apps> {
  const index = createMemoryIndex({ clock: systemClock, timing: patient })
  const store = await createSqliteStore({ file: ':memory:' })
  for (const name of ['meadow', 'forest'] as const) await index.putZone(smallZone({ zone: `game/${name}`, uid: name }))
  await index.putZone(smallZone({ zone: 'game/closed', uid: 'closed', suspended: true }))
  await index.setLocation('ada', 1, { state: 'InZone', zone: 'game/meadow', layer: 'game/meadow/0', account: 'account-1' })
  const host = new IndexHost(index, { name: 'h', endpoints: ['127.0.0.1:7000'] })
  await host.start()
  const signer = await createTokenSigner()
  const verifier = createTokenVerifier({ keys: signer.publicJwks() })
  const limits = { rate: unlimited, accountRate: unlimited }
  const allocator = createAllocatorApp({
    index,
    verifier,
    clock: systemClock,
    log,
    metrics: createMetrics('allocator'),
    joinWaitMs: 200,
    zoneWaitMs: 50,
    // Nobody listens where its host says.
    knock: async () => 'nothing',
    ...limits,
  })
  const apps = {
    allocator: allocator.app,
    'allocator-internal': allocator.internal,
    auth: createAuthApp({
      store,
      index,
      signer,
      log,
      metrics: createMetrics('auth'),
      rate: unlimited,
      passwords: cheap,
      throttle: patience,
    }),
    characters: createCharactersApp({
      ...{ store, index, verifier, log, rate: unlimited },
      metrics: createMetrics('characters'),
      ...manyNames,
    }),
  } satisfies Record<string, HttpApp>
  const owner = { name: 'Owner_of_all', password: 'a pass word of the owner' }
  const { id } = await register({ store, passwords: cheap, clock: systemClock }, owner.name, owner.password)
  await makeOwner(store, id, systemClock.now())
  const following = await allocator.follow()
  const serving = await Promise.all(Object.values(apps).map((app) => serve(app, { port: 0, host: '127.0.0.1', log, drainMs: 0 })))
  const urls = Object.fromEntries(Object.keys(apps).map((name, at) => [name, `http://127.0.0.1:${serving[at]?.port}`])) as Apps['urls']
  return {
    urls,
    owner,
    async token() {
      const { accessToken } = await signer.sign({ account: 'account-1', name: 'Ada', session: 's', roles: ['player', 'admin'] })
      return accessToken
    },
    async close() {
      await Promise.all(serving.map((one) => one.close()))
      following.stop()
      await host.die()
      await index.close()
      await store.close()
    },
  }
}
