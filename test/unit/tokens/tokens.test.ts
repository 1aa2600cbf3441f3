import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { ACCESS_TOKEN_TTL, JWKS_CACHE, JWKS_COOLDOWN } from '../../../core/timing.ts'
import type { Caller, PublicKeys } from '../../../platform/tokens/index.ts'
import { bearer, createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'

const ann: Caller = { account: 'a1', name: 'Ann', session: 's1', roles: ['player'] }
const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')

describe('with given keys', async () => {
  const clock = new ManualClock()
  const { privateKey } = generateKeyPairSync('ed25519')
  const signer = await createTokenSigner({ pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), clock })
  const verifier = createTokenVerifier({ keys: signer.publicJwks() }, { clock })
  const now = Math.floor(clock.now() / 1_000)
  const kid = signer.publicJwks().keys[0]?.kid ?? ''
  const claims = { iss: 'bailiwick', aud: 'bailiwick', sub: 'a1', name: 'Ann', sid: 's1', roles: ['player'], iat: now, exp: now + 60 }
  const signed = (payload: object, header: object = {}) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid, ...header }).sign(privateKey)

  test('what was signed is read back, with or without the scheme in lower case', async () => {
    const { accessToken, expiresInMs } = await signer.sign(ann)
    expect(expiresInMs).toBe(ACCESS_TOKEN_TTL)
    expect(await verifier.verify(accessToken)).toEqual(ann)
    expect(await bearer(verifier)(`bearer ${accessToken}`)).toEqual(ann)
    // So what is refused below is so for what it says.
    expect(await verifier.verify(signedByHand({ alg: 'EdDSA', typ: 'JWT', kid }))).toEqual(ann)
    expect(await verifier.verify(await signed(claims))).toEqual(ann)
  })

  test('the public keys hold nothing private', () => {
    expect(JSON.stringify(signer.publicJwks())).not.toContain('"d"')
    expect(signer.publicJwks().keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
  })

  const stranger = generateKeyPairSync('ed25519')
  const forger = (header: object) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid, ...header }).sign(stranger.privateKey)
  const signedByHand = (header: object) => {
    const text = `${encode(header)}.${encode(claims)}`
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
  }
  const hmacBody = `${encode({ alg: 'HS256', typ: 'JWT', kid })}.${encode(claims)}`
  const publicX = String(signer.publicJwks().keys[0]?.['x'])
  test.each<[string, () => string | Promise<string>]>([
    ['empty', () => ''],
    ['no token at all', () => 'x.y.z'],
    ['alg none', () => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`],
    [
      'HS256 with the public key as secret',
      () => `${hmacBody}.${createHmac('sha256', Buffer.from(publicX, 'base64url')).update(hmacBody).digest('base64url')}`,
    ],
    ['HS256 with the text of the public key', () => `${hmacBody}.${createHmac('sha256', publicX).update(hmacBody).digest('base64url')}`],
    ['alg none, in another writing', () => `${encode({ alg: 'nOnE', typ: 'JWT', kid })}.${encode(claims)}.`],
    ['with the key in its own header', () => forger({ jwk: stranger.publicKey.export({ format: 'jwk' }) })],
    ['with the address of its key in its header', () => forger({ jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/keys' })],
    ['of a key named as ours', () => forger({})],
    ['with a header that must be understood and is not', () => signedByHand({ alg: 'EdDSA', typ: 'JWT', kid, crit: ['x'], x: 1 })],
    ['from the future', () => signed({ ...claims, iat: now + 3_600, exp: now + 4_000 })],
    ['a text that we sealed', () => signer.sealer.seal('login', { ...claims }, 60_000)],
    ['expired', () => signed({ ...claims, exp: now - 10 })],
    ['older than a token may be', () => signed({ ...claims, iat: now - 3_600, exp: now + 3_600 })],
    ['without exp', () => signed({ ...claims, exp: undefined })],
    ['not valid yet', () => signed({ ...claims, nbf: now + 100 })],
    ['wrong audience', () => signed({ ...claims, aud: 'others' })],
    ['wrong issuer', () => signed({ ...claims, iss: 'others' })],
    ['wrong type', () => signed(claims, { typ: 'id+jwt' })],
    ['unknown key', () => signed(claims, { kid: 'other' })],
    ['without session', () => signed({ ...claims, sid: undefined })],
    ['unknown role', () => signed({ ...claims, roles: ['god'] })],
    ['too long', () => signed({ ...claims, x: 'x'.repeat(5_000) })],
    ["another's signature", async () => (await (await createTokenSigner({ clock })).sign(ann)).accessToken],
    ['changed payload', async () => (await signed(claims)).replace(/\.[^.]+\./, `.${encode({ ...claims, sub: 'a2' })}.`)],
  ])('refused: %s', async (_, make) => {
    await expect(verifier.verify(await make())).rejects.toMatchObject({ code: 'Unauthenticated' })
  })

  test.each([undefined, '', 'Bearer', 'Basic abc', 'Bearer a b'])('header %j is refused', async (header) => {
    await expect(bearer(verifier)(header)).rejects.toMatchObject({ code: 'Unauthenticated' })
  })
})

test.each([
  ['text', 'no key'],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
])('a signing key that is %s is refused without quoting it', async (_, pem) => {
  await expect(createTokenSigner({ pem })).rejects.toMatchObject({ code: 'ConfigInvalid', message: expect.not.stringContaining(pem) })
})

describe('with a JWKS address', () => {
  let server: Server | undefined
  afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))))

  const listen = async (answer: () => { status: number; keys: PublicKeys }) => {
    const made = createServer((_, response) => {
      const { status, keys } = answer()
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(keys))
    })
    server = made
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
    const address = made.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/.well-known/jwks.json`
  }

  test('fetched once, again for a new key after the cooldown, and kept while auth is away', async () => {
    const clock = new ManualClock(Date.now())
    const [first, second] = [await createTokenSigner({ clock }), await createTokenSigner({ clock })]
    const state = { status: 200, keys: first.publicJwks(), calls: 0 }
    const jwksUrl = await listen(() => {
      state.calls += 1
      return state
    })
    const verifier = createTokenVerifier({ jwksUrl }, { clock })
    const check = async (signer: typeof first) => verifier.verify((await signer.sign(ann)).accessToken)
    await Promise.all([check(first), check(first), check(first)])
    expect(state.calls).toBe(1)
    state.keys = second.publicJwks()
    await expect(check(second)).rejects.toMatchObject({ code: 'Unauthenticated' })
    expect(state.calls).toBe(1)
    clock.advance(JWKS_COOLDOWN)
    expect(await check(second)).toEqual(ann)
    expect(state.calls).toBe(2)
    state.status = 500
    clock.advance(JWKS_CACHE + 1)
    expect(await check(second)).toEqual(ann)
    await expect.poll(() => state.calls).toBe(3)
    expect(await check(second)).toEqual(ann)
    expect(state.calls).toBe(3)
  })

  test('without any keys the answer is Busy, and the address is not hammered', async () => {
    const clock = new ManualClock(Date.now())
    const signer = await createTokenSigner({ clock })
    const state = { status: 500, keys: signer.publicJwks(), calls: 0 }
    const jwksUrl = await listen(() => {
      state.calls += 1
      return state
    })
    const verifier = createTokenVerifier({ jwksUrl }, { clock })
    const { accessToken } = await signer.sign(ann)
    for (let i = 0; i < 5; i++) await expect(verifier.verify(accessToken)).rejects.toMatchObject({ code: 'Busy' })
    expect(state.calls).toBe(1)
    state.status = 200
    clock.advance(JWKS_COOLDOWN)
    expect(await verifier.verify(accessToken)).toEqual(ann)
  })
})
