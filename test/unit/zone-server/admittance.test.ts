import { expect, it } from 'vitest'
import { NETWORKS_OF_SITE } from '../../../platform/http/index.ts'
import { Admittance, DEFAULT_LIMITS } from '../../../zone-server/transport/admittance.ts'

/** How many of so many connections come in, each from the address that is answered for it. */
const entering = (admittance: Admittance, count: number, from: (k: number) => string): number =>
  Array.from({ length: count }, (_, k) => admittance.enter(from(k))).filter((entered) => entered).length

it('the addresses of an IPv6 network count as one; those of a site as sixteen networks', () => {
  const admittance = new Admittance()
  const { handshakesPerAddress, handshakes } = DEFAULT_LIMITS
  expect(entering(admittance, 8_192, (k) => `2001:db8:1:1::${k.toString(16)}`)).toBe(handshakesPerAddress)
  expect(admittance.enter('2001:db8:1:2::1')).toBe(true)
  const small = new Admittance({ handshakesPerAddress: 2 })
  expect(entering(small, 200, (k) => `2001:db8:1:${k.toString(16)}::1`)).toBe(2 * NETWORKS_OF_SITE)
  expect([small.enter('2001:db8:2:1::1'), small.enter('192.0.2.1'), small.enter('::ffff:192.0.2.1'), small.enter('192.0.2.1')]).toEqual([
    ...[true, true, true, false],
  ])
  expect(handshakes).toBeLessThanOrEqual(DEFAULT_LIMITS.connections / 2)
})

it('who says nothing leaves room, wherever they come from; who was greeted or has left does not count', () => {
  const admittance = new Admittance({ connections: 10, handshakes: 4 })
  const address = (k: number): string => `192.0.2.${k}`
  expect(entering(admittance, 10, address)).toBe(4)
  for (let k = 0; k < 3; k++) admittance.greeted(address(k))
  admittance.left(address(3), false)
  expect(entering(admittance, 10, (k) => address(10 + k))).toBe(4)
  for (let k = 0; k < 4; k++) admittance.greeted(address(10 + k))
  expect(entering(admittance, 10, (k) => address(20 + k))).toBe(3)
  for (let k = 0; k < 3; k++) admittance.left(address(k), true)
  for (let k = 0; k < 3; k++) admittance.left(address(20 + k), false)
  expect(entering(admittance, 10, (k) => address(30 + k))).toBe(4)
})
