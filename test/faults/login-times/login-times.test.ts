import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner } from '../../../platform/tokens/index.ts'
import { deleteAccount, makeAccount, register } from '../../../services/auth/accounts.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { ban } from '../../../services/auth/bans.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { difference, pairsBeyond } from '../../bench/kit/paired.ts'
import { median } from '../../bench/kit/result.ts'
import { serveApp } from '../../unit/auth/serve-app.ts'
import { extent } from '../extent.ts'

/** Whoever is refused learns nothing from how long it took, whatever there is of that name: the real service with the real cost of a hash. */
const PAIRS = extent({ quick: 30, usual: 60, full: 400 })
/**
 * A refusal without a hash is a whole hash faster in every pair. Noise has no direction: that all but a few pairs differ by more than half a hash in the same one comes by chance less than once in
 * a billion runs (a fair coin that falls on one side in 54 of 60 throws), for the four kinds together. The limit of time is for a machine that is twenty times as slow: about 500 hashes, one after the other.
 */
const TOO_MANY = Math.ceil(PAIRS * 0.9)
const PASSWORD = 'a pass word of hers'
/** Each name is guessed at once more than a player would. */
const patience = { enter: () => ({ succeeded: () => undefined, unanswered: () => undefined }) }

test('a refusal takes as long for a wrong password as for any other reason', async () => {
  const store = await createSqliteStore({ file: ':memory:' })
  const index = createMemoryIndex({ clock: systemClock })
  const passwords = createPasswordHasher()
  const metrics = createMetrics('auth')
  const rate = { perSecond: 1e6, burst: 1e6, addresses: 10 }
  const signer = await createTokenSigner()
  const served = await serveApp(createAuthApp({ store, index, signer, log: silentLog, metrics, passwords, rate, throttle: patience }))
  onTestFinished(async () => {
    await served.close()
    await store.close()
  })
  const deps = { store, index, passwords, clock: systemClock }
  await register(deps, 'Ann', PASSWORD)
  const banned = await register(deps, 'Benno', PASSWORD)
  await ban(deps, banned.id, { until: null, reason: 'x', by: 'y', at: 0 })
  await makeAccount(deps, 'Elsewhere', async () => null)
  const gone = await register(deps, 'Departed', PASSWORD)
  await deleteAccount(deps, gone.id)
  const kinds = { unknown: 'Nobody', banned: 'Benno', 'without a password': 'Elsewhere', deleted: 'Departed' }

  const refused = async (name: string): Promise<number> => {
    const began = performance.now()
    const { status } = await served.ask('POST', '/v1/sessions', { name, password: 'not the pass word' })
    expect(status).toBe(401)
    return performance.now() - began
  }
  for (let k = 0; k < 5; k++) for (const name of ['Ann', ...Object.values(kinds)]) await refused(name)
  const took = new Map<string, { readonly wrong: number[]; readonly other: number[] }>()
  for (const kind of Object.keys(kinds)) took.set(kind, { wrong: [], other: [] })
  for (let k = 0; k < PAIRS; k++) {
    for (const [kind, name] of Object.entries(kinds)) {
      // By turns first: whoever comes first is not always the same.
      const names = k % 2 === 0 ? ['Ann', name] : [name, 'Ann']
      for (const each of names) took.get(kind)?.[each === 'Ann' ? 'wrong' : 'other'].push(await refused(each))
    }
  }
  const hash = median([...took.values()].flatMap(({ wrong }) => wrong))
  for (const [kind, { wrong, other }] of took) {
    const { median: middle, low, high, p, auc } = difference(wrong, other)
    console.info(
      `${kind}: ${middle.toFixed(2)} ms (95%: ${low.toFixed(2)} to ${high.toFixed(2)}) longer than a wrong password, of ${hash.toFixed(1)} ms; Mann-Whitney p ${p.toFixed(3)}, AUC ${auc.toFixed(3)}, ${PAIRS} pairs`,
    )
    expect(pairsBeyond(wrong, other, hash / 2), kind).toBeLessThan(TOO_MANY)
  }
}, 1_800_000)
