import { expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { HostState, HostView } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { decideNodeChanges, NodeDrains } from '../../../operator/node-drains.ts'

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
  ['none is cordoned', () => false, ['draining stays']],
  ['their node is cordoned', (node) => node === 'n1', ['ready drains', 'retiring drains']],
  ['another is cordoned', (node) => node !== 'n1', ['draining stays', 'elsewhere drains']],
])('when %s', (_, isCordoned, expected) => {
  const changes = decideNodeChanges(hosts, isCordoned)
  expect(changes.map((change) => `${change.host.name} ${change.cordoned ? 'drains' : 'stays'}`)).toEqual(expected)
})

it('tells the index, and what fails with the next look', async () => {
  const asked: string[] = []
  let down = true
  let cordoned = true
  const drains = new NodeDrains({
    index: {
      async cordonHost(_, name, cordon) {
        asked.push(`${name} ${cordon}`)
        if (down) throw new BailiwickError('IndexUnavailable', { found: 'nobody' })
      },
    },
    nodes: { watchNodes: () => undefined, isCordoned: (node) => (node === 'n1' ? cordoned : undefined) },
    log: silentLog,
    hosts: () => [[fleet, hosts]],
    onDrained: () => void asked.push('told'),
  })
  await drains.look()
  expect(asked.splice(0)).toEqual(['ready true'])
  down = false
  await drains.look()
  expect(asked.splice(0)).toEqual(['ready true', 'told', 'retiring true', 'told'])
  cordoned = false
  await drains.look()
  expect(asked.splice(0)).toEqual(['draining false'])
})
