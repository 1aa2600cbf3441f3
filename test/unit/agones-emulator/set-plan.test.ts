import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concernsSet, isResized } from '../../cluster/agones-emulator/controller/changes.ts'
import {
  nodeFill,
  overflowServers,
  planSet,
  setStatus,
  victimOrder,
  withOverflow,
} from '../../cluster/agones-emulator/controller/set-plan.ts'
import type { GameServer, GameServerState } from '../../cluster/agones-emulator/types.ts'
import { gameServer, gameServerSet } from './objects.ts'

const NOW = Date.parse('2026-01-01T00:01:00Z')
const names = (servers: readonly GameServer[]) => servers.map(({ metadata }) => metadata.name)
const errored = (name: string, secondsAgo: number) =>
  gameServer(name, 'Error', { annotations: { 'agones.dev/errored-at': new Date(NOW - secondsAgo * 1000).toISOString() } })

describe('planSet', () => {
  const cases: { what: string; replicas: number; servers: GameServer[]; create: number; remove: string[] }[] = [
    { what: 'makes what is missing', replicas: 3, servers: [gameServer('a', 'Ready')], create: 2, remove: [] },
    { what: 'takes the first name', replicas: 1, servers: [gameServer('b', 'Ready'), gameServer('a', 'Ready')], create: 0, remove: ['a'] },
    {
      what: 'takes what is not Ready yet before Ready ones',
      replicas: 1,
      servers: [gameServer('a', 'Ready'), gameServer('b', 'Scheduled')],
      create: 0,
      remove: ['b'],
    },
    {
      what: 'counts held servers first and never takes them',
      replicas: 1,
      servers: [gameServer('a', 'Allocated'), gameServer('b', 'Reserved'), gameServer('c', 'Ready'), gameServer('d', 'Starting')],
      create: 0,
      remove: ['d', 'c'],
    },
    { what: 'replaces Unhealthy ones', replicas: 1, servers: [gameServer('a', 'Unhealthy')], create: 1, remove: ['a'] },
    { what: 'keeps a fresh Error in its place', replicas: 1, servers: [errored('a', 10)], create: 0, remove: [] },
    { what: 'replaces an old Error', replicas: 1, servers: [errored('a', 30)], create: 1, remove: ['a'] },
    {
      what: 'does not count what is on its way out',
      replicas: 1,
      servers: [gameServer('a', 'Shutdown'), gameServer('b', 'Allocated', { deleted: true })],
      create: 1,
      remove: [],
    },
  ]
  it.each(cases)('$what', ({ replicas, servers, create, remove }) => {
    const plan = planSet(gameServerSet(replicas), servers, nodeFill(servers), NOW)
    expect(plan.create).toBe(create)
    expect(names(plan.delete)).toEqual(remove)
  })

  it('looks again when an Error has had its time', () => {
    const servers = [errored('a', 10), errored('b', 25)]
    expect(planSet(gameServerSet(2), servers, nodeFill(servers), NOW).againAfterMs).toBe(5000)
  })

  it('makes and deletes in batches and looks again at once', () => {
    const many = Array.from({ length: 100 }, (_, index) => gameServer(`s${index}`, 'Ready'))
    expect(planSet(gameServerSet(0), many, nodeFill(many), NOW)).toMatchObject({ create: 0, againAfterMs: 0 })
    expect(planSet(gameServerSet(0), many, nodeFill(many), NOW).delete).toHaveLength(64)
    expect(planSet(gameServerSet(100), [], nodeFill([]), NOW)).toMatchObject({ create: 64, againAfterMs: 0 })
  })

  it('makes nothing for a set that is being deleted', () => {
    const set = gameServerSet(3)
    set.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    expect(planSet(set, [], nodeFill([]), NOW).create).toBe(0)
  })

  const states: GameServerState[] = [
    'PortAllocation',
    'Starting',
    'RequestReady',
    'Ready',
    'Allocated',
    'Reserved',
    'Shutdown',
    'Unhealthy',
  ]
  const anyServers = fc
    .array(fc.record({ state: fc.constantFrom(...states), node: fc.constantFrom('', 'n1', 'n2') }), { maxLength: 20 })
    .map((list) => list.map(({ state, node }, index) => gameServer(`s${index}`, state, { node })))

  it('never takes a held server, and reaches its size as far as held servers let it', () => {
    fc.assert(
      fc.property(anyServers, fc.nat(20), (servers, replicas) => {
        const plan = planSet(gameServerSet(replicas), servers, nodeFill(servers), NOW)
        const isHeld = (server: GameServer) => ['Allocated', 'Reserved'].includes(server.status?.state ?? '')
        expect(plan.delete.some(isHeld)).toBe(false)
        expect(plan.create === 0 || plan.delete.every(({ status }) => status?.state === 'Unhealthy')).toBe(true)
        const left = servers.filter((server) => server.status?.state !== 'Shutdown' && !plan.delete.includes(server)).length + plan.create
        expect(left).toBe(Math.max(replicas, servers.filter(isHeld).length))
      }),
    )
  })
})

describe('victimOrder', () => {
  it('empties the least full node first, unscheduled servers before all', () => {
    const servers = [
      gameServer('a', 'Ready', { node: 'full' }),
      gameServer('b', 'Ready', { node: 'full' }),
      gameServer('c', 'Ready', { node: 'thin' }),
      gameServer('d', 'Starting', { node: '' }),
    ]
    expect(names(victimOrder('Packed', servers, nodeFill(servers)))).toEqual(['d', 'c', 'a', 'b'])
  })

  it('takes the oldest when distributed', () => {
    const aged = (name: string, minute: number) => {
      const server = gameServer(name, 'Ready')
      server.metadata.creationTimestamp = `2026-01-01T00:0${minute}:00Z`
      return server
    }
    expect(names(victimOrder('Distributed', [aged('a', 2), aged('b', 1)], new Map()))).toEqual(['b', 'a'])
  })
})

describe('setStatus', () => {
  it('counts states, and what is on its way out as shut down only', () => {
    const servers = [
      gameServer('a', 'Ready'),
      gameServer('b', 'Allocated'),
      gameServer('c', 'Reserved'),
      gameServer('d', 'Starting'),
      gameServer('e', 'Shutdown'),
      gameServer('f', 'Allocated', { deleted: true }),
    ]
    expect(setStatus(servers)).toEqual({ replicas: 4, readyReplicas: 1, allocatedReplicas: 1, reservedReplicas: 1, shutdownReplicas: 2 })
  })
})

describe('overflow', () => {
  const allocationOverflow = { annotations: { outdated: 'yes' }, labels: { old: 'yes' } }

  it('marks as many Allocated servers as are beyond the share, those already marked included', () => {
    const set = gameServerSet(1, { allocationOverflow })
    const marked = withOverflow(gameServer('a', 'Allocated'), set)
    expect(marked.metadata).toMatchObject({ annotations: { outdated: 'yes' }, labels: { old: 'yes' } })
    const servers = [marked, gameServer('b', 'Allocated'), gameServer('c', 'Allocated'), gameServer('d', 'Ready')]
    expect(names(overflowServers(set, servers, nodeFill(servers)))).toEqual(['b'])
  })

  it('marks nothing without marks, or within the share', () => {
    const servers = [gameServer('a', 'Allocated')]
    expect(overflowServers(gameServerSet(0), servers, nodeFill(servers))).toEqual([])
    expect(overflowServers(gameServerSet(1, { allocationOverflow }), servers, nodeFill(servers))).toEqual([])
  })
})

describe('a change', () => {
  it('of a server is a set’s business, but not of one that is being deleted, until it is gone', () => {
    const [ready, deleted] = [gameServer('a', 'Ready'), gameServer('a', 'Allocated', { deleted: true })]
    expect([ready, deleted, undefined].map(concernsSet)).toEqual([true, false, true])
  })

  it('of a set is its own when it is new or of another size, not for its counts', () => {
    const three = gameServerSet(3)
    expect(isResized(three, undefined)).toBe(true)
    expect(isResized(gameServerSet(2), three)).toBe(true)
    expect(isResized(gameServerSet(3, {}, { replicas: 3 }), three)).toBe(false)
    expect(isResized(undefined, three)).toBe(false)
  })
})
