import { expect, test } from 'vitest'
import { FRESH_LOGIN } from '../../../../core/timing.ts'
import { getAccount } from '../../../../services/auth/accounts.ts'
import { identityKey } from '../../../../services/auth/identities.ts'
import { sealProof } from '../../../../services/auth/issuer-login.ts'
import { linkIdentity, unlinkIdentity } from '../../../../services/auth/links-of-account.ts'
import { openSession } from '../../../../services/auth/sessions.ts'
import { randomId } from '../../../../services/auth/stored.ts'
import { mortal } from '../mortal.ts'
import { session } from '../serve-app.ts'
import { PASSWORD, problem, stage } from '../stage.ts'

const studio = (subject: string) => ({ issuer: 'https://accounts.example', subject })
const keyOf = (subject: string) => identityKey(studio(subject))

async function world() {
  const made = await stage()
  const { signer, ask, clock, store } = made
  /** Logs in with what the issuer says of this player; a name makes an account. */
  const enter = async (subject: string, name?: string) => {
    const proof = await sealProof(signer.sealer, {
      ...{ session: randomId(), issuer: 'studio', identity: studio(subject), suggestedName: null },
      loggedInAt: clock.now(),
    })
    return session.parse((await ask('POST', '/v1/oidc/sessions', { proof, ...(name && { name }) })).body)
  }
  const remove = (subject: string, accessToken: string, body: object = { password: PASSWORD }) =>
    ask('POST', `/v1/accounts/current/identities/${keyOf(subject)}/removal`, body, accessToken)
  /** Whether its owner is asked to log in again. */
  const lives = async ({ accessToken }: { readonly accessToken: string }) =>
    (await ask('GET', '/v1/accounts/current', undefined, accessToken)).status === 200
  return {
    ...made,
    enter,
    remove,
    lives,
    link: (account: string, subject: string) => linkIdentity({ store, clock }, account, studio(subject)),
  }
}

test('the sessions that a removed login opened end, and those alone: not that of whoever removes it', async () => {
  const { player, loggedIn, link, enter, remove, lives, refresh, ask } = await world()
  const ann = await player('Ann')
  const desk = await loggedIn('Ann')
  await link(ann.account.id, '1')
  await link(ann.account.id, '2')
  const [stolen, other] = [await enter('1'), await enter('2')]
  const renewed = session.parse((await refresh(stolen.refreshToken)).body)
  expect((await remove('1', ann.accessToken)).status).toBe(204)
  expect(await Promise.all([ann, desk, other, stolen, renewed].map(lives))).toEqual([true, true, true, false, false])
  expect(problem(await refresh(renewed.refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
  const listed = (await ask('GET', '/v1/sessions', undefined, ann.accessToken)).body['sessions']
  expect(listed).toHaveLength(3)
  expect((await refresh(other.refreshToken)).status).toBe(200)
})

test('a login that is linked again opens none of the sessions that it opened before', async () => {
  const { player, link, enter, remove, lives, clock } = await world()
  const ann = await player('Ann')
  await link(ann.account.id, '1')
  const before = await enter('1')
  expect((await remove('1', ann.accessToken)).status).toBe(204)
  clock.advance(1)
  await link(ann.account.id, '1')
  expect(await Promise.all([before, await enter('1')].map(lives))).toEqual([false, true])
})

test('who removes the login that opened their own session stays, and what they renew goes on', async () => {
  const { link, enter, remove, lives, refresh, clock } = await world()
  const ann = await enter('1', 'Ann')
  await link(ann.account.id, '2')
  const elsewhere = await enter('1')
  expect((await remove('1', ann.accessToken, {})).status).toBe(204)
  expect(await Promise.all([ann, elsewhere].map(lives))).toEqual([true, false])
  clock.advance(FRESH_LOGIN / 2)
  const renewed = session.parse((await refresh(ann.refreshToken)).body)
  expect(await lives(renewed)).toBe(true)
  expect(problem(await remove('2', renewed.accessToken, {}))).toEqual({ status: 409, code: 'LastLogin' })
})

test('a removal that is refused leaves each session to its login', async () => {
  const { link, enter, remove, lives } = await world()
  const ann = await enter('1', 'Ann')
  expect(problem(await remove('1', ann.accessToken, {})).code).toBe('LastLogin')
  await link(ann.account.id, '2')
  const second = await enter('2')
  expect((await remove('1', second.accessToken, {})).status).toBe(204)
  expect(await Promise.all([ann, second].map(lives))).toEqual([false, true])
})

test('whatever dies on the way: whoever removes it stays, and the others go with the login, no sooner and no later', async () => {
  for (let write = 1, died = true; died; write++) {
    const { link, enter, lives, store, clock } = await world()
    const ann = await enter('1', 'Ann')
    await link(ann.account.id, '2')
    const other = await enter('1')
    const staying = ann.refreshToken.split('.')[0]
    died = await unlinkIdentity({ store: mortal(store, write), clock }, ann.account.id, keyOf('1'), { staying }).then(
      () => false,
      () => true,
    )
    const has = (await getAccount(store, ann.account.id)).identities?.some((each) => identityKey(each) === keyOf('1'))
    expect([write, await lives(ann), await lives(other)]).toEqual([write, true, has])
    if (!died) expect(has).toBe(false)
    expect(write).toBeLessThan(10)
  }
})

test('a session that is being opened while its login is removed is good for nothing', async () => {
  const { player, link, store, clock, refresh } = await world()
  const { account } = await player('Ann')
  await link(account.id, '1')
  const before = await getAccount(store, account.id)
  await unlinkIdentity({ store, clock }, account.id, keyOf('1'))
  const given = { id: randomId(), repeated: 'Ends', login: keyOf('1') } as const
  const open = await openSession({ store, clock }, before, '', given)
  expect(problem(await refresh(open.refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
  const late = openSession({ store, clock }, await getAccount(store, account.id), '', { ...given, id: randomId() })
  await expect(late).rejects.toMatchObject({ code: 'WrongCredentials' })
})
