import { describe, expect, test } from 'vitest'
import type { Zone, ZoneStatus } from '../../../core/zone.ts'
import type { Observed } from '../../../operator/observe.ts'
import { compareStatus, computeStatus } from '../../../operator/status.ts'
import { eventsOf } from '../../../operator/status-events.ts'
import { facts, layer, NOW, observed, placement, zone } from './observed.ts'

const always = zone({ activation: 'Always', layers: { min: 2 } })
const suspended = zone({ suspend: true })
const dying = zone({}, { deletionTimestamp: new Date(NOW).toISOString() })
const layers = (...list: ReturnType<typeof layer>[]) => facts({ placement: placement({ layers: list }) })
const missingFleet = (list: readonly ReturnType<typeof layer>[] = []) => facts({ fleet: undefined, placement: placement({ layers: list }) })
const at = (object: Zone, wanted = facts(), extra: Partial<Observed> = {}): Observed => observed({ zone: object, wanted, ...extra })
const old = (...list: ReturnType<typeof layer>[]) => facts({ id: 'game/old', placement: placement({ barred: true, layers: list }) })

const failing = layer(0, { state: 'Wished', host: undefined, failure: 'tick 7' })
const aside = layer(0, { state: 'Quarantined', host: undefined, failure: 'tick 7' })

/** Phase, then Accepted, Hosted, Ready, Progressing, DataSafe as `True Reason`. */
const table: readonly [string, Observed, readonly string[]][] = [
  ['asleep', at(zone()), ['Sleeping', 'True Valid', 'False Sleeping', 'True Sleeping', 'False Settled', 'True NoFailure']],
  [
    'all served',
    at(always, layers(layer(0), layer(1))),
    ['Running', 'True Valid', 'True Serving', 'True Serving', 'False Settled', 'True NoFailure'],
  ],
  [
    'OnDemand served',
    at(zone(), layers(layer(0))),
    ['Running', 'True Valid', 'True Serving', 'True Serving', 'False Settled', 'True NoFailure'],
  ],
  [
    'one of two served',
    at(always, layers(layer(0), layer(1, { state: 'Claiming' }))),
    ['Degraded', 'True Valid', 'False Claiming', 'True Serving', 'True Waking', 'True NoFailure'],
  ],
  ['nothing placed yet', at(always), ['Waking', 'True Valid', 'False Placing', 'False Waking', 'True Waking', 'True NoFailure']],
  [
    'waiting for a host',
    at(zone(), layers(layer(0, { state: 'Wished' }))),
    ['Waking', 'True Valid', 'False NoHost', 'False Waking', 'True Waking', 'True NoFailure'],
  ],
  [
    'being claimed',
    at(zone(), layers(layer(0, { state: 'Assigned' }))),
    ['Waking', 'True Valid', 'False Claiming', 'False Waking', 'True Waking', 'True NoFailure'],
  ],
  [
    'falling asleep',
    at(zone(), layers(layer(0, { state: 'Closing' }))),
    ['Draining', 'True Valid', 'False Closing', 'False Closing', 'True Closing', 'True NoFailure'],
  ],
  [
    'a layer that fails',
    at(zone(), layers(layer(0, { state: 'Wished', failure: 'StoreCorrupt' }))),
    ['Failed', 'True Valid', 'False LayerFailed', 'False LayerFailed', 'True Waking', 'False LayerFailed'],
  ],
  [
    'one of two fails',
    at(always, layers(layer(0), layer(1, { state: 'Wished', failure: 'x' }))),
    ['Degraded', 'True Valid', 'False LayerFailed', 'True Serving', 'True Waking', 'False LayerFailed'],
  ],
  [
    'the only layer is quarantined',
    at(zone(), layers(layer(0, { state: 'Quarantined', host: undefined, failure: 'tick 7' }))),
    ['Failed', 'True Valid', 'False LayerQuarantined', 'False LayerQuarantined', 'False Settled', 'True NoFailure'],
  ],
  [
    'one of two is quarantined',
    at(always, layers(layer(0), layer(1, { state: 'Quarantined', host: undefined, failure: 'tick 7' }))),
    ['Degraded', 'True Valid', 'False LayerQuarantined', 'True Serving', 'False Settled', 'True NoFailure'],
  ],
  [
    'one of two can not confirm',
    at(always, layers(layer(0), layer(1, { dataSafe: false }))),
    ['Running', 'True Valid', 'True Serving', 'True Serving', 'False Settled', 'False JournalUnavailable'],
  ],
  [
    'one fails, the other can not confirm',
    at(always, layers(layer(0, { dataSafe: false }), layer(1, { state: 'Wished', failure: 'x' }))),
    ['Degraded', 'True Valid', 'False LayerFailed', 'True Serving', 'True Waking', 'False LayerFailed'],
  ],
  [
    'suspending',
    at(suspended, layers(layer(0, { state: 'Closing' }))),
    ['Draining', 'True Valid', 'False Closing', 'False Suspended', 'True Suspending', 'True NoFailure'],
  ],
  ['suspended', at(suspended), ['Suspended', 'True Valid', 'False Suspended', 'False Suspended', 'False Settled', 'True NoFailure']],
  [
    'no fleet',
    at(zone(), missingFleet()),
    ['Pending', 'False FleetNotFound', 'False NotAccepted', 'False NotAccepted', 'False Settled', 'True NoFailure'],
  ],
  [
    'no fleet any more, still served',
    at(zone(), missingFleet([layer(0)])),
    ['Degraded', 'False FleetNotFound', 'True Serving', 'True Serving', 'False Settled', 'True NoFailure'],
  ],
  [
    'a neighbour that is not there, served',
    at(zone(), layers(layer(0)), { neighbours: [{ zone: 'game/forest', state: 'unknown' }] }),
    ['Degraded', 'False NeighbourNotFound', 'True Serving', 'True Serving', 'False Settled', 'True NoFailure'],
  ],
  [
    'a neighbour that does not want to be one, asleep',
    at(zone(), facts(), {
      neighbours: [
        { zone: 'game/cave', state: 'mutual' },
        { zone: 'game/forest', state: 'oneSided' },
      ],
    }),
    ['Sleeping', 'False NeighbourNotMutual', 'False Sleeping', 'True Sleeping', 'False Settled', 'True NoFailure'],
  ],
  [
    'no fleet and no neighbour: why nothing happens comes first',
    at(zone(), missingFleet(), { neighbours: [{ zone: 'game/forest', state: 'unknown' }] }),
    ['Pending', 'False FleetNotFound', 'False NotAccepted', 'False NotAccepted', 'False Settled', 'True NoFailure'],
  ],
  [
    'moving',
    at(zone(), facts(), { inUse: old(layer(0, { state: 'Closing' })) }),
    ['Draining', 'True Valid', 'False Closing', 'False Closing', 'True FleetChange', 'True NoFailure'],
  ],
  [
    'being deleted, open',
    at(dying, layers(layer(0))),
    ['Terminating', 'True Valid', 'True Serving', 'False Terminating', 'True Terminating', 'True NoFailure'],
  ],
  [
    'being deleted, closed',
    at(dying),
    ['Terminating', 'True Valid', 'False Terminating', 'False Terminating', 'True Terminating', 'True NoFailure'],
  ],
]

const said = (status: ZoneStatus) => [
  status.phase,
  ...(status.conditions ?? []).map((condition) => `${condition.status} ${condition.reason}`),
]

describe('status', () => {
  test.each(table)('%s', (_name, given, expected) => {
    expect(said(computeStatus(given))).toEqual(expected)
  })

  test('every condition says something in words, and no layer is left out', () => {
    for (const [, given] of table) {
      const status = computeStatus(given)
      for (const condition of status.conditions ?? []) expect(condition.message.length).toBeGreaterThan(5)
      expect(status.observedGeneration).toBe(3)
    }
    const status = computeStatus(at(always, layers(layer(0, { players: 3 }), layer(1, { players: 4 }), layer(2, { state: 'Asleep' }))))
    expect(status).toMatchObject({ players: 7, layerCount: 2, fleet: 'zone-servers' })
    expect(status.layers?.[0]).toEqual({ index: 0, epoch: 4, state: 'Serving', host: 'h1', node: 'n1', endpoints: ['e:1'], players: 3 })
  })

  test('says which layers can not confirm what happens', () => {
    const unsafe = at(always, layers(layer(0, { dataSafe: false }), layer(1), layer(3, { dataSafe: false })))
    const found = computeStatus(unsafe).conditions?.find(({ type }) => type === 'DataSafe')
    expect(found?.message).toMatch(/^layers 0, 3: .*not be confirmed/)
  })

  test('a condition keeps the time of its last change; another status gets a new one', () => {
    const first = computeStatus(at(zone()))
    const later = { ...at(zone({}, { status: first }), layers(layer(0))), now: NOW + 60_000 }
    const times = Object.fromEntries(
      (computeStatus(later).conditions ?? []).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    )
    expect(times).toMatchObject({ Accepted: '2027-01-15T08:00:00Z', Hosted: '2027-01-15T08:01:00Z', Ready: '2027-01-15T08:00:00Z' })
  })

  test('while the index was never read, what was said of layers stays', () => {
    const before = computeStatus(at(zone(), layers(layer(0, { players: 5 }))))
    const blind = at(zone({}, { status: before }), facts({ fleet: undefined, placement: undefined }))
    expect(computeStatus(blind)).toMatchObject({ phase: 'Running', players: 5, layerCount: 1, layers: before.layers })
    expect(said(computeStatus(blind)).slice(1, 4)).toEqual(['False FleetNotFound', 'True Serving', 'True Serving'])
    expect(said(computeStatus(at(zone(), facts({ placement: undefined }))))).toEqual(['Pending', 'True Valid'])
  })

  test.each<[string, (status: ZoneStatus) => ZoneStatus, string]>([
    ['nothing', (status) => structuredClone(status), 'same'],
    [
      'players alone',
      (status) => ({ ...status, players: 9, layers: [{ index: 0, state: 'Serving', ...status.layers?.[0], players: 9 }] }),
      'players',
    ],
    ['an epoch', (status) => ({ ...status, layers: [{ index: 0, state: 'Serving', ...status.layers?.[0], epoch: 5 }] }), 'transition'],
    ['a phase', (status) => ({ ...status, phase: 'Failed' }), 'transition'],
  ])('what changed is %s', (_name, change, expected) => {
    const status = computeStatus(at(zone(), layers(layer(0))))
    expect(compareStatus(status, change(status))).toBe(expected)
  })

  test.each<[string, Observed, Observed, readonly string[]]>([
    ['no change', at(zone()), at(zone()), []],
    ['a wake', at(zone()), at(zone(), layers(layer(0))), ['Normal Running']],
    ['a failure', at(zone(), layers(layer(0))), at(zone(), layers(layer(0, { state: 'Wished', failure: 'x' }))), ['Warning Failed']],
    [
      'a journal that is away',
      at(zone(), layers(layer(0))),
      at(zone(), layers(layer(0, { dataSafe: false }))),
      ['Warning JournalUnavailable'],
    ],
    ['a journal that is back', at(zone(), layers(layer(0, { dataSafe: false }))), at(zone(), layers(layer(0))), ['Normal DataSafe']],
    ['a layer that is set aside after it failed', at(zone(), layers(failing)), at(zone(), layers(aside)), ['Warning LayerQuarantined']],
    [
      'one of two that is set aside',
      at(always, layers(layer(1), layer(0))),
      at(always, layers(layer(1), aside)),
      ['Warning Degraded', 'Warning LayerQuarantined'],
    ],
    ['another try', at(zone(), layers(aside)), at(zone(), layers(failing)), ['Normal TriedAgain']],
    ['the deletion of a zone with a layer set aside', at(zone(), layers(aside)), at(dying, layers(aside)), ['Normal Terminating']],
    ['a fleet that vanished', at(zone()), at(zone(), missingFleet()), ['Warning FleetNotFound', 'Normal Pending']],
    ['a fleet that appeared', at(zone(), missingFleet()), at(zone()), ['Normal Accepted', 'Normal Sleeping']],
  ])('events of %s', (_name, before, after, expected) => {
    expect(eventsOf(computeStatus(before), computeStatus(after)).map(({ type, reason }) => `${type} ${reason}`)).toEqual(expected)
  })
})

test('a zone that is Pending because its fleet was not read yet says so, and not that something is wrong with it', () => {
  const accepted = (status: 'True' | 'False') =>
    ({ type: 'Accepted', status, reason: 'Any', message: 'any', lastTransitionTime: '2026-01-01T00:00:00Z' }) as const
  const told = (status: 'True' | 'False') => eventsOf(undefined, { phase: 'Pending', conditions: [accepted(status)] }).at(-1)?.message
  expect([told('True'), told('False')]).toEqual([
    'the zone index was not read for its fleet yet',
    'nothing is hosted before that is put right',
  ])
})
