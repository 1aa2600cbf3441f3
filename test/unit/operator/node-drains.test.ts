import { expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { HostState, HostView } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { hostsToDrain, NodeDrains } from '../../../operator/node-drains.ts'

const host = (name: string, node: string, state: HostState): HostView => ({
  ...{ name, node, state, incarnation: 'i', endpoints: [], capacity: 4, outdated: false, lastSeen: 0 },
  ...{ emptySince: undefined, layers: 1, players: 3, load: { cpu: 0, lateness: 0 } },
})
const fleet = 'game/zone-servers' as const
const hosts = [
  host('ready', 'n1', 'Ready'),
  host('retiring', 'n1', 'Retiring'),
  host('draining', 'n1', 'Draining'),
  host('leaving', 'n1', 'Leaving'),
  host('dead', 'n1', 'Dead'),
  host('elsewhere', 'n2', 'Ready'),
]

it.each([
  [[], []],
  [['n1'], ['ready', 'retiring']],
  [['n2', 'n3'], ['elsewhere']],
])('with %j cordoned, %j are to be drained', (cordoned, expected) => {
  expect(hostsToDrain(hosts, new Set(cordoned)).map(({ name }) => name)).toEqual(expected)
})

it('drains them, and what fails with the next look', async () => {
  const asked: string[] = []
  let down = true
  const drains = new NodeDrains({
    index: {
      async drainHost(_, name) {
        asked.push(name)
        if (down) throw new BailiwickError('IndexUnavailable', { found: 'nobody' })
      },
    },
    nodes: { watchNodes: () => undefined, cordoned: () => new Set(['n1']) },
    log: silentLog,
    hosts: () => [[fleet, hosts]],
    onDrained: () => void asked.push('told'),
  })
  await drains.look()
  expect(asked).toEqual(['ready'])
  down = false
  await drains.look()
  expect(asked).toEqual(['ready', 'ready', 'told', 'retiring', 'told'])
})
