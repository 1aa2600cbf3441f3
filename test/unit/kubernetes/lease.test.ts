import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LEASE_DURATION, LEASE_RENEW_DEADLINE } from '../../../core/timing.ts'
import {
  type Candidacy,
  type LeaseRecord,
  leads,
  newCandidacy,
  nextLease,
  observeLease,
  releasedLease,
  wroteLease,
} from '../../../platform/kubernetes/lease.ts'

const record = (holder: string, renewTime = 't0'): LeaseRecord => ({
  holderIdentity: holder,
  leaseDurationSeconds: 8,
  acquireTime: 't0',
  renewTime,
  leaseTransitions: 3,
})
const seen = (lease: LeaseRecord | undefined, at = 0): Candidacy => observeLease(newCandidacy, lease, at)

describe('the lease of the leader', () => {
  test.each<[string, Candidacy, number, { holder: string; transitions: number } | undefined]>([
    ['nothing was read yet: wait', newCandidacy, 0, undefined],
    ['no lease exists: made', seen(undefined), 0, { holder: 'me', transitions: 0 }],
    ['mine: renewed', wroteLease(record('me'), 0), 1_000, { holder: 'me', transitions: 3 }],
    ['of an earlier process of mine: taken at once', seen(record('me')), 0, { holder: 'me', transitions: 4 }],
    ['given back: taken at once', seen(record('')), 0, { holder: 'me', transitions: 4 }],
    ["another's, just seen: wait", seen(record('you')), 0, undefined],
    ["another's, nearly run out: wait", seen(record('you')), LEASE_DURATION - 1, undefined],
    ["another's, run out: taken", seen(record('you')), LEASE_DURATION, { holder: 'me', transitions: 4 }],
    [
      "another's, renewed meanwhile: wait",
      observeLease(seen(record('you')), record('you', 't1'), LEASE_DURATION),
      LEASE_DURATION,
      undefined,
    ],
  ])('%s', (_name, candidacy, now, expected) => {
    const next = nextLease(candidacy, 'me', now, 'now')
    expect(next === undefined ? undefined : { holder: next.holderIdentity, transitions: next.leaseTransitions }).toEqual(expected)
  })

  test('a leader stops by itself at the renew deadline, counted from the beginning of its last renewal', () => {
    const candidacy = wroteLease(record('me'), 1_000)
    expect(leads(candidacy, 1_000 + LEASE_RENEW_DEADLINE - 1)).toBe(true)
    expect(leads(candidacy, 1_000 + LEASE_RENEW_DEADLINE)).toBe(false)
  })

  test('what is given back has no holder', () => {
    expect(releasedLease(record('me'), 'now')).toMatchObject({ holderIdentity: '', leaseTransitions: 3 })
  })

  test('law: of candidates whose calls are late, lost or torn, never two lead at once', () => {
    const step = fc.record({
      who: fc.nat(2),
      pause: fc.integer({ min: 0, max: 4_000 }),
      /** How long the write takes to arrive, how long its answer, and whether the answer is lost. */
      there: fc.integer({ min: 0, max: 3_000 }),
      back: fc.integer({ min: 0, max: 3_000 }),
      lost: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const names = ['a', 'b', 'c']
        // Each has its own idea of what time it is: only that clocks run at one speed is relied on.
        const skews = [0, 5_000_000, 123]
        const candidacies = names.map(() => newCandidacy)
        let stored: { record: LeaseRecord; version: number } | undefined
        let now = 0
        for (const { who, pause, there, back, lost } of steps) {
          now += pause
          const local = (): number => now + (skews[who] ?? 0)
          const version = stored?.version
          let candidacy = observeLease(candidacies[who] ?? newCandidacy, stored?.record, local())
          const begunAt = local()
          const next = nextLease(candidacy, names[who] ?? '', begunAt, `t${now}`)
          if (next !== undefined) {
            now += there
            const conflict = stored?.version !== version
            if (!conflict) stored = { record: next, version: (version ?? 0) + 1 }
            now += back
            if (!conflict && !lost) candidacy = wroteLease(next, begunAt)
          }
          candidacies[who] = candidacy
          const leading = candidacies.filter((one, index) => leads(one, now + (skews[index] ?? 0)))
          expect(leading.length).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 300 },
    )
  })
})
