import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NETWORKS_OF_SITE, networkOf, siteOf, type Tracked } from '../../../platform/http/index.ts'
import { Admittance, type ConnectionLimits, DEFAULT_LIMITS } from '../../../zone-server/transport/admittance.ts'

class Fake implements Tracked {
  readonly network: string
  readonly site: string | undefined
  readonly requests = 0
  readonly kept = false
  waits = false

  constructor(address: string) {
    this.network = networkOf(address)
    this.site = siteOf(this.network)
  }

  isWaiting(): boolean {
    return this.waits
  }
}

/** A port, and who is connected to it. */
class Port {
  readonly admittance: Admittance<Fake>
  readonly open = new Set<Fake>()

  constructor(limits: Partial<ConnectionLimits> = {}) {
    this.admittance = new Admittance(limits)
  }

  /** Somebody comes from there. Answers who had to go. */
  come(address: string): { readonly one: Fake; readonly gone: Fake | undefined } {
    const one = new Fake(address)
    this.open.add(one)
    const gone = this.admittance.enter(one)
    if (gone !== undefined) this.open.delete(gone)
    return { one, gone }
  }

  /** So many come, each from the address that is answered for it. */
  crowd(count: number, from: (k: number) => string): void {
    for (let k = 0; k < count; k++) this.come(from(k))
  }

  /** Whoever comes from there says hello at once and is let in. */
  letIn(address: string): boolean {
    const { one } = this.come(address)
    this.admittance.keep(one)
    return this.open.has(one)
  }

  held(of: (one: Fake) => boolean): number {
    return [...this.open].filter(of).length
  }
}

const ipv4 = (k: number): string => `192.0.${k >> 8}.${k & 255}`
/** Another network of one site each time. */
const ofSite = (k: number): string => `2001:db8:1:${k.toString(16)}::1`

it.each<[string, (k: number) => string]>([
  ['eight addresses', (k) => ipv4(k % 8)],
  ['all networks of a site', ofSite],
  ['one address', () => ipv4(0)],
])('%s that say nothing fill no more than their places, and keep nobody out', (_, from) => {
  const port = new Port()
  const { coming } = DEFAULT_LIMITS
  port.crowd(10_000, from)
  expect(port.open.size).toBe(coming)
  const silent = new Set(port.open)
  for (let k = 0; k < 100; k++) {
    expect(port.letIn(`198.51.100.${k}`)).toBe(true)
    port.come(from(k))
  }
  expect(port.held((one) => !silent.has(one) && one.network.startsWith('198.'))).toBe(100)
  expect(port.open.size).toBe(coming + 100)
})

it('who waits for an answer goes after who says nothing, and those who were let in for nobody', () => {
  const port = new Port({ connections: 20, coming: 10 })
  for (let k = 0; k < 5; k++) expect(port.letIn(ipv4(k))).toBe(true)
  const inside = new Set(port.open)
  const waiting = Array.from({ length: 5 }, () => port.come(ipv4(99)).one)
  for (const one of waiting) one.waits = true
  const silent = Array.from({ length: 5 }, () => port.come(ipv4(99)).one)
  for (const one of silent) expect(port.come(ipv4(50)).gone).toBe(one)
  expect([...inside, ...waiting].every((one) => port.open.has(one))).toBe(true)
  port.crowd(200, () => ipv4(99))
  expect([...inside].every((one) => port.open.has(one))).toBe(true)
})

it('in a port that is full of those who were let in there is no room; where one leaves there is', () => {
  const port = new Port({ connections: 10, coming: 8 })
  for (let k = 0; k < 10; k++) expect(port.letIn(ipv4(k))).toBe(true)
  const late = port.come(ipv4(100))
  expect(late.gone).toBe(late.one)
  const [first] = port.open
  if (first !== undefined) port.admittance.left(first)
  expect(port.letIn(ipv4(100))).toBe(true)
})

it('the addresses of a network are one, those of a site sixteen, in how many are let in', () => {
  const port = new Port({ perAddress: 2 })
  const letIn = (count: number, from: (k: number) => string): number =>
    Array.from({ length: count }, (_, k) => port.letIn(from(k))).filter((each) => each).length
  expect(letIn(10, (k) => `2001:db8:2:1::${k.toString(16)}`)).toBe(2)
  expect(letIn(200, ofSite)).toBe(2 * NETWORKS_OF_SITE)
  expect([port.letIn('192.0.2.1'), port.letIn('::ffff:192.0.2.1'), port.letIn('192.0.2.1')]).toEqual([true, true, false])
})

it('never more than its limits, whoever comes, is let in and leaves; and nothing is kept of those who left', () => {
  const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8:1:1::1', '2001:db8:1:2::1', '2001:db8:2:1::1')
  const does = fc.constantFrom('comes', 'comes', 'comes', 'is let in', 'leaves')
  const step = fc.record({ address, does, which: fc.nat(30), waits: fc.boolean() })
  const limits = fc.record({ connections: fc.integer({ min: 1, max: 12 }), coming: fc.integer({ min: 1, max: 8 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), limits, (steps, asked) => {
      const port = new Port({ ...asked, perAddress: 6 })
      const inside = new Set<Fake>()
      for (const { address: from, does: what, which, waits } of steps) {
        const one = [...port.open][which % Math.max(1, port.open.size)]
        if (what === 'comes') {
          const { one: newcomer, gone } = port.come(from)
          newcomer.waits = waits
          expect(gone === undefined || !inside.has(gone)).toBe(true)
        } else if (one !== undefined && what === 'is let in') {
          port.admittance.keep(one)
          inside.add(one)
        } else if (one !== undefined) {
          port.admittance.left(one)
          port.open.delete(one)
          inside.delete(one)
        }
        expect(port.admittance.size).toBe(port.open.size)
        expect(port.open.size).toBeLessThanOrEqual(asked.connections)
        expect(port.held((each) => !inside.has(each))).toBeLessThanOrEqual(asked.coming)
      }
      for (const one of port.open) port.admittance.left(one)
      expect(port.admittance.size).toBe(0)
    }),
  )
})
