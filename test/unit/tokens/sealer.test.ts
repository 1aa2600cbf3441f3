import { generateKeyPairSync } from 'node:crypto'
import { EncryptJWT } from 'jose'
import { expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { SIGNING_KEY_SETTLE } from '../../../core/timing.ts'
import { createTokenSigner } from '../../../platform/tokens/index.ts'

const pem = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

async function sealers() {
  const clock = new ManualClock()
  const key = pem()
  const [one, two] = [await createTokenSigner({ pem: key, clock }), await createTokenSigner({ pem: key, clock })]
  return { clock, key, one, two }
}

test('what was sealed is opened by who has the same keys, for its purpose, in its time, and by nobody else', async () => {
  const { clock, one, two } = await sealers()
  const sealed = await one.sealer.seal('a purpose', { secret: 'hush-hush' }, 60_000)
  expect(Buffer.from(sealed.split('.').join(''), 'base64url').toString('latin1')).not.toContain('hush')
  expect(await two.sealer.open('a purpose', sealed)).toEqual({ secret: 'hush-hush' })
  expect(await two.sealer.open('another purpose', sealed)).toBeUndefined()
  expect(await (await createTokenSigner({ clock })).sealer.open('a purpose', sealed)).toBeUndefined()
  clock.advance(61_000)
  expect(await one.sealer.open('a purpose', sealed)).toBeUndefined()
})

test('what was sealed and then changed anywhere is not opened; nor is what was never sealed', async () => {
  const { one } = await sealers()
  const sealed = await one.sealer.seal('a purpose', { n: 1 }, 60_000)
  const parts = sealed.split('.')
  for (const [at, part] of parts.entries()) {
    // Of what is no whole number of bytes the last letter may say the same: so the first one.
    const other = `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`
    expect(await one.sealer.open('a purpose', parts.with(at, other).join('.')), `part ${at}`).toBeUndefined()
  }
  for (const wrong of ['', '.', 'x', '....', 'a.b.c', sealed.repeat(20), sealed.slice(0, -10)]) {
    expect(await one.sealer.open('a purpose', wrong), wrong.slice(0, 20)).toBeUndefined()
  }
  // With a key that anybody can make, under the id of ours.
  const { kid } = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString()) as { kid: string }
  const forged = await new EncryptJWT({ data: {} })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .setAudience('a purpose')
    .setExpirationTime('1h')
    .encrypt(new Uint8Array(32))
  expect(await one.sealer.open('a purpose', forged)).toBeUndefined()
})

test('a change of the keys leaves what was sealed before as good as it was', async () => {
  const { clock, key, one, two } = await sealers()
  const next = pem()
  await one.replaceKeys(`${next}${key}`)
  const between = await one.sealer.seal('a purpose', { n: 2 }, 600_000)
  // A replica that has not read the new key yet.
  expect(await two.sealer.open('a purpose', between)).toEqual({ n: 2 })
  await one.replaceKeys(next)
  expect(await one.sealer.open('a purpose', between)).toEqual({ n: 2 })
  clock.advance(SIGNING_KEY_SETTLE)
  const after = await one.sealer.seal('a purpose', { n: 3 }, 600_000)
  await two.replaceKeys(next)
  expect(await two.sealer.open('a purpose', after)).toEqual({ n: 3 })
})
