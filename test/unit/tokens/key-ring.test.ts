import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ACCESS_TOKEN_TTL, SIGNING_KEY_SETTLE, TOKEN_CLOCK_TOLERANCE } from '../../../core/timing.ts'
import type { SigningKey } from '../../../platform/tokens/key-ring.ts'
import { KeyRing } from '../../../platform/tokens/key-ring.ts'

/** Which of them signs is decided by their names alone. */
const keyOf = (kid: string): SigningKey => ({ kid, key: createSecretKey(Buffer.from(kid)), jwk: { kty: 'OKP', kid } })
const kidsOf = (ring: KeyRing, now: number) => ring.published(now).map(({ kid }) => kid)
const [a, b, c] = [keyOf('A'), keyOf('B'), keyOf('C')]

test('[A], [B], [C] faster than tokens end: A is published until its last token has ended', () => {
  const ring = new KeyRing([a])
  ring.replace([b], 0)
  const changed = SIGNING_KEY_SETTLE - 1
  expect(ring.signing(changed).kid).toBe('A')
  ring.replace([c], changed)
  const lastOfA = changed + SIGNING_KEY_SETTLE - 1
  expect(ring.signing(lastOfA).kid).toBe('A')
  expect(ring.signing(lastOfA + 1).kid).toBe('C')
  expect(kidsOf(ring, lastOfA + ACCESS_TOKEN_TTL)).toContain('A')
  expect(kidsOf(ring, changed + 2 * SIGNING_KEY_SETTLE + ACCESS_TOKEN_TTL + TOKEN_CLOCK_TOLERANCE)).toEqual(['C'])
})

test('keys that change faster than verifiers could know them are refused, until there is room again', () => {
  const ring = new KeyRing([a])
  let now = 0
  const refused = () => {
    for (let k = 0; k < 100; k++) {
      now += 1_000
      ring.replace([keyOf(`K${now}`)], now)
    }
  }
  expect(refused).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }))
  const before = kidsOf(ring, now)
  expect(before.length).toBeLessThanOrEqual(20)
  expect(before).toContain(ring.signing(now).kid)
  now += 2 * SIGNING_KEY_SETTLE + ACCESS_TOKEN_TTL + TOKEN_CLOCK_TOLERANCE
  ring.replace([b], now)
  expect(kidsOf(ring, now)).toContain('B')
})

/** A replica reads a changed file up to so much later than another. */
const LATE = 150_000

test('whatever changes when: a token is good at every replica from its signing to its end', () => {
  const changes = fc.array(
    fc.record({
      after: fc.integer({ min: 1_000, max: 900_000 }),
      keys: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 8 },
  )
  const lateness = fc.array(fc.integer({ min: 0, max: LATE }), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(changes, lateness, lateness, (plan, lateOne, lateTwo) => {
      const start = [keyOf('0')] as const
      const rings = [new KeyRing(start), new KeyRing(start)] as const
      let at = 0
      const files = plan.map(({ after, keys }) => {
        at += after
        return { at, keys: keys.map((k) => keyOf(String(k))) }
      })
      // What each replica reads when: always the newest file of that moment, so that one may never see a file that another saw.
      const reads = [lateOne, lateTwo].map((late, ring) => files.map((file, i) => ({ ring, time: file.at + (late[i] ?? 0) })))
      const times = new Set([0, ...reads.flat().map(({ time }) => time)])
      for (const time of [...times])
        for (const step of [1, SIGNING_KEY_SETTLE - 1, SIGNING_KEY_SETTLE, SIGNING_KEY_SETTLE + LATE]) times.add(time + step)
      const signed: { readonly kid: string; readonly until: number }[] = []
      const missing: string[] = []
      for (const now of [...times].toSorted((x, y) => x - y)) {
        for (const { ring, time } of reads.flat()) {
          const [first, ...more] = files.findLast((file) => file.at <= now)?.keys ?? []
          if (time === now && first !== undefined) rings[ring]?.replace([first, ...more], now)
        }
        for (const ring of rings) signed.push({ kid: ring.signing(now).kid, until: now + ACCESS_TOKEN_TTL })
        const good = new Set(signed.filter(({ until }) => until >= now).map(({ kid }) => kid))
        for (const ring of rings) {
          const known = kidsOf(ring, now)
          for (const kid of good) if (!known.includes(kid)) missing.push(`${kid} at ${now}`)
        }
      }
      expect(missing).toEqual([])
    }),
  )
})
