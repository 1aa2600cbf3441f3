import { describe, expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { HostState, HostView } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { GameServerSeen } from '../../../core/ports/zone-source-port.ts'
import { CLEAN_EVERY, LEAKED_AFTER, LEAKED_ALL_AFTER } from '../../../core/timing.ts'
import { Cleaner } from '../../../operator/cleaner.ts'
import { type CleaningSeen, decideCleaning } from '../../../operator/cleaning.ts'

const fleet = 'game/zone-servers' as const
const server = (name: string, state = 'Allocated', deleting = false): GameServerSeen => ({
  ...{ namespace: 'game', name, uid: `uid-${name}`, resourceVersion: '7', state, deleting },
})
const host = (name: string, state: HostState = 'Ready'): HostView => ({
  ...{ name, state, node: 'n', incarnation: 'i', endpoints: [], capacity: 4, outdated: false, cordoned: false, lastSeen: 0 },
  ...{ emptySince: undefined, layers: 1, players: 3, load: { cpu: 0, lateness: 0 } },
})

/** What is due when it has been so for `ms`. */
function dueAfter(ms: number, seen: Pick<CleaningSeen, 'servers' | 'hosts'>): readonly string[] {
  const { suspects } = decideCleaning({ fleet, now: 0, suspects: new Map(), ...seen })
  const { due } = decideCleaning({ fleet, now: ms, suspects, ...seen })
  return due.map((one) => `${one.do} ${one.do === 'deleteServer' ? one.server.name : one.host.name} ${one.reason}`)
}

describe('what is cleaned', () => {
  const live = { server: server('a'), host: host('a') }
  it.each<[string, Pick<CleaningSeen, 'servers' | 'hosts'>, readonly string[]]>([
    ['nothing of a fleet in order', { servers: [live.server], hosts: [live.host] }, []],
    [
      'a server whose host is dead',
      { servers: [live.server, server('b')], hosts: [live.host, host('b', 'Dead')] },
      ['deleteServer b NoHeartbeat'],
    ],
    ['a server that is no host', { servers: [live.server, server('b')], hosts: [live.host] }, ['deleteServer b NotRegistered']],
    ['not one that is being started', { servers: [live.server, server('b', 'Starting')], hosts: [live.host] }, []],
    [
      'not one that goes already',
      { servers: [live.server, server('b', 'Allocated', true), server('c', 'Shutdown')], hosts: [live.host] },
      [],
    ],
    [
      'not one whose host drains or leaves',
      { servers: [server('a'), server('b')], hosts: [host('a', 'Draining'), host('b', 'Leaving')] },
      [],
    ],
    ['a dead host without a server', { servers: [live.server], hosts: [live.host, host('b', 'Dead')] }, ['removeHost b NoGameServer']],
    ['a host that lives without a server drains', { servers: [live.server], hosts: [live.host, host('b')] }, ['drainHost b NoGameServer']],
    ['the only server of a fleet', { servers: [server('a')], hosts: [] }, ['deleteServer a NotRegistered']],
  ])('%s', (_name, seen, expected) => {
    expect(dueAfter(LEAKED_AFTER, seen)).toEqual(expected)
    expect(dueAfter(LEAKED_AFTER - 1, seen)).toEqual([])
  })

  it('with every host of a fleet gone at once it takes longer: rather the way to the index is broken', () => {
    const seen = { servers: [server('a'), server('b')], hosts: [host('a', 'Dead')] }
    expect(dueAfter(LEAKED_ALL_AFTER - 1, seen)).toEqual([])
    expect(dueAfter(LEAKED_ALL_AFTER, seen)).toEqual(['deleteServer a NoHeartbeat', 'deleteServer b NotRegistered'])
  })

  it('one that was in order meanwhile is suspected anew', () => {
    const bad = { servers: [live.server, server('b')], hosts: [live.host] }
    const first = decideCleaning({ fleet, now: 0, suspects: new Map(), ...bad })
    const good = decideCleaning({ fleet, now: 1_000, suspects: first.suspects, ...bad, hosts: [live.host, host('b')] })
    const again = decideCleaning({ fleet, now: LEAKED_AFTER, suspects: good.suspects, ...bad })
    expect([good.suspects.size, again.due]).toEqual([0, []])
  })
})

describe('the cleaner', () => {
  function stage() {
    const state = {
      now: 0,
      away: false,
      conflict: false,
      leading: true,
      /** The lease is lost while Kubernetes is asked. */
      lost: false,
      /** What Kubernetes says when it is asked, and how often it was. */
      unseen: new Set<string>(),
      asked: 0,
      hosts: [host('a')],
      emptied: [] as string[],
      servers: [server('a'), server('b'), server('c')],
      deleted: [] as string[],
      cleaned: [] as string[],
    }
    const cleaner = new Cleaner({
      fleets: {
        serversOf: () => state.servers,
        hasServer: async (_, name) => {
          state.asked += 1
          if (state.lost) state.leading = false
          if (state.conflict) throw new BailiwickError('KubernetesUnavailable')
          return state.unseen.has(name)
        },
        deleteServer: async ({ name, uid, resourceVersion }) => {
          if (state.conflict) throw new BailiwickError('KubernetesConflict')
          state.deleted.push(`${name} ${uid} ${resourceVersion}`)
          state.servers = state.servers.filter((one) => one.name !== name)
        },
      },
      index: {
        removeHost: async (_, name) => void state.emptied.push(`removed ${name}`),
        drainHost: async (_, name) => void state.emptied.push(`drained ${name}`),
      },
      clock: { now: () => state.now },
      log: silentLog,
      hostsOf: () => (state.away ? undefined : state.hosts),
      followed: () => [fleet],
      mayAct: () => state.leading,
      onCleaned: (what, reason) => void state.cleaned.push(`${what} ${reason}`),
    })
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += CLEAN_EVERY) {
        state.now += CLEAN_EVERY
        await cleaner.look()
      }
    }
    return { state, pass }
  }

  it('deletes one with each look, that very one, and says why', async () => {
    const { state, pass } = stage()
    await pass(LEAKED_AFTER)
    expect(state.deleted).toEqual([])
    await pass(CLEAN_EVERY)
    expect(state.deleted).toEqual(['b uid-b 7'])
    await pass(CLEAN_EVERY)
    expect(state.deleted).toEqual(['b uid-b 7', 'c uid-c 7'])
    await pass(LEAKED_AFTER)
    expect(state.cleaned).toEqual(['deleteServer NotRegistered', 'deleteServer NotRegistered'])
  })

  it('an outage of the index begins the time anew', async () => {
    const { state, pass } = stage()
    await pass(LEAKED_AFTER)
    state.away = true
    await pass(CLEAN_EVERY)
    state.away = false
    await pass(LEAKED_AFTER)
    expect(state.deleted).toEqual([])
    await pass(CLEAN_EVERY)
    expect(state.deleted.length).toBe(1)
  })

  it('one that changed meanwhile is looked at again', async () => {
    const { state, pass } = stage()
    state.conflict = true
    await pass(LEAKED_AFTER + 2 * CLEAN_EVERY)
    expect([state.deleted, state.cleaned]).toEqual([[], []])
    state.conflict = false
    await pass(CLEAN_EVERY)
    expect(state.deleted).toEqual(['b uid-b 7'])
  })

  it('asks Kubernetes before it drains or forgets a host without a game server, and believes that', async () => {
    const { state, pass } = stage()
    state.servers = [server('a')]
    state.hosts = [host('a'), host('x'), host('y', 'Dead')]
    state.unseen.add('x')
    await pass(LEAKED_AFTER + CLEAN_EVERY)
    expect([state.asked, state.emptied]).toEqual([1, []])
    // Each thing is cleaned by itself: one that is in order does not hold up the others.
    await pass(CLEAN_EVERY)
    expect([state.asked, state.emptied]).toEqual([2, ['removed y']])
    state.hosts = [host('a'), host('x')]
    state.unseen.clear()
    await pass(LEAKED_AFTER)
    expect(state.emptied).toEqual(['removed y', 'drained x'])
  })

  it('cleans nothing once the lease was lost, also while it asked', async () => {
    const { state, pass } = stage()
    state.hosts = [host('a'), host('x')]
    state.servers = [server('a')]
    state.lost = true
    await pass(LEAKED_AFTER + CLEAN_EVERY)
    expect([state.asked, state.leading, state.emptied]).toEqual([1, false, []])
    state.servers = [server('a'), server('b')]
    state.hosts = [host('a')]
    await pass(LEAKED_AFTER + 2 * CLEAN_EVERY)
    expect([state.deleted, state.cleaned]).toEqual([[], []])
  })

  it('leaves a host alone as long as Kubernetes can not be asked', async () => {
    const { state, pass } = stage()
    state.servers = [server('a')]
    state.hosts = [host('a'), host('x')]
    state.conflict = true
    await pass(LEAKED_AFTER + 3 * CLEAN_EVERY)
    expect(state.emptied).toEqual([])
    state.conflict = false
    await pass(CLEAN_EVERY)
    expect(state.emptied).toEqual(['drained x'])
  })
})
