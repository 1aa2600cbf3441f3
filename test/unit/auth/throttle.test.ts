import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { LOGIN_FAILURES_FORGOTTEN, LOGIN_WAIT_MAX } from '../../../core/timing.ts'
import { NETWORKS_OF_SITE } from '../../../platform/http/index.ts'
import { createThrottle, throttleKey } from '../../../services/auth/throttle.ts'
import { PASSWORD, problem, stage } from './stage.ts'

/** How many wrong tries get through at one moment. */
function triesLeft(throttle: ReturnType<typeof createThrottle>, name: string, address: string): number {
  for (let tries = 0; tries < 1_000; tries++) {
    try {
      throttle.enter(name, address)
    } catch (error) {
      expect(error).toMatchObject({ code: 'TooManyRequests', retryAfterMs: expect.any(Number) })
      return tries
    }
  }
  return 1_000
}

/** Whether one wrong try gets through. */
function enters(throttle: ReturnType<typeof createThrottle>, name: string, address: string): boolean {
  try {
    throttle.enter(name, address)
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'TooManyRequests' })
    return false
  }
}

describe('who guesses', () => {
  test('has ten tries at a name, in whatever writing, then waits longer and longer, and is told how long', () => {
    const clock = new ManualClock()
    const throttle = createThrottle(clock)
    expect(triesLeft(throttle, 'Ann', '192.0.2.1')).toBe(10)
    const waits: number[] = []
    for (let k = 0; k < 12; k++) {
      try {
        throttle.enter('ANN', '192.0.2.1')
        throw new Error('let in')
      } catch (error) {
        const { retryAfterMs = 0 } = error as { retryAfterMs?: number }
        waits.push(retryAfterMs)
        clock.advance(retryAfterMs)
        throttle.enter('ann', '192.0.2.1')
      }
    }
    expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
    expect(waits.at(-1)).toBe(LOGIN_WAIT_MAX)
    clock.advance(LOGIN_FAILURES_FORGOTTEN + 1)
    expect(triesLeft(throttle, 'Ann', '192.0.2.1')).toBe(10)
  })

  test('at many names from one network is slowed down, but never for long', () => {
    const clock = new ManualClock()
    const throttle = createThrottle(clock)
    let let_in = 0
    for (let second = 0; second < 600; second++) {
      for (let k = 0; k < 10; k++) {
        try {
          throttle.enter(`name${second}-${k}`, `2001:db8::${k}`)
          let_in += 1
        } catch (error) {
          expect(error).toMatchObject({ code: 'TooManyRequests' })
        }
      }
      clock.advance(1_000)
    }
    expect(let_in).toBeLessThan(100 + 600 / 4)
    expect(let_in).toBeGreaterThan(100 + 600 / 6)
  })
})

test('nobody can lock somebody else out: from another network there is always a try, however many failed', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(300), fc.nat(2_000)), { maxLength: 400 }), (attacks) => {
      const clock = new ManualClock()
      const throttle = createThrottle(clock)
      for (const [network, pause] of attacks) {
        try {
          throttle.enter('Ann', `198.51.${network >> 8}.${network & 255}`)
        } catch {
          // Slowed down, as it should be.
        }
        clock.advance(pause)
      }
      throttle.enter('Ann', '203.0.113.9').succeeded()
      throttle.enter('Ann', '203.0.113.9').succeeded()
    }),
    { numRuns: 50 },
  )
})

test('neighbours in a site lock nobody out of a name to which they logged in before, whatever they guess', () => {
  const home = '2001:db8:1:ffff::1'
  const attack = fc.tuple(fc.nat(300), fc.boolean(), fc.nat(2_000))
  fc.assert(
    fc.property(fc.array(attack, { maxLength: 200 }), (attacks) => {
      const clock = new ManualClock()
      const throttle = createThrottle(clock)
      throttle.enter('Ann', home).succeeded()
      for (const [network, atHerName, pause] of attacks) {
        for (let k = 0; k < 3; k++) enters(throttle, atHerName ? 'Ann' : `name${k}`, `2001:db8:1:${network.toString(16)}::1`)
        clock.advance(pause)
      }
      throttle.enter('Ann', home).succeeded()
      throttle.enter('Ann', home).succeeded()
      // Who never logged in there is slowed down as the others are, and she herself is when it is her network that guesses.
      expect(triesLeft(throttle, 'Ann', home)).toBeLessThanOrEqual(10)
    }),
    { numRuns: 20, examples: [[Array.from({ length: 130 }, (_, k) => [k, true, 0] as [number, boolean, number])]] },
  )
})

test('under attack from everywhere each network has one try at the name before it waits; other names have all of theirs', () => {
  const throttle = createThrottle(new ManualClock())
  for (let k = 0; k < 50; k++) throttle.enter('Ann', `198.51.100.${k}`)
  expect(triesLeft(throttle, 'Ann', '203.0.113.9')).toBe(1)
  expect(triesLeft(throttle, 'Bob', '203.0.113.8')).toBe(10)
})

describe('a site with all its networks', () => {
  const at = (k: number, site = 1) => `2001:db8:${site}:${k.toString(16)}::1`

  test('has the tries of sixteen of them at a name, and at all names, and makes nobody elsewhere wait for long', () => {
    const clock = new ManualClock()
    const throttle = createThrottle(clock)
    const let_in = Array.from({ length: 2_000 }, (_, k) => enters(throttle, 'Ann', at(k))).filter(Boolean)
    expect(let_in).toHaveLength(10 * NETWORKS_OF_SITE)
    for (const elsewhere of [at(0, 2), '203.0.113.9']) expect(enters(throttle, 'Ann', elsewhere)).toBe(true)
    for (let k = 0; k < 3_000; k++) enters(throttle, `name${k}`, at(k, 3))
    expect(enters(throttle, 'Bob', at(4_000, 3))).toBe(false)
    clock.advance(LOGIN_FAILURES_FORGOTTEN + 1)
    expect(enters(throttle, 'Ann', at(3_000))).toBe(true)
    expect(enters(throttle, 'Bob', at(4_000, 3))).toBe(true)
  })

  test('does not wait for one of them that guesses all day', () => {
    const clock = new ManualClock()
    const throttle = createThrottle(clock)
    for (let second = 0; second < 86_400; second += 5) {
      enters(throttle, 'Ann', at(1))
      clock.advance(5_000)
    }
    expect(enters(throttle, 'Ann', at(1))).toBe(false)
    expect(enters(throttle, 'Ann', at(2))).toBe(true)
  })
})

test('who logged in from a network before does not wait for the others there', () => {
  const throttle = createThrottle(new ManualClock())
  throttle.enter('Ann', '192.0.2.1').succeeded()
  for (let k = 0; k < 100; k++) throttle.enter(`victim${k}`, '192.0.2.1')
  expect(triesLeft(throttle, 'Bob', '192.0.2.1')).toBe(0)
  throttle.enter('Ann', '192.0.2.1').succeeded()
})

test('what was not looked at does not count, and what is remembered is bounded', () => {
  const clock = new ManualClock()
  const throttle = createThrottle(clock, { remembered: 10 })
  for (let k = 0; k < 100; k++) throttle.enter('Ann', '192.0.2.1').unanswered()
  expect(triesLeft(throttle, 'Ann', '192.0.2.1')).toBe(10)
  for (let k = 0; k < 10; k++) throttle.enter(`other${k}`, '192.0.2.2')
  expect(triesLeft(throttle, 'Ann', '192.0.2.1')).toBe(10)
})

test('failures go with time, also at an address that is never quiet', () => {
  const clock = new ManualClock()
  const throttle = createThrottle(clock)
  for (let k = 0; k < 90; k++) throttle.enter(`player${k}`, '192.0.2.1')
  for (let minute = 0; minute < 60; minute++) {
    clock.advance(60_000)
    // Somebody mistypes, others log in.
    throttle.enter(`other${minute}`, '192.0.2.1')
    throttle.enter(`familiar${minute}`, '192.0.2.1').succeeded()
  }
  let free = 0
  while (free < 100 && enters(throttle, `next${free}`, '192.0.2.1')) free += 1
  // 90 and 60 failed, and about 100 leaked.
  expect(free).toBeGreaterThanOrEqual(49)
  expect(free).toBeLessThanOrEqual(52)
})

/** Tries on and on, as soon as it may, and answers how many got through in this time. */
function guess(throttle: ReturnType<typeof createThrottle>, clock: ManualClock, ms: number): number {
  const end = clock.now() + ms
  let tries = 0
  while (clock.now() < end) {
    try {
      throttle.enter('Ann', '192.0.2.1')
      tries += 1
    } catch (error) {
      clock.advance((error as { readonly retryAfterMs: number }).retryAfterMs)
    }
  }
  return tries
}

test('a try that does not count keeps no old failure alive', () => {
  const clock = new ManualClock()
  const throttle = createThrottle(clock)
  guess(throttle, clock, 2 * 3_600_000)
  for (let part = 0; part < 3; part++) {
    clock.advance(LOGIN_FAILURES_FORGOTTEN / 3 + 1)
    throttle.enter('Ann', '192.0.2.1').unanswered()
  }
  expect(triesLeft(throttle, 'Ann', '192.0.2.1')).toBe(10)
})

test('who guesses on and on at one name gets no more tries by that', () => {
  const clock = new ManualClock()
  const day = 24 * 3_600_000
  expect(guess(createThrottle(clock), clock, day)).toBeLessThan(10 + 10 + day / LOGIN_WAIT_MAX)
})

test('tries that did not count leave nothing behind that would push out others', () => {
  const throttle = createThrottle(new ManualClock(), { remembered: 10 })
  for (let k = 0; k < 9; k++) throttle.enter('Ann', '192.0.2.1')
  for (let k = 0; k < 100; k++) throttle.enter(`other${k}`, `198.51.100.${k}`).unanswered()
  expect(triesLeft(throttle, 'Ann', '192.0.2.1')).toBe(1)
})

test('a name is remembered in a few characters, however long it is', () => {
  expect(throttleKey('\ufdfa'.repeat(200))).toHaveLength(22)
  expect(throttleKey('ANN')).toBe(throttleKey('Ann'))
  expect(throttleKey('Bob')).not.toBe(throttleKey('Ann'))
})

test('a name that nobody can have is refused before anything is counted', async () => {
  let entered = 0
  const throttle = createThrottle(new ManualClock())
  const { login } = await stage({
    throttle: {
      enter(name, address) {
        entered += 1
        return throttle.enter(name, address)
      },
    },
  })
  expect(problem(await login('\ufdfa'.repeat(200)))).toEqual({ status: 400, code: 'InvalidInput' })
  expect(entered).toBe(0)
  expect(problem(await login('x'.repeat(200)))).toEqual({ status: 401, code: 'WrongCredentials' })
  expect(entered).toBe(1)
})

test('the service answers 429 with Retry-After, before it hashes, and the same for a name that is nobody’s', async () => {
  const { register, login } = await stage()
  await register('Ann')
  for (const name of ['Ann', 'Nobody1']) {
    for (let k = 0; k < 10; k++) expect(problem(await login(name, 'wrong'))).toEqual({ status: 401, code: 'WrongCredentials' })
    const refused = await login(name, PASSWORD)
    expect(problem(refused)).toEqual({ status: 429, code: 'TooManyRequests' })
    expect(refused.headers.get('retry-after')).toBe('1')
  }
})
