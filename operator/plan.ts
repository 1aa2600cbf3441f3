import { isDeepStrictEqual } from 'node:util'
import { type FleetId, type LayerId, layerId, parseLayerId } from '../core/ids.ts'
import type { CloseReason } from '../core/ports/index-port.ts'
import type { ConfigMapId, Manifest, ZoneEvent } from '../core/ports/zone-source-port.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { CROWD_STABLE_FOR } from '../core/timing.ts'
import { retryAsked, ZONE_FINALIZER } from '../core/zone.ts'
import { isRefused } from './acceptance.ts'
import { isLeft, type Observed, openLayers, quarantinedLayers, wantedSettings } from './observe.ts'
import { dedicatedObjects, isCurrent } from './resources.ts'

/** One thing to do. Each may be done again without harm. */
export type Action =
  | { readonly do: 'setFinalizer'; readonly present: boolean }
  | { readonly do: 'applyManifest'; readonly manifest: Manifest }
  | { readonly do: 'deleteFleet'; readonly fleet: FleetId }
  /** `contentFrom`: the ConfigMap that the named content is read from; undefined: the index has it. */
  | { readonly do: 'putZone'; readonly settings: ZoneSettings; readonly contentFrom?: ConfigMapId }
  | { readonly do: 'deleteZone'; readonly uid: string }
  | { readonly do: 'barZone'; readonly fleet: FleetId; readonly reason: CloseReason }
  | { readonly do: 'unbarZone'; readonly fleet: FleetId }
  | { readonly do: 'forgetZone'; readonly fleet: FleetId }
  | { readonly do: 'placeLayer'; readonly fleet: FleetId; readonly layer: LayerId }
  | { readonly do: 'retryLayer'; readonly fleet: FleetId; readonly layer: LayerId }
  | { readonly do: 'requestClose'; readonly fleet: FleetId; readonly layer: LayerId; readonly reason: CloseReason }
  /** Erases the stored data of all layers of the zone: at least those below `known`, and on to the first that has none. */
  | { readonly do: 'eraseLayers'; readonly known: number }
  | { readonly do: 'event'; readonly event: ZoneEvent }

export interface Plan {
  /** To be done in this order; what fails ends the plan, unless `bestEffort`. */
  readonly actions: readonly Action[]
  /** Look again after this many ms, though nothing changed. */
  readonly againAfterMs?: number
  /** Go on after an action that failed: what could not be done was told. */
  readonly bestEffort?: true
}

interface Step {
  readonly actions: readonly Action[]
  /** Nothing after this step may be done yet. */
  readonly stop?: true
  readonly againAfterMs?: number
}

const GO_ON: Step = { actions: [] }
const STOP: Step = { actions: [], stop: true }

/** The steps of a zone that is wanted, in order. */
const steps: readonly ((observed: Observed) => Step)[] = [
  keepFinalizer,
  makeDedicatedFleet,
  requireAcceptance,
  leaveOldFleet,
  publishSettings,
  closeSuspended,
  openAgain,
  retryQuarantined,
  keepOpen,
  closeSurplus,
  followCrowd,
  dropLeftover,
]

/** What to do for a zone that exists and is not being deleted. Pure. */
export function plan(observed: Observed): Plan {
  const actions: Action[] = []
  let again: number | undefined
  for (const step of steps) {
    const outcome = step(observed)
    actions.push(...outcome.actions)
    if (outcome.againAfterMs !== undefined) again = Math.min(again ?? outcome.againAfterMs, outcome.againAfterMs)
    if (outcome.stop === true) break
  }
  return again === undefined ? { actions } : { actions, againAfterMs: again }
}

/** Before anything of the zone exists elsewhere, since nobody would clean it up after a deletion. */
function keepFinalizer({ zone }: Observed): Step {
  return zone.metadata.finalizers?.includes(ZONE_FINALIZER) === true ? GO_ON : { actions: [{ do: 'setFinalizer', present: true }] }
}

function makeDedicatedFleet(observed: Observed): Step {
  const made = dedicatedObjects(observed)
  if (made === undefined || isRefused(observed) || isCurrent(observed.wanted.fleet, observed.ownAutoscaler, made)) return GO_ON
  const manifests = made.autoscaler === undefined ? [made.fleet] : [made.fleet, made.autoscaler]
  return { actions: manifests.map((manifest) => ({ do: 'applyManifest', manifest })) }
}

/** What is hosted already goes on as it is, unless it is to be closed. */
function requireAcceptance(observed: Observed): Step {
  const { zone, wanted, inUse } = observed
  if (!isRefused(observed) && wanted.fleet !== undefined) return GO_ON
  const { id, placement } = inUse ?? wanted
  const isClosedOrClosing = placement?.barred === true || openLayers(placement).length === 0
  return zone.spec.suspend !== true || isClosedOrClosing ? STOP : { actions: [{ do: 'barZone', fleet: id, reason: 'Suspend' }], stop: true }
}

/** A zone is hosted by one fleet only: the old one closes it, with final snapshots, before the new one may open it. */
function leaveOldFleet({ wanted, inUse }: Observed): Step {
  if (inUse === undefined || inUse.id === wanted.id) return GO_ON
  if (isLeft(inUse)) return { actions: [{ do: 'forgetZone', fleet: inUse.id }] }
  return inUse.placement?.barred === true ? STOP : { actions: [{ do: 'barZone', fleet: inUse.id, reason: 'FleetChange' }], stop: true }
}

function publishSettings(observed: Observed): Step {
  const { content, settings } = observed
  const current = wantedSettings(observed)
  if (isDeepStrictEqual(settings, current)) return GO_ON
  const from = content.state === 'read' ? { contentFrom: content.configMap } : {}
  const actions: Action[] = [{ do: 'putZone', settings: current, ...from }]
  if (settings?.uid === current.uid && settings.content !== current.content) {
    const what = content.state === 'read' ? `content of ConfigMap ${content.configMap}` : 'no content'
    actions.push({ do: 'event', event: { type: 'Normal', reason: 'ContentChanged', message: `${what} takes over; nobody has to leave` } })
  }
  return { actions }
}

function closeSuspended({ zone, wanted }: Observed): Step {
  if (zone.spec.suspend !== true) return GO_ON
  return wanted.placement?.barred === true ? STOP : { actions: [{ do: 'barZone', fleet: wanted.id, reason: 'Suspend' }], stop: true }
}

/** Also a zone of the same name that was deleted, or left this fleet, may have left a bar. */
function openAgain({ wanted }: Observed): Step {
  if (wanted.placement === undefined) return STOP
  return wanted.placement.barred ? { actions: [{ do: 'unbarZone', fleet: wanted.id }] } : GO_ON
}

/** A new value of the annotation: each quarantined layer is tried again, once. Until it was done the settings do not name the value. */
function retryQuarantined(observed: Observed): Step {
  const { zone, wanted } = observed
  const asked = retryAsked(zone)
  const settings = wantedSettings(observed)
  if (asked === undefined || asked === settings.retry) return GO_ON
  const retries = quarantinedLayers(wanted.placement).map(({ layer }): Action => ({ do: 'retryLayer', fleet: wanted.id, layer }))
  return { actions: [...retries, { do: 'putZone', settings: { ...settings, retry: asked } }] }
}

function keepOpen(observed: Observed): Step {
  const { wanted } = observed
  const settings = wantedSettings(observed)
  if (settings.activation !== 'Always') return GO_ON
  const settled = [...openLayers(wanted.placement), ...quarantinedLayers(wanted.placement)]
  const open = new Set(settled.map(({ layer }) => layer))
  const missing = Array.from({ length: settings.layers.min }, (_, index) => layerId(settings.zone, index)).filter(
    (layer) => !open.has(layer),
  )
  return { actions: missing.map((layer) => ({ do: 'placeLayer', fleet: wanted.id, layer })) }
}

/** Layers beyond `max` as soon as they are open (one that is only placed has somebody to release, whom its last owner could not: services/allocator/choose-layer.ts); layers that `Always` opened and no longer needs when they were empty for as long as an idle one may be. */
function closeSurplus(observed: Observed): Step {
  const { wanted, now } = observed
  const { layers, activation, idleAfterMs } = wantedSettings(observed)
  const actions: Action[] = []
  let again: number | undefined
  for (const view of openLayers(wanted.placement)) {
    if (view.closeRequested !== undefined) continue
    const { index } = parseLayerId(view.layer)
    const emptySince = wanted.placement?.emptySince.get(view.layer)
    const left = emptySince === undefined ? Number.POSITIVE_INFINITY : emptySince + idleAfterMs - now
    const close: Action = { do: 'requestClose', fleet: wanted.id, layer: view.layer, reason: 'ScaleDown' }
    const isPlaced = view.state === 'Wished' || view.state === 'Assigned'
    if ((index >= layers.max && !isPlaced) || (activation === 'Always' && index >= layers.min && left <= 0)) actions.push(close)
    else if (activation === 'Always' && index >= layers.min && Number.isFinite(left)) again = Math.min(again ?? left, left)
  }
  return again === undefined ? { actions } : { actions, againAfterMs: again }
}

/** A layer that the crowd has not needed for CROWD_STABLE_FOR: its players are sent to the others, which have room. */
function followCrowd({ wanted, surplus, now }: Observed): Step {
  if (surplus === undefined || wanted.placement?.fresh !== true) return GO_ON
  const left = surplus.since + CROWD_STABLE_FOR - now
  if (left > 0) return { actions: [], againAfterMs: left }
  return { actions: [{ do: 'requestClose', fleet: wanted.id, layer: surplus.layer, reason: 'ScaleDown' }] }
}

function dropLeftover({ leftover, inUse }: Observed): Step {
  return leftover === undefined || inUse?.id === leftover ? GO_ON : { actions: [{ do: 'deleteFleet', fleet: leftover }] }
}
