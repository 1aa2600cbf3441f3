import { expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { createRateLimit, networkOf } from '../../../platform/http/rate-limit.ts'

test('a burst, then the steady rate', () => {
  const clock = new ManualClock()
  const take = createRateLimit({ perSecond: 2, burst: 3, addresses: 10 }, clock)
  expect([take('a'), take('a'), take('a')]).toEqual([0, 0, 0])
  expect(take('a')).toBe(500)
  clock.advance(250)
  expect(take('a')).toBe(250)
  expect(take('b')).toBe(0)
  clock.advance(250)
  expect(take('a')).toBe(0)
  expect(take('a')).toBe(500)
})

test('a clock that goes backwards gives nothing and takes nothing', () => {
  const clock = new ManualClock()
  const take = createRateLimit({ perSecond: 1, burst: 1, addresses: 10 }, clock)
  take('a')
  clock.advance(-5_000)
  expect(take('a')).toBe(1_000)
})

test('of more addresses than are remembered the quietest is forgotten', () => {
  const take = createRateLimit({ perSecond: 0.001, burst: 1, addresses: 2 }, new ManualClock())
  take('a')
  take('b')
  expect(take('a')).toBeGreaterThan(0)
  take('c')
  expect(take('a')).toBeGreaterThan(0)
  expect(take('b')).toBe(0)
})

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:0001:2::1', '2001:db8:1:2'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('network of %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
