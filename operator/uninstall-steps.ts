import type { Clock } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import type { FleetId, LayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import { SWEEP_EVERY } from '../core/timing.ts'
import { idOfZone, wantedFleet, ZONE_FINALIZER, type Zone } from '../core/zone.ts'

/** What the uninstallation does in the cluster. Every method may be repeated. */
export interface UninstallCluster {
  listZones(): Promise<readonly Zone[]>
  listFleets(): Promise<readonly FleetId[]>
  deleteZone(zone: Zone): Promise<void>
  /** Removes our finalizer and says in the status that nobody serves the zone any more. */
  freeZone(zone: Zone): Promise<void>
  /** Deletes the Fleet and FleetAutoscaler that the operator made for this zone. */
  deleteDedicatedFleet(zone: Zone): Promise<void>
  /** No operator runs or may run when this has resolved. */
  stopOperator(): Promise<void>
  /** Removes what is left of the operator. */
  forgetOperator(): Promise<void>
}

export interface UninstallDeps {
  readonly cluster: UninstallCluster
  readonly index: ZoneIndex
  readonly clock: Clock
  readonly wait: (ms: number) => Promise<void>
  readonly log: Log
  readonly defaultFleet: string
  /** Delete every Zone object too. */
  readonly deleteZones: boolean
  readonly deadlineMs: number
}

/**
 * Closes all layers with their final snapshots and frees all zones, so that what served them can be removed: nothing that players did is lost and nothing
 * hangs on a finalizer afterwards. Stored data is not touched. Safe to run again after any failure. Throws Timeout, naming the layers that did not close.
 */
export async function uninstall(deps: UninstallDeps): Promise<void> {
  const deadline = deps.clock.now() + deps.deadlineMs
  await finishDeletions(deps, deps.clock.now() + deps.deadlineMs / 2)
  await deps.cluster.stopOperator()
  await closeLayers(deps, deadline)
  for (const zone of await deps.cluster.listZones()) {
    if (zone.spec.dedicated !== undefined) await deps.cluster.deleteDedicatedFleet(zone)
    if (zone.metadata.deletionTimestamp !== undefined && zone.spec.retention === 'Delete') {
      deps.log.warn({ zone: idOfZone(zone) }, 'uninstall: the operator had not erased the data of this zone, it stays in the store')
    }
    await deps.cluster.freeZone(zone)
  }
  await deps.cluster.forgetOperator()
  deps.log.info({}, 'uninstall: all layers are closed and all zones are free')
}

/** While the operator runs it finishes what is being deleted, retention included; only for so long, since it may be down for good. */
async function finishDeletions({ cluster, clock, wait, log, deleteZones }: UninstallDeps, deadline: number): Promise<void> {
  if (deleteZones) {
    for (const zone of await cluster.listZones()) await cluster.deleteZone(zone)
  }
  for (;;) {
    const left = (await cluster.listZones()).filter((zone) => zone.metadata.deletionTimestamp !== undefined && isOurs(zone))
    if (left.length === 0) return
    if (clock.now() >= deadline) {
      log.warn({ zones: left.slice(0, 20).map(idOfZone) }, 'uninstall: the operator does not finish these deletions, going on without it')
      return
    }
    await wait(SWEEP_EVERY)
  }
}

const isOurs = (zone: Zone): boolean => zone.metadata.finalizers?.includes(ZONE_FINALIZER) ?? false

async function closeLayers(deps: UninstallDeps, deadline: number): Promise<void> {
  const { index, clock, wait, log } = deps
  const fleets = await fleetsInUse(deps)
  for (;;) {
    const left: LayerId[] = []
    for (const fleet of fleets) left.push(...(await closeIn(index, fleet)))
    if (left.length === 0) return
    if (clock.now() >= deadline) {
      throw new BailiwickError('Timeout', {
        asked: 'all layers closed',
        found: `still open: ${left.slice(0, 20).join(', ')}${left.length > 20 ? ` and ${left.length - 20} more` : ''}`,
        todo: 'see the logs of their hosts; uninstall again, or with --no-hooks to give up what they did since their last snapshot',
      })
    }
    log.info({ layers: left.length }, 'uninstall: waiting for layers to close')
    await wait(SWEEP_EVERY)
  }
}

/** Bars every zone that has a layer in the fleet and answers the layers that are still open. The sweep takes layers of dead hosts back. */
async function closeIn(index: ZoneIndex, fleet: FleetId): Promise<readonly LayerId[]> {
  const view = await index.fleetView(fleet)
  const barred = new Set(view.barred)
  const open = view.layers.filter((layer) => layer.state !== 'Asleep' && layer.state !== 'Barred' && layer.state !== 'Quarantined')
  for (const zone of new Set(open.map(({ layer }) => zoneOf(layer)))) {
    if (!barred.has(zone)) await index.barZone(fleet, zone, 'Suspend')
  }
  if (open.length > 0) await index.sweep(fleet)
  return open.map(({ layer }) => layer)
}

/** Every fleet in which a layer may be: those of zones as they are and as they were, and all that exist. */
async function fleetsInUse({ cluster, index, defaultFleet, log }: UninstallDeps): Promise<ReadonlySet<FleetId>> {
  const zones = await cluster.listZones()
  const settings = await index.listZones()
  const fleets = new Set<FleetId>([...(await cluster.listFleets()), ...settings.map(({ fleet }) => fleet)])
  for (const zone of zones) {
    try {
      fleets.add(wantedFleet(zone, defaultFleet))
      // A zone that nobody plays in must not be woken either.
      await index.barZone(wantedFleet(zone, defaultFleet), idOfZone(zone), 'Suspend')
    } catch (error) {
      log.warn({ zone: zone.metadata.name, error: describeError(error) }, 'uninstall: this zone names no fleet that could be')
    }
  }
  return fleets
}

function zoneOf(layer: LayerId): `${string}/${string}` {
  const [namespace = '', name = ''] = layer.split('/')
  return `${namespace}/${name}`
}
