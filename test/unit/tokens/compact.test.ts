import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { ACCESS_TOKEN_TTL, TOKEN_CLOCK_TOLERANCE } from '../../../core/timing.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'

const clock = new ManualClock()
const now = Math.floor(clock.now() / 1_000)
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const signer = await createTokenSigner({ pem, clock })
const kid = signer.publicJwks().keys[0]?.kid ?? ''
const library = createLocalJWKSet(signer.publicJwks())
const verifier = createTokenVerifier({ keys: signer.publicJwks() }, { clock })
const key = createPrivateKey(pem)

/** What the JWT library says of it, asked for the same. */
async function isGoodToLibrary(token: string): Promise<boolean> {
  const asked = {
    ...{ algorithms: ['EdDSA'], typ: 'JWT', issuer: 'bailiwick', audience: 'bailiwick', requiredClaims: ['exp', 'iat'] },
    ...{ maxTokenAge: ACCESS_TOKEN_TTL / 1_000, clockTolerance: TOKEN_CLOCK_TOLERANCE / 1_000, currentDate: new Date(clock.now()) },
  }
  return jwtVerify(token, library, asked).then(
    () => true,
    () => false,
  )
}

function isGoodToUs(token: string): Promise<boolean> {
  return verifier.verify(token).then(
    () => true,
    () => false,
  )
}

const encoded = (part: unknown): string => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
const signed = (text: string): string => `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`

const times = [-ACCESS_TOKEN_TTL / 1_000 - 60, -TOKEN_CLOCK_TOLERANCE / 1_000, -1, 0, 1, TOKEN_CLOCK_TOLERANCE / 1_000, 3_600]
const time = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...times), fc.integer({ min: -1, max: 1 })).map(([at, by]) => now + at + by) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, 'x', String(now), Number.MAX_VALUE, -1, now + 0.5) },
)
const party = fc.oneof(
  { weight: 5, arbitrary: fc.constant<unknown>('bailiwick') },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('others', '', ['bailiwick'], ['others', 'bailiwick'], [], [['bailiwick']], null, 1) },
)
const person = { sub: 'a1', name: 'Ann', sid: 's1', roles: ['player'] }
const claims = fc.record({ iss: party, aud: party, exp: time, iat: time, nbf: time }, { requiredKeys: [] })
const header = fc.record(
  {
    alg: fc.oneof({ weight: 8, arbitrary: fc.constant('EdDSA') }, { weight: 1, arbitrary: fc.constantFrom('Ed25519', 'none', 'HS256') }),
    typ: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<unknown>('JWT', 'jwt', 'application/jwt') },
      { weight: 1, arbitrary: fc.constantFrom<unknown>('x/jwt', 'at+jwt', 1) },
    ),
    kid: fc.oneof({ weight: 8, arbitrary: fc.constant<unknown>(kid) }, { weight: 1, arbitrary: fc.constantFrom<unknown>('', 'other', 7) }),
    crit: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom<unknown>(['x'], [], 'x') }),
  },
  { requiredKeys: ['alg', 'typ'] },
)

test('a token is good when the JWT library says so, whatever header and claims say', async () => {
  const good = { found: 0 }
  const property = fc.asyncProperty(header, claims, async (head, said) => {
    const token = signed(`${encoded(head)}.${encoded({ iss: 'bailiwick', aud: 'bailiwick', iat: now, exp: now + 60, ...person, ...said })}`)
    const expected = await isGoodToLibrary(token)
    if (expected) good.found += 1
    expect(await isGoodToUs(token), token).toBe(expected)
  })
  await fc.assert(property, { numRuns: 400 })
  expect(good.found).toBeGreaterThan(10)
})

test('a token that somebody changed, or wrote otherwise, is not good', async () => {
  const token = signed(
    `${encoded({ alg: 'EdDSA', typ: 'JWT', kid })}.${encoded({ iss: 'bailiwick', aud: 'bailiwick', iat: now, exp: now + 60, ...person })}`,
  )
  expect(await isGoodToUs(token)).toBe(true)
  const letters = 'ABab01-_.=+/ é\n'
  const property = fc.asyncProperty(
    fc.nat(token.length),
    fc.constantFrom(...letters),
    fc.constantFrom('instead', 'before', 'without'),
    async (at, letter, how) => {
      const changed = `${token.slice(0, at)}${how === 'without' ? '' : letter}${token.slice(how === 'before' ? at : at + 1)}`
      // The last letter of a part has bits that count for nothing.
      const same = (text: string): string =>
        text
          .split('.')
          .map((part) => Buffer.from(part, 'base64url').toString('hex'))
          .join('.')
      fc.pre(same(changed) !== same(token) || !/^[\w.-]*$/.test(changed))
      expect(await isGoodToUs(changed), changed).toBe(false)
    },
  )
  await fc.assert(property, { numRuns: 300 })
})
