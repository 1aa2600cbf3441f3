import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FleetId } from '../../../core/ids.ts'
import type { LayerState, LayerView } from '../../../core/ports/index-port.ts'
import { FINALIZER_DEADLINE } from '../../../core/timing.ts'
import type { ZoneSpec } from '../../../core/zone.ts'
import type { FleetFacts, Observed } from '../../../operator/observe.ts'
import { type Action, plan } from '../../../operator/plan.ts'
import { planDeletion } from '../../../operator/plan-deletion.ts'
import { compareStatus, computeStatus } from '../../../operator/status.ts'
import { conditionTables } from '../../../operator/status-conditions.ts'
import { eventsOf } from '../../../operator/status-events.ts'
import { phaseTable } from '../../../operator/status-phases.ts'
import { FLEET, fleet, layer, NOW, placement, zone } from './observed.ts'

const RUNS = 400

const states: readonly LayerState[] = ['Asleep', 'Wished', 'Assigned', 'Claiming', 'Serving', 'Closing', 'Barred']

const layerOf = (index: number): fc.Arbitrary<LayerView> =>
  fc
    .record({
      state: fc.constantFrom(...states),
      players: fc.nat(300),
      dataSafe: fc.boolean(),
      closeRequested: fc.constantFrom(undefined, 'ScaleDown', 'Drain', 'Suspend'),
      failure: fc.constantFrom(undefined, 'StoreUnavailable: away'),
    })
    .map((extra) => layer(index, extra))

const placements = fc.option(
  fc
    .record({
      fresh: fc.boolean(),
      barred: fc.boolean(),
      layers: fc.tuple(...[0, 1, 2, 3].map((index) => fc.option(layerOf(index), { nil: undefined }))),
      emptyFor: fc.nat(900_000),
    })
    .map(({ fresh, barred, layers, emptyFor }) => {
      const found = layers.filter((one) => one !== undefined)
      const empty = found.filter(({ state, players }) => state === 'Serving' && players === 0)
      return placement({ fresh, barred, layers: found, emptySince: new Map(empty.map((one) => [one.layer, NOW - emptyFor])) })
    }),
  { nil: undefined, freq: 6 },
)

const fleetFacts = (id: FleetId, owner?: string): fc.Arbitrary<FleetFacts> =>
  fc
    .record({
      exists: fc.constantFrom(true, true, true, false),
      deleting: fc.constantFrom(false, false, false, true),
      placement: placements,
    })
    .map(({ exists, deleting, placement: seen }) => ({
      id,
      fleet: exists ? fleet(id, { deleting, ownerZone: owner }) : undefined,
      placement: seen,
      trouble: undefined,
    }))

const specs: fc.Arbitrary<ZoneSpec> = fc
  .record({
    activation: fc.constantFrom('OnDemand' as const, 'Always' as const),
    suspend: fc.boolean(),
    min: fc.integer({ min: 1, max: 3 }),
    more: fc.nat(2),
    retention: fc.constantFrom('Retain' as const, 'Delete' as const),
  })
  .map(({ min, more, ...rest }) => ({ ...rest, bounds: zone().spec.bounds, layers: { min, max: min + more, maxPlayers: 300 } }))

const contents: fc.Arbitrary<Observed['content']> = fc.constantFrom<Observed['content'][]>(
  { state: 'none' },
  { state: 'missing', configMap: 'game/map' },
  { state: 'unread', configMap: 'game/map' },
  { state: 'invalid', configMap: 'game/map', why: 'content.yaml line 3: map: no' },
  { state: 'unreadable', configMap: 'game/map', why: 'forbidden' },
  { state: 'read', configMap: 'game/map', hash: 'abc' },
)

const neighbours: fc.Arbitrary<Observed['neighbours']> = fc.subarray([
  { zone: 'game/cave', state: 'mutual' as const },
  { zone: 'game/forest', state: 'oneSided' as const },
  { zone: 'game/lake', state: 'unknown' as const },
])

const observations: fc.Arbitrary<Observed> = fc
  .record({
    spec: specs,
    generation: fc.integer({ min: 1, max: 9 }),
    dying: fc.option(fc.nat(FINALIZER_DEADLINE - 1), { nil: undefined, freq: 5 }),
    finalizers: fc.constantFrom<string[][]>([], ['bailiwick.dev/zone']),
    wanted: fleetFacts(FLEET),
    old: fc.option(fleetFacts('game/old'), { nil: undefined }),
    content: contents,
    neighbours,
    kept: fc.constantFrom(undefined, 'old-hash'),
    known: fc.boolean(),
    leftover: fc.constantFrom<(FleetId | undefined)[]>(undefined, undefined, 'game/zone-meadow'),
  })
  .map(({ spec, generation, dying, finalizers, wanted, old, kept, known, ...rest }): Observed => {
    const deletion =
      dying === undefined ? {} : { deletionTimestamp: new Date(NOW - dying).toISOString(), finalizers: ['bailiwick.dev/zone'] }
    const object = zone(spec, { generation, finalizers, ...deletion })
    const inUse = old ?? (known ? wanted : undefined)
    const settings: Observed['settings'] = known
      ? {
          ...{ zone: 'game/meadow', uid: 'u1', generation: 1, fleet: (inUse ?? wanted).id, activation: 'OnDemand', suspended: false },
          ...{
            idleAfterMs: 1,
            layers: { min: 1, max: 1, maxPlayers: 1, targetPlayers: 1 },
            bounds: spec.bounds,
            tickRateHz: 1,
            snapshotEveryMs: 1,
          },
          ...(kept === undefined ? {} : { content: kept }),
        }
      : undefined
    return { zone: object, now: NOW, wanted, inUse, template: undefined, ownAutoscaler: undefined, surplus: undefined, settings, ...rest }
  })

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) frozen(each)
  }
  return value
}

describe('laws of a status', () => {
  const reasons = new Map(conditionTables.map(([type, rows]) => [type, new Set(rows.map(([status, reason]) => `${status} ${reason}`))]))

  test('it is a function of what was observed, changes nothing of it, and is the same once it was written', () => {
    fc.assert(
      fc.property(observations, (seen) => {
        const status = computeStatus(frozen(seen))
        expect(computeStatus(seen)).toEqual(status)
        const later = { ...seen, now: seen.now + 3_600_000, zone: { ...seen.zone, status } }
        expect(compareStatus(status, computeStatus(later))).toBe('same')
        expect(eventsOf(status, computeStatus(later))).toEqual([])
      }),
      { numRuns: RUNS },
    )
  })

  test('no condition without a reason of its table and a sentence; generations are those of the zone', () => {
    fc.assert(
      fc.property(observations, (seen) => {
        const status = computeStatus(seen)
        const { generation } = seen.zone.metadata
        expect(status.observedGeneration).toBe(generation)
        expect(phaseTable.map(({ phase }) => phase)).toContain(status.phase)
        const known = (seen.inUse ?? seen.wanted).placement !== undefined
        expect(status.conditions?.map(({ type }) => type)).toEqual(known ? [...reasons.keys()] : ['Accepted'])
        for (const { type, status: is, reason, message, observedGeneration } of status.conditions ?? []) {
          expect(reasons.get(type)?.has(`${is} ${reason}`), `${type} ${is} ${reason}`).toBe(true)
          expect(message.length).toBeGreaterThan(5)
          expect(message).not.toMatch(/undefined|\[object|NaN/)
          expect(observedGeneration).toBe(generation)
        }
      }),
      { numRuns: RUNS },
    )
  })

  test('a time of a condition changes with its status and with nothing else', () => {
    fc.assert(
      fc.property(observations, observations, (first, second) => {
        const before = computeStatus(first)
        const after = computeStatus({ ...second, now: NOW + 60_000, zone: { ...second.zone, status: before } })
        for (const is of after.conditions ?? []) {
          const was = before.conditions?.find(({ type }) => type === is.type)
          expect(is.lastTransitionTime === was?.lastTransitionTime, is.type).toBe(is.status === was?.status)
        }
      }),
      { numRuns: RUNS },
    )
  })
})

/** What an action makes of the world, when hosts do what they are asked: for the part of it that plans look at. */
function carryOut(seen: Observed, action: Action): Observed {
  const inFleet = (id: FleetId, change: (facts: FleetFacts) => FleetFacts): Observed => {
    const wanted = seen.wanted.id === id ? change(seen.wanted) : seen.wanted
    const inUse = seen.inUse?.id === seen.wanted.id ? wanted : seen.inUse?.id === id ? change(seen.inUse) : seen.inUse
    return { ...seen, wanted, inUse }
  }
  const withPlacement = (facts: FleetFacts, change: Partial<ReturnType<typeof placement>>): FleetFacts => ({
    ...facts,
    placement: { ...(facts.placement ?? placement()), fresh: true, ...change },
  })
  switch (action.do) {
    case 'setFinalizer':
      return {
        ...seen,
        zone: { ...seen.zone, metadata: { ...seen.zone.metadata, finalizers: action.present ? ['bailiwick.dev/zone'] : [] } },
      }
    case 'putZone':
      return { ...seen, settings: action.settings, inUse: seen.wanted }
    case 'deleteZone':
      return { ...seen, settings: undefined }
    case 'barZone':
      return inFleet(action.fleet, (facts) => withPlacement(facts, { barred: true, layers: [] }))
    case 'unbarZone':
      return inFleet(action.fleet, (facts) => withPlacement(facts, { barred: false }))
    case 'forgetZone':
      return inFleet(action.fleet, (facts) => withPlacement(facts, { layers: [] }))
    case 'placeLayer':
    case 'retryLayer':
      return inFleet(action.fleet, (facts) => {
        const others = facts.placement?.layers.filter((one) => one.layer !== action.layer) ?? []
        const served = { ...layer(0), layer: action.layer }
        return withPlacement(facts, { layers: [...others, served].sort((a, b) => (a.layer < b.layer ? -1 : 1)) })
      })
    case 'requestClose':
      return inFleet(action.fleet, (facts) =>
        withPlacement(facts, { layers: facts.placement?.layers.filter((one) => one.layer !== action.layer) ?? [] }),
      )
    case 'deleteFleet':
      return { ...seen, leftover: undefined }
    case 'applyManifest':
    case 'eraseLayers':
    case 'event':
      return seen
  }
}

/** What hosts and the watch do meanwhile: everything on its way arrives, and every fleet was read. */
function settle(seen: Observed): Observed {
  const settled = (facts: FleetFacts): FleetFacts => {
    const before = facts.placement ?? placement()
    const layers = before.layers.flatMap((one): LayerView[] => {
      if (before.barred || one.state === 'Closing' || one.closeRequested !== undefined) return []
      return one.state === 'Asleep' || one.state === 'Barred'
        ? [one]
        : [{ ...one, state: 'Serving', host: 'h1', failure: undefined, dataSafe: true }]
    })
    return { ...facts, placement: { ...before, fresh: true, layers } }
  }
  const wanted = settled(seen.wanted)
  return { ...seen, wanted, inUse: seen.inUse?.id === wanted.id ? wanted : seen.inUse === undefined ? undefined : settled(seen.inUse) }
}

describe('laws of plans', () => {
  test('a plan is a function of what was observed; doing it leads to a state in which nothing is to be done', () => {
    fc.assert(
      fc.property(observations, (first) => {
        const next = (seen: Observed) => (seen.zone.metadata.deletionTimestamp === undefined ? plan(seen) : planDeletion(seen, true))
        expect(next(frozen(first))).toEqual(next(first))
        let seen = first
        const done: string[] = []
        for (let round = 0; round < 8; round++) {
          const { actions } = next(seen)
          done.push(...actions.map((action) => action.do))
          seen = settle(actions.reduce(carryOut, seen))
        }
        const rest = next(seen)
        expect({ done, left: rest.actions }).toEqual({ done, left: [] })
        if (first.zone.metadata.deletionTimestamp !== undefined) {
          expect(seen.zone.metadata.finalizers).toEqual([])
          return
        }
        const status = computeStatus(seen)
        const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
        expect(progressing?.status, JSON.stringify(progressing)).toBe('False')
      }),
      { numRuns: RUNS },
    )
  })

  test('nothing is placed in a fleet while another has a layer open, nor while the zone is suspended, refused or being deleted', () => {
    fc.assert(
      fc.property(observations, (seen) => {
        const { zone: object, wanted, inUse } = seen
        const dying = object.metadata.deletionTimestamp !== undefined
        const placing = (dying ? planDeletion(seen, true) : plan(seen)).actions.some(
          (action) => action.do === 'placeLayer' || action.do === 'unbarZone',
        )
        if (!placing) return
        expect([dying, object.spec.suspend, wanted.fleet?.deleting]).toEqual([false, false, false])
        const openElsewhere =
          inUse !== undefined && inUse.id !== wanted.id && (inUse.placement?.layers ?? []).some(({ host }) => host !== undefined)
        if (openElsewhere) expect(isDeepStrictEqual(inUse?.placement?.barred, true)).toBe(true)
        expect(inUse === undefined || inUse.id === wanted.id || inUse.placement?.fresh).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })
})
