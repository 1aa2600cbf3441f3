import { describe, expect, it } from 'vitest'
import type { GameServerView } from '../../../core/ports/game-server-port.ts'
import type { HeartbeatAnswer } from '../../../core/ports/index-port.ts'
import { ANNOUNCE_LIMIT, GIVEN_BACK_TAKEN_WITHIN, HEARTBEAT_EVERY, SDK_REPEAT_EVERY, SHUTDOWN_SEEN_LIMIT } from '../../../core/timing.ts'
import { decideHost, type HostObserved } from '../../../zone-server/decide-host.ts'

const now = 1_000_000
const server = (state: string, change: Partial<GameServerView> = {}): GameServerView => ({
  ...{
    name: 'h',
    namespace: 'game',
    state,
    address: '203.0.113.9',
    ports: [{ name: 'game', port: 7_012 }],
    deleting: false,
    labels: {},
    annotations: {},
  },
  ...change,
})
const born: HostObserved = {
  ...{
    now,
    server: undefined,
    stopBy: undefined,
    membership: 'none',
    announced: true,
    announcingSince: undefined,
    leftAt: undefined,
    retired: false,
    drained: 'no',
    wish: undefined,
    heartbeatAt: now,
    heartbeatDue: false,
  },
  ...{ answer: undefined, layers: [], ended: new Map(), busy: new Set() },
}
const answer = (change: Partial<HeartbeatAnswer> = {}): HeartbeatAnswer => ({
  known: true,
  state: 'Ready',
  layers: [],
  mayLeave: false,
  ...change,
})
const host: HostObserved = { ...born, server: server('Allocated'), membership: 'registered', answer: answer() }
const layer = 'game/meadow/0' as const
const assigned = (generation: number, closeRequested?: 'Drain' | 'Suspend') => answer({ layers: [{ layer, generation, closeRequested }] })
const serving = (generation: number, closing = false) => [{ layer, generation, closing }]
const marked = { annotations: { 'bailiwick.dev/outdated': 'true' } }
const outdated = server('Allocated', marked)
const unannounced: HostObserved = { ...born, announced: false }
const left: HostObserved = { ...host, membership: 'left', leftAt: now, answer: undefined }
const stopBy = now + 60_000
const retired = answer({ state: 'Retiring', mayLeave: true })

const table: readonly (readonly [string, HostObserved, readonly unknown[]])[] = [
  ['nothing seen yet', born, []],
  ['not ready: wishes ready', { ...born, server: server('Scheduled') }, [{ do: 'wish', kind: 'ready' }]],
  [
    'unknown to the index: is announced, beside',
    { ...unannounced, server: server('Scheduled') },
    [{ do: 'wish', kind: 'ready' }, { do: 'announce' }],
  ],
  ['Ready, but not announced: does not allocate itself yet', { ...unannounced, server: server('Ready') }, [{ do: 'announce' }]],
  [
    'Ready, and the index does not hear that it is: allocates itself all the same, so that it is found out',
    { ...unannounced, server: server('Ready'), announcingSince: now - ANNOUNCE_LIMIT },
    [{ do: 'wish', kind: 'allocate' }, { do: 'announce' }],
  ],
  ['… but not before', { ...unannounced, server: server('Ready'), announcingSince: now - ANNOUNCE_LIMIT + 1 }, [{ do: 'announce' }]],
  [
    'a host that Agones made Ready: allocates itself',
    { ...host, announced: false, server: server('Ready') },
    [{ do: 'wish', kind: 'allocate' }],
  ],
  ['is announced once at a time', { ...unannounced, server: server('Ready'), busy: new Set(['announce' as const]) }, []],
  ['Allocated already: announces nothing', { ...unannounced, server: server('Allocated') }, [{ do: 'register' }]],
  [
    'outdated before it was a host: announces nothing',
    { ...unannounced, server: server('Ready', marked) },
    [{ do: 'wish', kind: 'shutdown' }],
  ],
  ['a wish is not repeated at once', { ...born, server: server('RequestReady'), wish: { kind: 'ready', at: now - 10 } }, []],
  [
    'a wish is repeated',
    { ...born, server: server('RequestReady'), wish: { kind: 'ready', at: now - SDK_REPEAT_EVERY } },
    [{ do: 'wish', kind: 'ready' }],
  ],
  ['no wish while one is under way', { ...born, server: server('Scheduled'), busy: new Set(['wish' as const]) }, []],
  [
    'Ready: wishes allocate',
    { ...born, server: server('Ready'), wish: { kind: 'ready', at: now - 10 } },
    [{ do: 'wish', kind: 'allocate' }],
  ],
  ['Ready without an address: waits', { ...born, server: server('Ready', { address: '' }) }, []],
  ['Allocated: registers', { ...born, server: server('Allocated') }, [{ do: 'register' }]],
  ['registers once at a time', { ...born, server: server('Allocated'), busy: new Set(['register' as const]) }, []],
  ['quiet', host, []],
  ['a heartbeat when it is time', { ...host, heartbeatAt: now - HEARTBEAT_EVERY }, [{ do: 'heartbeat', outdated: false }]],
  ['a heartbeat when there is news', { ...host, heartbeatDue: true }, [{ do: 'heartbeat', outdated: false }]],
  ['a heartbeat when the clock went back', { ...host, heartbeatAt: now + 60_000 }, [{ do: 'heartbeat', outdated: false }]],
  ['one heartbeat at a time', { ...host, heartbeatDue: true, busy: new Set(['heartbeat' as const]) }, []],
  ['a new assignment: claims', { ...host, answer: assigned(3) }, [{ do: 'claim', layer, generation: 3 }]],
  ['already at it', { ...host, answer: assigned(3), layers: serving(3) }, []],
  ['an answer that was on its way when the layer ended', { ...host, answer: assigned(3), ended: new Map([[layer, 3]]) }, []],
  [
    'placed here again after it ended',
    { ...host, answer: assigned(4), ended: new Map([[layer, 3]]) },
    [{ do: 'claim', layer, generation: 4 }],
  ],
  ['not its own any more: drops', { ...host, layers: serving(3) }, [{ do: 'drop', layer, reason: 'the index gave it to another' }]],
  [
    'its own in another generation: drops first',
    { ...host, answer: assigned(5), layers: serving(3) },
    [{ do: 'drop', layer, reason: 'the index gave it to another' }],
  ],
  ['no answer, no drop', { ...host, answer: undefined, layers: serving(3) }, []],
  ['asked to close', { ...host, answer: assigned(3, 'Suspend'), layers: serving(3) }, [{ do: 'close', layer, reason: 'Suspend' }]],
  ['closing already', { ...host, answer: assigned(3, 'Suspend'), layers: serving(3, true) }, []],
  ['forgotten by the index: registers anew', { ...host, membership: 'none', answer: undefined, layers: serving(3) }, [{ do: 'register' }]],
  ['retired and counted: leaves', { ...host, answer: retired }, [{ do: 'leave', retired: true }]],
  ['… and gives itself back', { ...left, retired: true }, [{ do: 'wish', kind: 'ready' }]],
  ['… and waits until it is taken', { ...left, retired: true, server: server('Ready') }, []],
  ['… while Agones has not made it Ready yet, too', { ...left, retired: true, server: server('RequestReady') }, []],
  [
    '… and is taken: ends',
    { ...left, retired: true, server: server('Shutdown') },
    [{ do: 'end', reason: 'left, and the game server ends' }],
  ],
  [
    '… and is not taken: begins anew',
    { ...left, retired: true, server: server('Ready'), leftAt: now - GIVEN_BACK_TAKEN_WITHIN },
    [{ do: 'return' }],
  ],
  [
    '… and is not taken, and the clock went back: begins anew',
    { ...left, retired: true, server: server('Ready'), leftAt: now + 60_000 },
    [{ do: 'return' }],
  ],
  [
    '… and began anew before it was Ready: takes that back',
    { ...unannounced, server: server('Allocated'), wish: { kind: 'ready', at: now - 10 } },
    [{ do: 'wish', kind: 'allocate' }, { do: 'register' }],
  ],
  ['… once', { ...host, wish: { kind: 'allocate', at: now - SDK_REPEAT_EVERY } }, []],
  [
    'left, and the answer was lost: leaves as what it asked to',
    { ...host, answer: answer({ state: 'Leaving', mayLeave: true }), retired: true },
    [{ do: 'leave', retired: true }],
  ],
  ['… and as it began anew: allocates itself', { ...born, server: server('Ready') }, [{ do: 'wish', kind: 'allocate' }]],
  ['… and its pod is to end: shuts down', { ...left, retired: true, server: server('Ready'), stopBy }, [{ do: 'wish', kind: 'shutdown' }]],
  ['retired, not counted yet: waits', { ...host, answer: answer({ state: 'Retiring' }) }, []],
  [
    'may leave, but a layer still ends here',
    { ...host, answer: answer({ mayLeave: true }), layers: serving(3) },
    [{ do: 'drop', layer, reason: 'the index gave it to another' }],
  ],
  [
    'outdated: says so with its heartbeat; the index decides when it drains',
    { ...host, server: outdated, heartbeatDue: true },
    [{ do: 'heartbeat', outdated: true }],
  ],
  [
    'outdated, and it drains: says so and waits for its layers',
    { ...host, server: outdated, heartbeatDue: true, answer: assigned(3), layers: serving(3) },
    [{ do: 'heartbeat', outdated: true }],
  ],
  ['outdated before it was a host: shuts down', { ...born, server: outdated }, [{ do: 'wish', kind: 'shutdown' }]],
  ['being deleted: drains', { ...host, server: server('Allocated', { deleting: true }) }, [{ do: 'drain', withinMs: undefined }]],
  ['Shutdown seen: drains', { ...host, server: server('Shutdown') }, [{ do: 'drain', withinMs: undefined }]],
  [
    'SIGTERM: shuts down at once and drains',
    { ...host, stopBy },
    [
      { do: 'wish', kind: 'shutdown' },
      { do: 'drain', withinMs: 60_000 },
    ],
  ],
  [
    'SIGTERM of one that drains already: says by when it must end',
    { ...host, stopBy, drained: 'openEnded', wish: { kind: 'shutdown', at: now } },
    [{ do: 'drain', withinMs: 60_000 }],
  ],
  ['SIGTERM before it was a host', { ...born, server: server('Scheduled'), stopBy }, [{ do: 'wish', kind: 'shutdown' }]],
  ['SIGTERM before it knew itself', { ...born, stopBy }, [{ do: 'end', reason: 'stopped before it was a host' }]],
  [
    'SIGTERM, drained and empty: leaves',
    { ...host, stopBy, drained: 'byDeadline', wish: { kind: 'shutdown', at: now }, answer: answer({ state: 'Draining', mayLeave: true }) },
    [{ do: 'leave', retired: false }],
  ],
  ['left: wishes shutdown', left, [{ do: 'wish', kind: 'shutdown' }]],
  ['left, and the game server ends', { ...left, server: server('Shutdown') }, [{ do: 'end', reason: 'left, and the game server ends' }]],
  [
    'left, and nothing is seen of it',
    { ...left, leftAt: now - SHUTDOWN_SEEN_LIMIT, wish: { kind: 'shutdown', at: now - 1 } },
    [{ do: 'end', reason: 'left, and shutdown was wished' }],
  ],
  [
    'never a host, and the game server ends',
    { ...born, server: server('Unhealthy') },
    [{ do: 'end', reason: 'the game server is Unhealthy' }],
  ],
  [
    'the time to stop is over, layers or not',
    {
      ...host,
      stopBy: now,
      drained: 'byDeadline',
      wish: { kind: 'shutdown', at: now },
      answer: assigned(3, 'Drain'),
      layers: serving(3, true),
    },
    [{ do: 'end', reason: 'the time to stop is over' }],
  ],
]

describe('what a host does', () => {
  for (const [name, seen, actions] of table) it(name, () => expect(decideHost(seen)).toEqual(actions))
})
