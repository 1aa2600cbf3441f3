import type { FleetId } from '../core/ids.ts'
import { parseLayerId } from '../core/ids.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { FINALIZER_DEADLINE, SWEEP_EVERY } from '../core/timing.ts'
import { ZONE_FINALIZER } from '../core/zone.ts'
import type { Placement } from './fleet-mirror.ts'
import { type FleetFacts, isLeft, type Observed, openLayers } from './observe.ts'
import type { Action, Plan } from './plan.ts'

/**
 * What to do for a zone that is being deleted: nobody may open it, its layers are closed with final snapshots, retention is applied, and only then is it let
 * go. Past FINALIZER_DEADLINE it is let go all the same, and an event says what is left. `settingsKnown`: the index was read. Pure.
 */
export function planDeletion(observed: Observed, settingsKnown: boolean): Plan {
  const { zone, settings } = observed
  if (zone.metadata.finalizers?.includes(ZONE_FINALIZER) !== true) return { actions: [] }
  const actions: Action[] = []
  if (settings !== undefined || !settingsKnown) actions.push({ do: 'deleteZone', uid: settings?.uid ?? zone.metadata.uid ?? '' })
  const fleets = concerned(observed)
  for (const { id, placement } of fleets) if (needsBar(placement)) actions.push({ do: 'barZone', fleet: id, reason: 'Delete' })
  const left = settingsKnown && fleets.every(isLeft)
  const late = deadlineOf(observed) <= observed.now
  if (!left && !late) return { actions, againAfterMs: SWEEP_EVERY }
  if (!left)
    actions.push({
      do: 'event',
      event: { type: 'Warning', reason: 'DeadlinePassed', message: `Let go after the deadline; ${whatIsLeft(observed)}` },
    })
  if (zone.spec.retention === 'Delete') actions.push({ do: 'eraseLayers', known: knownLayers(observed) })
  for (const { id } of fleets) actions.push({ do: 'forgetZone', fleet: id })
  actions.push({ do: 'setFinalizer', present: false })
  return late ? { actions, bestEffort: true } : { actions }
}

/** What to do about something in the index whose Zone no longer exists (its finalizer was taken away by hand). Pure. */
export function planStray(settings: ZoneSettings | undefined, placements: ReadonlyMap<FleetId, Placement | undefined>): Plan {
  const bars: Action[] = [...placements].flatMap(([fleet, placement]) =>
    needsBar(placement) ? [{ do: 'barZone', fleet, reason: 'Delete' }] : [],
  )
  if (bars.length > 0) return { actions: bars }
  const facts = [...placements].map(([id, placement]): FleetFacts => ({ id, placement, fleet: undefined, trouble: undefined }))
  if (!facts.every(isLeft)) return { actions: [], againAfterMs: SWEEP_EVERY }
  // Forgotten ones keep their bar for a while: without records or settings there is nothing more to do.
  const recorded = facts.filter(({ placement }) => (placement?.layers.length ?? 0) > 0)
  const forget: Action[] = recorded.map(({ id }) => ({ do: 'forgetZone', fleet: id }))
  return { actions: settings === undefined ? forget : [...forget, { do: 'deleteZone', uid: settings.uid }] }
}

/** A sentence about what still keeps a zone that is being deleted; also what is told when it is let go all the same. */
export function whatIsLeft(observed: Observed): string {
  const fleets = concerned(observed)
  const open = fleets.flatMap(({ id, placement }) =>
    openLayers(placement).map(({ layer, state, host }) => {
      const where = host === undefined ? id : `${host} of ${id}`
      return `layer ${parseLayerId(layer).index} is ${state} on ${where}`
    }),
  )
  if (open.length > 0) return open.slice(0, 10).join(', ')
  return fleets.every(isLeft) ? 'all layers are closed' : 'no layer is known to be open, the index has not confirmed it yet'
}

function deadlineOf({ zone, now }: Observed): number {
  const since = Date.parse(zone.metadata.deletionTimestamp ?? '')
  return (Number.isNaN(since) ? now : since) + FINALIZER_DEADLINE
}

/** A copy from before the operator's own last change says nothing: it may have been the bar. */
function needsBar(placement: Placement | undefined): boolean {
  return placement === undefined || (placement.fresh && !placement.barred)
}

/** Every fleet where a layer of the zone may be. */
function concerned({ wanted, inUse }: Observed): readonly FleetFacts[] {
  return inUse === undefined || inUse.id === wanted.id ? [wanted] : [inUse, wanted]
}

function knownLayers({ zone, settings, wanted, inUse }: Observed): number {
  const seen = [wanted, inUse].flatMap((facts) => facts?.placement?.layers.map(({ layer }) => parseLayerId(layer).index + 1) ?? [])
  const stated = zone.status?.layers?.map(({ index }) => index + 1) ?? []
  return Math.max(settings?.layers.max ?? 1, zone.spec.layers?.max ?? 1, zone.spec.layers?.min ?? 1, ...seen, ...stated)
}
