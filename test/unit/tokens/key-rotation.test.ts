import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { ACCESS_TOKEN_TTL, SIGNING_KEY_SETTLE, TOKEN_CLOCK_TOLERANCE } from '../../../core/timing.ts'
import type { Caller, TokenSigner } from '../../../platform/tokens/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'

const ann: Caller = { account: 'a1', name: 'Ann', session: 's1', roles: ['player'] }
const newKey = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const kidOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
const kids = (signer: TokenSigner) => signer.publicJwks().keys.map((key) => key.kid)

async function rotating() {
  const clock = new ManualClock()
  const [old, next] = [newKey(), newKey()]
  const signer = await createTokenSigner({ pem: old, clock })
  const verifier = createTokenVerifier({ keys: () => signer.publicJwks() }, { clock })
  const sign = async () => (await signer.sign(ann)).accessToken
  return { clock, old, next, signer, verifier, sign }
}

describe('rotation', () => {
  test('of several keys the first signs, and all are published', async () => {
    const { clock, old, next } = await rotating()
    const signer = await createTokenSigner({ pem: `${next}\n${old}`, clock })
    const before = await createTokenSigner({ pem: old, clock })
    expect(kids(signer)).toHaveLength(2)
    expect(kidOf((await signer.sign(ann)).accessToken)).toBe(kids(signer)[0])
    const verifier = createTokenVerifier({ keys: signer.publicJwks() }, { clock })
    expect(await verifier.verify((await before.sign(ann)).accessToken)).toEqual(ann)
  })

  test('a new key is published at once, signs when everybody can know it, and the old one verifies until its last token ends', async () => {
    const { clock, next, signer, verifier, sign } = await rotating()
    const [oldKid] = kids(signer)
    await signer.replaceKeys(next)
    const newKid = kids(signer).find((kid) => kid !== oldKid)
    expect(kids(signer)).toHaveLength(2)
    clock.advance(SIGNING_KEY_SETTLE - 1)
    const lastOfOld = await sign()
    expect(kidOf(lastOfOld)).toBe(oldKid)
    clock.advance(1)
    const firstOfNew = await sign()
    expect(kidOf(firstOfNew)).toBe(newKid)
    clock.advance(ACCESS_TOKEN_TTL - 1_001)
    expect(await verifier.verify(lastOfOld)).toEqual(ann)
    expect(await verifier.verify(firstOfNew)).toEqual(ann)
    // Another replica may have heard of the change as late as it may, and signed with the old one as long as it must.
    clock.advance(SIGNING_KEY_SETTLE + TOKEN_CLOCK_TOLERANCE + 2_000)
    expect(kids(signer)).toEqual([newKid])
    await expect(verifier.verify(lastOfOld)).rejects.toMatchObject({ code: 'Unauthenticated' })
  })

  test('a second rotation before the first has settled leaves no token without key', async () => {
    const { clock, next, signer, verifier, sign } = await rotating()
    const tokens = [await sign()]
    await signer.replaceKeys(next)
    clock.advance(SIGNING_KEY_SETTLE / 2)
    tokens.push(await sign())
    await signer.replaceKeys(newKey())
    for (let k = 0; k < 4; k++) {
      clock.advance(SIGNING_KEY_SETTLE / 4)
      tokens.push(await sign())
    }
    for (const token of tokens) expect(await verifier.verify(token)).toEqual(ann)
    expect(kids(signer)).toContain(kidOf(tokens.at(-1) ?? ''))
  })

  test('a key that comes back is no new one', async () => {
    const { old, next, signer, sign } = await rotating()
    const [oldKid] = kids(signer)
    await signer.replaceKeys(`${old}${next}`)
    await signer.replaceKeys(old)
    expect(kidOf(await sign())).toBe(oldKid)
    expect(kids(signer)).toHaveLength(2)
  })

  test.each([
    ['no key', 'nothing'],
    ['a good and a broken one', `${newKey()}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
    ['too many', Array.from({ length: 9 }, newKey).join('')],
  ])('%s is refused, and all stays as it was', async (_, pem) => {
    const { signer, sign } = await rotating()
    const before = kids(signer)
    await expect(signer.replaceKeys(pem)).rejects.toMatchObject({ code: 'ConfigInvalid' })
    expect(kids(signer)).toEqual(before)
    expect(kidOf(await sign())).toBe(before[0])
  })
})
