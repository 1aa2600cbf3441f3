import { describe, expect, test } from 'vitest'
import { CROWD_STABLE_FOR, FINALIZER_DEADLINE } from '../../../core/timing.ts'
import { type Zone, zoneSettings } from '../../../core/zone.ts'
import type { Observed } from '../../../operator/observe.ts'
import { type Action, plan } from '../../../operator/plan.ts'
import { planDeletion, planStray } from '../../../operator/plan-deletion.ts'
import { FLEET, facts, fleet, layer, NOW, observed, placement, zone } from './observed.ts'

/** One action in one word, with what tells it from others. */
function word(action: Action): string {
  switch (action.do) {
    case 'setFinalizer':
      return action.present ? 'add finalizer' : 'remove finalizer'
    case 'applyManifest':
      return `apply ${action.manifest.kind} ${action.manifest.metadata.name}`
    case 'barZone':
      return `bar ${action.fleet} ${action.reason}`
    case 'placeLayer':
      return `place ${action.layer}`
    case 'retryLayer':
      return `retry ${action.layer}`
    case 'requestClose':
      return `close ${action.layer} ${action.reason}`
    case 'putZone':
      return `put ${action.settings.fleet}`
    case 'deleteZone':
      return `unpublish ${action.uid}`
    case 'unbarZone':
    case 'forgetZone':
    case 'deleteFleet':
      return `${{ unbarZone: 'unbar', forgetZone: 'forget', deleteFleet: 'delete fleet' }[action.do]} ${action.fleet}`
    case 'eraseLayers':
      return `erase ${action.known}`
    case 'event':
      return `tell ${action.event.reason}`
  }
}

/** The observation of a zone whose settings are published as they are. */
function published(object: Zone, extra: Partial<Observed> = {}): Observed {
  return observed({ zone: object, settings: zoneSettings(object, FLEET), ...extra })
}

const other = (extra = {}) => facts({ id: 'game/old', ...extra })
const always = (extra = {}) => zone({ activation: 'Always', layers: { min: 2, max: 3 }, ...extra })
const withLayers = (...layers: ReturnType<typeof layer>[]) => facts({ placement: placement({ layers }) })
const empty = (index: number, since: number) =>
  facts({ placement: placement({ layers: [layer(0), layer(index)], emptySince: new Map([[`game/meadow/${index}` as const, since]]) }) })
const aside = layer(1, { state: 'Quarantined', host: undefined, failure: 'tick 7' })
const retrying = (value: string) => {
  const object = always()
  return { ...object, metadata: { ...object.metadata, annotations: { 'bailiwick.dev/retry': value } } }
}
const surplus = (since: number) => ({ layer: 'game/meadow/2', since }) as const
const template = { id: 'game/base', fleet: fleet('game/base'), autoscaler: { name: 'a', spec: {} } } as const
const dedicated = zone({ dedicated: { from: 'base' } })

const table: readonly [string, Observed, readonly string[]][] = [
  ['a new zone', observed({ zone: zone({}, { finalizers: [] }), inUse: undefined }), ['add finalizer', `put ${FLEET}`]],
  ['nothing to do', published(zone()), []],
  ['settings that differ', published(zone(), { settings: { ...zoneSettings(zone(), FLEET), tickRateHz: 1 } }), [`put ${FLEET}`]],
  [
    'a border that opened',
    published(zone({ neighbours: ['forest'] }), { neighbours: [{ zone: 'game/forest', state: 'mutual' }] }),
    [`put ${FLEET}`],
  ],
  [
    'a border that stays closed',
    published(zone({ neighbours: ['forest'] }), { neighbours: [{ zone: 'game/forest', state: 'oneSided' }] }),
    [],
  ],
  ['a quarantined layer is not placed', published(always(), { wanted: withLayers(layer(0), aside) }), []],
  [
    'a quarantined layer, and a new try is asked for',
    published(always(), {
      wanted: withLayers(layer(0), aside),
      zone: retrying('2'),
      settings: { ...zoneSettings(always(), FLEET), retry: '1' },
    }),
    ['retry game/meadow/1', `put ${FLEET}`],
  ],
  [
    'a quarantined layer, and the try that was asked for was made',
    published(always(), {
      wanted: withLayers(layer(0), aside),
      zone: retrying('2'),
      settings: { ...zoneSettings(always(), FLEET), retry: '2' },
    }),
    [],
  ],
  [
    'a new try is asked for, and nothing is quarantined',
    published(retrying('2'), { wanted: withLayers(layer(0), layer(1)) }),
    [`put ${FLEET}`],
  ],
  [
    'a layer that the crowd does not need, not for long',
    published(always(), { wanted: withLayers(layer(0), layer(1), layer(2)), surplus: surplus(NOW - CROWD_STABLE_FOR + 1) }),
    [],
  ],
  [
    'a layer that the crowd has not needed for long',
    published(always(), { wanted: withLayers(layer(0), layer(1), layer(2)), surplus: surplus(NOW - CROWD_STABLE_FOR) }),
    ['close game/meadow/2 ScaleDown'],
  ],
  [
    'settings of an earlier zone of the name',
    published(zone(), { settings: { ...zoneSettings(zone(), FLEET), uid: 'u0' } }),
    [`put ${FLEET}`],
  ],
  ['no fleet', published(always(), { wanted: facts({ fleet: undefined }) }), []],
  ['a fleet that is being deleted', published(always(), { wanted: facts({ fleet: fleet(FLEET, { deleting: true }) }) }), []],
  ['Always, nothing open', published(always()), ['place game/meadow/0', 'place game/meadow/1']],
  ['Always, one waits already', published(always(), { wanted: withLayers(layer(0, { state: 'Wished' })) }), ['place game/meadow/1']],
  ['Always, one closes', published(always(), { wanted: withLayers(layer(0, { state: 'Closing' }), layer(1)) }), []],
  ['Always, one asleep', published(always(), { wanted: withLayers(layer(0), layer(1, { state: 'Asleep' })) }), ['place game/meadow/1']],
  ['Always, index not read yet', published(always(), { wanted: facts({ placement: undefined }) }), []],
  ['OnDemand, nothing open', published(zone()), []],
  [
    'a layer beyond max, with players',
    published(always(), { wanted: withLayers(layer(0), layer(1), layer(3, { players: 9 })) }),
    ['close game/meadow/3 ScaleDown'],
  ],
  [
    'layers beyond max that are not open yet: somebody in there is to be let go first',
    published(always(), { wanted: withLayers(layer(0), layer(1), layer(3, { state: 'Wished' }), layer(4, { state: 'Assigned' })) }),
    [],
  ],
  [
    'a layer beyond max that is claimed',
    published(zone(), { wanted: withLayers(layer(1, { state: 'Claiming' })) }),
    ['close game/meadow/1 ScaleDown'],
  ],
  ['a layer beyond max, asked already', published(zone(), { wanted: withLayers(layer(1, { closeRequested: 'ScaleDown' })) }), []],
  [
    'a layer beyond min, empty for long',
    published(always({ layers: { min: 1, max: 3 } }), { wanted: empty(1, NOW - 300_000) }),
    ['close game/meadow/1 ScaleDown'],
  ],
  ['a layer beyond min, just empty', published(always({ layers: { min: 1, max: 3 } }), { wanted: empty(1, NOW - 1_000) }), []],
  ['OnDemand leaves idle layers to their hosts', published(zone({ layers: { min: 1, max: 3 } }), { wanted: empty(1, NOW - 900_000) }), []],
  ['suspend', published(always({ suspend: true }), { wanted: withLayers(layer(0)) }), [`bar ${FLEET} Suspend`]],
  ['suspended', published(always({ suspend: true }), { wanted: facts({ placement: placement({ barred: true }) }) }), []],
  [
    'suspend, though the fleet is gone',
    published(always({ suspend: true }), { wanted: facts({ fleet: undefined, placement: placement({ layers: [layer(0)] }) }) }),
    [`bar ${FLEET} Suspend`],
  ],
  [
    'open again',
    published(always(), { wanted: facts({ placement: placement({ barred: true }) }) }),
    [`unbar ${FLEET}`, 'place game/meadow/0', 'place game/meadow/1'],
  ],
  ['another fleet', published(always(), { inUse: other({ placement: placement({ layers: [layer(0)] }) }) }), ['bar game/old FleetChange']],
  [
    'another fleet, the old one not read yet',
    published(always(), { inUse: other({ placement: undefined }) }),
    ['bar game/old FleetChange'],
  ],
  [
    'another fleet, still closing',
    published(always(), { inUse: other({ placement: placement({ barred: true, layers: [layer(0)] }) }) }),
    [],
  ],
  [
    'another fleet, seen before the bar',
    published(always(), { inUse: other({ placement: placement({ barred: true, fresh: false }) }) }),
    [],
  ],
  [
    'another fleet, left',
    observed({ zone: always(), settings: zoneSettings(always(), 'game/old'), inUse: other({ placement: placement({ barred: true }) }) }),
    ['forget game/old', `put ${FLEET}`, 'place game/meadow/0', 'place game/meadow/1'],
  ],
  [
    'another fleet that does not exist: stays where it is',
    published(always(), { wanted: facts({ fleet: undefined }), inUse: other() }),
    [],
  ],
  [
    'dedicated, nothing to copy',
    observed({ zone: dedicated, wanted: facts({ id: 'game/zone-meadow', fleet: undefined }), template: { ...template, fleet: undefined } }),
    [],
  ],
  [
    'dedicated, not made yet',
    observed({ zone: dedicated, wanted: facts({ id: 'game/zone-meadow', fleet: undefined }), template }),
    ['apply Fleet zone-meadow', 'apply FleetAutoscaler zone-meadow'],
  ],
  ['dedicated, the name is taken', observed({ zone: dedicated, wanted: facts({ id: 'game/zone-meadow' }), template }), []],
  [
    'dedicated, made from something older',
    observed({
      zone: dedicated,
      settings: zoneSettings(dedicated, 'game/zone-meadow'),
      wanted: facts({ id: 'game/zone-meadow', fleet: fleet('game/zone-meadow', { ownerZone: 'u1' }) }),
      template,
    }),
    ['apply Fleet zone-meadow', 'apply FleetAutoscaler zone-meadow'],
  ],
  ['a dedicated fleet that is no longer asked for', published(zone(), { leftover: 'game/zone-meadow' }), ['delete fleet game/zone-meadow']],
  ['a dedicated fleet that is still in use', published(zone(), { leftover: 'game/old', inUse: other() }), ['bar game/old FleetChange']],
]

describe('plan', () => {
  test.each(table)('%s', (_name, given, expected) => {
    expect(plan(given).actions.map(word)).toEqual(expected)
  })

  test('an empty layer beyond min is looked at again when its time comes', () => {
    expect(plan(published(always({ layers: { min: 1, max: 3 } }), { wanted: empty(1, NOW - 1_000) })).againAfterMs).toBe(299_000)
  })
})

const dying = (extra: Partial<Zone['spec']> = {}, ago = 1_000) => zone(extra, { deletionTimestamp: new Date(NOW - ago).toISOString() })
const left = facts({ placement: placement({ barred: true }) })
const openOne = facts({ placement: placement({ barred: true, layers: [layer(0)] }) })

describe('plan of a deletion', () => {
  test.each<[string, Observed, boolean, readonly string[], true | undefined]>([
    ['not ours any more', observed({ zone: zone({}, { deletionTimestamp: 'x', finalizers: [] }) }), true, [], undefined],
    ['published and open', published(dying(), { wanted: withLayers(layer(0)) }), true, ['unpublish u1', `bar ${FLEET} Delete`], undefined],
    [
      'index not read yet',
      observed({ zone: dying(), wanted: facts({ placement: undefined }) }),
      false,
      ['unpublish u1', `bar ${FLEET} Delete`],
      undefined,
    ],
    ['closing', observed({ zone: dying(), wanted: openOne }), true, [], undefined],
    [
      'seen before the bar',
      observed({ zone: dying(), wanted: facts({ placement: placement({ barred: true, fresh: false }) }) }),
      true,
      [],
      undefined,
    ],
    ['closed', observed({ zone: dying(), wanted: left }), true, [`forget ${FLEET}`, 'remove finalizer'], undefined],
    [
      'closed, retention Delete',
      observed({ zone: dying({ retention: 'Delete', layers: { min: 2, max: 5 } }), wanted: left }),
      true,
      ['erase 5', `forget ${FLEET}`, 'remove finalizer'],
      undefined,
    ],
    [
      'two fleets, one open',
      observed({ zone: dying(), wanted: left, inUse: other({ placement: placement({ barred: true, layers: [layer(0)] }) }) }),
      true,
      [],
      undefined,
    ],
    [
      'two fleets, both closed',
      observed({ zone: dying(), wanted: left, inUse: other({ placement: placement({ barred: true }) }) }),
      true,
      ['forget game/old', `forget ${FLEET}`, 'remove finalizer'],
      undefined,
    ],
    [
      'deadline passed, still open',
      observed({ zone: dying({}, FINALIZER_DEADLINE), wanted: openOne }),
      true,
      ['tell DeadlinePassed', `forget ${FLEET}`, 'remove finalizer'],
      true,
    ],
    [
      'deadline passed, index away',
      observed({ zone: dying({}, FINALIZER_DEADLINE), wanted: facts({ placement: undefined }) }),
      false,
      ['unpublish u1', `bar ${FLEET} Delete`, 'tell DeadlinePassed', `forget ${FLEET}`, 'remove finalizer'],
      true,
    ],
  ])('%s', (_name, given, settingsKnown, expected, bestEffort) => {
    const next = planDeletion(given, settingsKnown)
    expect(next.actions.map(word)).toEqual(expected)
    expect(next.bestEffort).toBe(bestEffort)
  })
})

describe('plan of what a vanished zone left', () => {
  const settings = zoneSettings(zone(), FLEET)
  test.each<[string, Parameters<typeof planStray>, readonly string[]]>([
    ['not barred', [settings, new Map([[FLEET, placement({ layers: [layer(0)] })]])], [`bar ${FLEET} Delete`]],
    ['fleet not read yet', [settings, new Map([[FLEET, undefined]])], [`bar ${FLEET} Delete`]],
    ['closing', [settings, new Map([[FLEET, placement({ barred: true, layers: [layer(0)] })]])], []],
    [
      'closed',
      [settings, new Map([[FLEET, placement({ barred: true, layers: [layer(0, { state: 'Barred' })] })]])],
      [`forget ${FLEET}`, 'unpublish u1'],
    ],
    ['forgotten', [undefined, new Map([[FLEET, placement({ barred: true })]])], []],
  ])('%s', (_name, given, expected) => {
    expect(planStray(...given).actions.map(word)).toEqual(expected)
  })
})
