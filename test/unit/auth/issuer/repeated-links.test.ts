import { describe, expect, test } from 'vitest'
import { ISSUER_PROOF_TTL } from '../../../../core/timing.ts'
import { keyedId } from '../../../../platform/http/index.ts'
import { getAccount } from '../../../../services/auth/accounts.ts'
import { identityHolder, identityKey } from '../../../../services/auth/identities.ts'
import { sealProof } from '../../../../services/auth/issuer-login.ts'
import { linkIdentity, MAX_ALSO_BY, MAX_SPENT } from '../../../../services/auth/links-of-account.ts'
import { PASSWORD, problem, stage } from '../stage.ts'

const studio = (subject: string) => ({ issuer: 'https://accounts.example', subject })
const path = '/v1/accounts/current/identities'
const keyed = { 'idempotency-key': 'a-key-of-1' }
const other = { 'idempotency-key': 'a-key-of-2' }

async function ann() {
  const made = await stage()
  const { account, accessToken } = await made.player('Ann')
  const proof = (subject: string) =>
    sealProof(made.signer.sealer, { session: `session-of-${subject}`, issuer: 'studio', identity: studio(subject), suggestedName: null })
  const post = (to: string, body: object, headers: Readonly<Record<string, string>>) => made.ask('POST', to, body, accessToken, headers)
  return {
    ...made,
    account,
    proof,
    link: (body: object, headers: Readonly<Record<string, string>> = {}) => post(path, { password: PASSWORD, ...body }, headers),
    unlink: (subject: string, headers: Readonly<Record<string, string>> = {}, password = PASSWORD) =>
      post(`${path}/${identityKey(studio(subject))}/removal`, { password }, headers),
    holder: (subject: string) => identityHolder(made.store, identityKey(studio(subject))),
  }
}

const wasRepeated = (answer: { readonly headers: Headers }): boolean => answer.headers.get('idempotency-replayed') === 'true'

describe('a link', () => {
  test('that is repeated with its key is answered the same, also when the proof is used up; the password is asked each time', async () => {
    const { proof, link, clock, loggedIn, ask } = await ann()
    const old = await proof('1')
    const first = await link({ proof: old }, keyed)
    const again = await link({ proof: await proof('1') }, keyed)
    expect([first.status, again.status, wasRepeated(first), wasRepeated(again)]).toEqual([201, 201, false, true])
    expect(again.body).toEqual(first.body)
    expect(problem(await link({ proof: await proof('1'), password: 'a wrong pass word' }, keyed))).toEqual({
      status: 401,
      code: 'WrongCredentials',
    })
    clock.advance(ISSUER_PROOF_TTL + 1_000)
    const { accessToken } = await loggedIn('Ann')
    const late = (more: object) => ask('POST', path, { password: PASSWORD, ...more }, accessToken, keyed)
    expect([await late({ proof: old }), await late({ proof: 'nothing' })].map((answer) => [answer.status, wasRepeated(answer)])).toEqual([
      [201, true],
      [201, true],
    ])
    expect(problem(await ask('POST', path, { password: PASSWORD, proof: old }, accessToken)).code).toBe('LoginExpired')
  })

  test('with the key of a link of another login is refused, and links nothing', async () => {
    const { proof, link, holder, account } = await ann()
    await link({ proof: await proof('1') }, keyed)
    expect(problem(await link({ proof: await proof('2') }, keyed))).toEqual({ status: 422, code: 'IdempotencyKeyReused' })
    expect([await holder('1'), await holder('2')]).toEqual([account.id, undefined])
    expect((await link({ proof: await proof('2') }, other)).status).toBe(201)
  })

  test('that comes once more after the login was removed does not bring it back', async () => {
    const { proof, link, unlink, holder, account } = await ann()
    await link({ proof: await proof('1') }, keyed)
    await unlink('1')
    expect(problem(await link({ proof: await proof('1') }, keyed))).toEqual({ status: 422, code: 'IdempotencyKeyReused' })
    expect(await holder('1')).toBeUndefined()
    await link({ proof: await proof('1') }, other)
    expect(await holder('1')).toBe(account.id)
  })

  test('to a login that is linked already is answered the same when it is repeated, also when the proof is used up', async () => {
    const { proof, link, clock, loggedIn, ask } = await ann()
    await link({ proof: await proof('1') }, keyed)
    const first = await link({ proof: await proof('1') }, other)
    clock.advance(ISSUER_PROOF_TTL + 1_000)
    const { accessToken } = await loggedIn('Ann')
    for (const headers of [keyed, other]) {
      const again = await ask('POST', path, { password: PASSWORD, proof: 'nothing' }, accessToken, headers)
      expect([first.status, wasRepeated(first), again.status, wasRepeated(again), again.body]).toEqual([201, false, 201, true, first.body])
    }
  })

  test('to a login that was linked already does not bring it back when it was removed', async () => {
    const { proof, link, unlink, holder } = await ann()
    const all = Array.from({ length: MAX_ALSO_BY + 1 }, (_, k) => ({ 'idempotency-key': `link-${k}` }))
    for (const headers of all) await link({ proof: await proof('1') }, headers)
    await unlink('1')
    for (const headers of all) {
      expect(problem(await link({ proof: await proof('1') }, headers))).toEqual({ status: 422, code: 'IdempotencyKeyReused' })
    }
    expect(await holder('1')).toBeUndefined()
  })

  test('is remembered with the first key, and the newest ones of those that found it linked', async () => {
    const { proof, link, store, account } = await ann()
    for (let k = 0; k < MAX_ALSO_BY + 3; k++) await link({ proof: await proof('1') }, { 'idempotency-key': `link-${k}` })
    const { identities = [] } = await getAccount(store, account.id)
    const id = (k: number) => keyedId(`link-${k}`, 'link', account.id)
    expect(identities).toMatchObject([{ by: id(0), alsoBy: Array.from({ length: MAX_ALSO_BY }, (_, k) => id(k + 3)) }])
  })

  test('of which many come at once is made once', async () => {
    const { proof, link, store, clock, account } = await ann()
    const given = await proof('1')
    const answers = await Promise.all(Array.from({ length: 6 }, () => link({ proof: given }, keyed)))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
    expect((await linkIdentity({ store, clock }, account.id, studio('1'))).identities).toHaveLength(1)
  })
})

describe('a removal', () => {
  test('that is repeated with its key is done once; with another, or none, there is no such login', async () => {
    const { proof, link, unlink, holder } = await ann()
    await link({ proof: await proof('1') })
    const [first, again] = [await unlink('1', keyed), await unlink('1', keyed)]
    expect([first.status, again.status, wasRepeated(first), wasRepeated(again)]).toEqual([204, 204, false, true])
    for (const headers of [other, {}]) expect(problem(await unlink('1', headers))).toEqual({ status: 404, code: 'IdentityUnknown' })
    expect(problem(await unlink('1', keyed, 'a wrong pass word'))).toEqual({ status: 401, code: 'WrongCredentials' })
    expect(await holder('1')).toBeUndefined()
  })

  test('that comes once more when the login was linked again leaves it', async () => {
    const { proof, link, unlink, holder, account } = await ann()
    await link({ proof: await proof('1') })
    await unlink('1', keyed)
    await link({ proof: await proof('1') })
    expect((await unlink('1', keyed)).status).toBe(204)
    expect(await holder('1')).toBe(account.id)
    expect((await unlink('1', other)).status).toBe(204)
    expect(await holder('1')).toBeUndefined()
  })

  test('is remembered for the newest ones alone', async () => {
    const { proof, link, unlink, store, clock, account } = await ann()
    for (let k = 0; k < MAX_SPENT / 2 + 2; k++) {
      await link({ proof: await proof('1') }, { 'idempotency-key': `link-${k}` })
      await unlink('1', { 'idempotency-key': `unlink-${k}` })
    }
    const { spent } = await linkIdentity({ store, clock }, account.id, studio('2'))
    expect(spent).toHaveLength(MAX_SPENT)
    expect((await unlink('1', { 'idempotency-key': `unlink-${MAX_SPENT / 2 + 1}` })).status).toBe(204)
  })
})
