import { expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { NETWORKS_OF_SITE, networkOf, siteOf } from '../../../platform/http/network.ts'
import { createRateLimit } from '../../../platform/http/rate-limit.ts'

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
  ['10.0.0.1', '10.0.0.1', undefined],
  ['::ffff:10.0.0.1', '10.0.0.1', undefined],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2', '2001:db8:1'],
  ['2001:DB8:0001:2::1', '2001:db8:1:2', '2001:db8:1'],
  ['::1', '0:0:0:0', '0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0', 'fe80:0:0'],
  ['unknown', 'unknown', undefined],
])('network and site of %s', (address, network, site) => {
  expect([networkOf(address), siteOf(network)]).toEqual([network, site])
})

test('a site may ask as often as so many networks, however many it has; each of them no more than before, and others as if it was not there', () => {
  const clock = new ManualClock()
  const take = createRateLimit({ perSecond: 2, burst: 3, addresses: 100 }, clock)
  const from = (k: number, site = 'db8') => take(`2001:${site}:1:${k.toString(16)}::1`)
  expect(Array.from({ length: 3 * NETWORKS_OF_SITE }, (_, k) => from(Math.floor(k / 3)))).toEqual(Array(3 * NETWORKS_OF_SITE).fill(0))
  expect(from(0)).toBe(500)
  expect(from(9_999)).toBe(Math.ceil(500 / NETWORKS_OF_SITE))
  expect([from(1, 'db9'), take('10.0.0.1')]).toEqual([0, 0])
  clock.advance(1_000)
  const asked = Array.from({ length: 100 }, (_, k) => from(20_000 + k))
  expect(asked.filter((wait) => wait === 0)).toHaveLength(2 * NETWORKS_OF_SITE)
})
