import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { makeAccount } from '../../../services/auth/accounts.ts'
import type { AuthDeps } from '../../../services/auth/app.ts'
import { ban } from '../../../services/auth/bans.ts'
import { createThrottle } from '../../../services/auth/throttle.ts'
import type { Answer } from './serve-app.ts'
import { cheap } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

/** Names of every sort, and one that nobody has. */
const NAMES = {
  unknown: 'Nobody',
  wrong: 'Ann',
  banned: 'Benno',
  elsewhere: 'Yonder',
  deleted: 'Departed',
  reserved: 'root',
  empty: '',
} as const

/** A service that writes down what it does: which chains it reads (without their names), and each look at a password. */
async function watched(deps: Partial<AuthDeps> = {}) {
  const work: string[] = []
  const real = await createSqliteStore({ file: ':memory:' })
  const store: Store = {
    ...real,
    head(chain) {
      work.push(`head ${chain.split('/')[0]}`)
      return real.head(chain)
    },
    append(chain, ...args) {
      work.push(`append ${chain.split('/')[0]}`)
      return real.append(chain, ...args)
    },
  }
  const passwords: typeof cheap = {
    ...cheap,
    verify(password, stored) {
      work.push('verify')
      return cheap.verify(password, stored)
    },
    hash(password) {
      work.push('hash')
      return cheap.hash(password)
    },
  }
  const world = await stage({ store, passwords, ...deps })
  for (const name of ['Ann', 'Benno', 'Departed']) await world.register(name)
  const { account } = await world.loggedIn('Benno')
  await ban({ store, index: world.index, clock: world.clock }, account.id, { until: null, reason: 'x', by: 'y', at: 0 })
  await makeAccount({ store, clock: world.clock }, 'Yonder', async () => null)
  const gone = await world.loggedIn('Departed')
  expect((await world.ask('POST', '/v1/accounts/current/deletion', { password: PASSWORD }, gone.accessToken)).status).toBe(204)
  const watch = async (ask: () => Promise<Answer>) => {
    work.length = 0
    const { status, headers, body } = await ask()
    const { requestId: _, instance: __, ...said } = body
    const told = [...headers.keys()].filter((name) => !['date', 'x-request-id'].includes(name)).sort()
    return { work: work.join(', '), status, said, told, retry: headers.get('retry-after') }
  }
  return { ...world, watch }
}

describe('whether there is an account, and of what sort, is not to be found out', () => {
  test('by a login: the same answer, headers, reads and hashes for every sort of name', async () => {
    const { watch, login } = await watched()
    const answers = new Map<string, unknown>()
    for (const [sort, name] of Object.entries(NAMES)) answers.set(sort, await watch(() => login(name, 'not the pass word')))
    for (const answer of answers.values()) expect(answer).toEqual(answers.get('unknown'))
    expect(answers.get('unknown')).toMatchObject({
      status: 401,
      work: 'head account-name, head account, verify',
      said: { code: 'WrongCredentials' },
    })
  })

  test('by being made to wait: as soon, as long, and without a look at the store, for every sort of name', async () => {
    const { watch, login, clock } = await watched({ throttle: createThrottle(new ManualClock(1_800_000_000_000)) })
    const answers: unknown[] = []
    for (const name of Object.values(NAMES)) {
      for (let k = 0; k < 10; k++) expect(problem(await login(name, 'not the pass word')).code).toBe('WrongCredentials')
      answers.push(await watch(() => login(name, 'not the pass word')))
    }
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ status: 429, work: '', said: { code: 'TooManyRequests' } })
    expect(clock.now()).toBeGreaterThan(0)
  })

  test('by logging in with the right password of a banned account alone is a ban told of', async () => {
    const { login } = await watched()
    expect(problem(await login('Benno', 'not the pass word')).code).toBe('WrongCredentials')
    expect(problem(await login('Benno')).code).toBe('Banned')
  })

  test('by the admin API, for whoever is no moderator: nothing is looked up', async () => {
    const { watch, ask, loggedIn } = await watched()
    const { accessToken, account } = await loggedIn('Ann')
    const find = async (path: string) => watch(() => ask('GET', path, undefined, accessToken))
    const known = await find('/v1/admin/accounts?name=Benno')
    expect(known).toMatchObject({ status: 403, said: { code: 'Forbidden' } })
    expect(await find('/v1/admin/accounts?name=Nobody')).toEqual(known)
    expect(await find('/v1/admin/accounts?name=Yonder')).toEqual(known)
    expect(await find(`/v1/admin/accounts/${account.id}`)).toEqual(known)
    expect(await find('/v1/admin/accounts/AAAAAAAAAAAAAAAAAAAAAA')).toEqual(known)
    for (const [method, path, body] of [
      ['PUT', 'ban', { reason: 'x' }],
      ['DELETE', 'ban', undefined],
      ['PUT', 'role', { role: 'player' }],
    ] as const) {
      const of = (id: string) => watch(() => ask(method, `/v1/admin/accounts/${id}/${path}`, body, accessToken))
      expect(await of('AAAAAAAAAAAAAAAAAAAAAA')).toEqual(await of(account.id))
    }
  })

  test('by ending a session: one of another account and one that never was are the same', async () => {
    const { watch, ask, loggedIn, register } = await watched()
    await register('Bob')
    const [ann, bob] = [await loggedIn('Ann'), await loggedIn('Bob')]
    const end = (id: string) => watch(() => ask('DELETE', `/v1/sessions/${id}`, undefined, ann.accessToken))
    const never = await end('AAAAAAAAAAAAAAAAAAAAAA')
    const theirs = await end(bob.refreshToken.split('.')[0] ?? '')
    const detail = expect.stringContaining('list the sessions')
    expect({ ...never, said: { ...never.said, detail } }).toEqual({ ...theirs, said: { ...theirs.said, detail } })
    expect(never).toMatchObject({ status: 404, said: { code: 'SessionUnknown' } })
  })
})
