import { expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { HostState, HostView } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { UNCORDON_SETTLE } from '../../../core/timing.ts'
import { decideNodeChange, NodeDrains } from '../../../operator/node-drains.ts'

const host = (name: string, node: string, state: HostState, cordoned = false): HostView => ({
  ...{ name, node, state, cordoned, incarnation: 'i', endpoints: [], capacity: 4, outdated: false, lastSeen: 0 },
  ...{ emptySince: undefined, layers: 1, players: 3, load: { cpu: 0, lateness: 0 } },
})
const fleet = 'game/zone-servers' as const
const hosts = [
  host('ready', 'n1', 'Ready'),
  host('retiring', 'n1', 'Retiring'),
  host('stopping', 'n1', 'Draining'),
  host('draining', 'n1', 'Draining', true),
  host('leaving', 'n1', 'Leaving', true),
  host('dead', 'n1', 'Dead', true),
  host('elsewhere', 'n2', 'Ready'),
]

it.each<[string, (node: string) => boolean | undefined, readonly string[]]>([
  ['no node was seen', () => undefined, []],
  ['none is cordoned', () => false, ['draining stay']],
  ['their node is cordoned', (node) => node === 'n1', ['ready drain', 'retiring drain']],
  ['another is cordoned', (node) => node !== 'n1', ['draining stay', 'elsewhere drain']],
])('when %s', (_, isCordoned, expected) => {
  const changes = hosts.map((each) => [each.name, decideNodeChange(each, isCordoned)] as const)
  expect(changes.flatMap(([name, change]) => (change === undefined ? [] : [`${name} ${change}`]))).toEqual(expected)
})

it('tells the index, and what fails with the next look', async () => {
  const asked: string[] = []
  let down = true
  let cordoned = true
  const clock = new ManualClock()
  const drains = new NodeDrains({
    index: {
      async cordonNode(_, node, cordon) {
        asked.push(`${node} ${cordon}`)
        if (down) throw new BailiwickError('IndexUnavailable', { found: 'nobody' })
      },
    },
    nodes: { watchNodes: () => undefined, isCordoned: (node) => (node === 'n1' ? cordoned : undefined) },
    clock,
    log: silentLog,
    hosts: () => [[fleet, hosts]],
    onDrained: () => void asked.push('told'),
  })
  await drains.look()
  expect(asked.splice(0)).toEqual(['n1 true'])
  down = false
  await drains.look()
  expect(asked.splice(0)).toEqual(['n1 true', 'told', 'told'])
  cordoned = false
  await drains.look()
  clock.advance(UNCORDON_SETTLE - 1)
  await drains.look()
  expect(asked).toEqual([])
  clock.advance(1)
  await drains.look()
  expect(asked.splice(0)).toEqual(['n1 false'])
})

it('tells nothing once the lease was lost', async () => {
  const asked: string[] = []
  const clock = new ManualClock()
  let leading = true
  const drains = new NodeDrains({
    index: {
      async cordonNode(_, node) {
        asked.push(node)
        leading = false
      },
    },
    nodes: { watchNodes: () => undefined, isCordoned: () => true },
    clock,
    log: silentLog,
    mayAct: () => leading,
    hosts: () => [[fleet, hosts]],
    onDrained: () => undefined,
  })
  await drains.look()
  expect(asked).toEqual(['n1'])
  await drains.look()
  expect(asked).toEqual(['n1'])
})

it('keeps nobody whose node is uncordoned for a moment only', async () => {
  const asked: boolean[] = []
  let cordoned = false
  const clock = new ManualClock()
  const drains = new NodeDrains({
    index: { cordonNode: async (_, __, cordon) => void asked.push(cordon) },
    nodes: { watchNodes: () => undefined, isCordoned: () => cordoned },
    clock,
    log: silentLog,
    hosts: () => [[fleet, [host('draining', 'n1', 'Draining', true)]]],
    onDrained: () => undefined,
  })
  for (const each of [false, true, false]) {
    cordoned = each
    await drains.look()
    clock.advance(UNCORDON_SETTLE - 1)
  }
  await drains.look()
  expect(asked).toEqual([])
})
