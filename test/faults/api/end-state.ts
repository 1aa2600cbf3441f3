import { describeError, isCode } from '../../../core/errors.ts'
import type { Condition } from '../../../core/zone.ts'
import { autoscalers, fleets } from '../../api-server/objects.ts'
import type { World } from './world.ts'

const FLEETS = ['zone-servers', 'fast', 'zone-meadow']

/**
 * What must come out the same whatever went wrong on the way: no times, versions, epochs, uids or counts of tries, and not which of two equal hosts. No
 * controller collects garbage here, so objects whose owner is gone count as gone.
 */
export async function endState(world: World): Promise<unknown> {
  const zones = await world.objects((namespace) => ({ group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones', namespace }))
  const living = new Set(zones.map(({ metadata }) => metadata.uid))
  const made = [...(await world.objects(fleets)), ...(await world.objects(autoscalers))]
  const owned = made.filter(({ metadata }) => metadata.ownerReferences?.every((owner) => living.has(owner.uid)) ?? true)
  const views = await Promise.all(FLEETS.map(async (name) => ({ name, view: await world.index.fleetView(world.fleet(name)) })))
  const settings = await world.index.listZones()
  const used = new Map(settings.map(({ zone, fleet }) => [zone, fleet]))
  return JSON.parse(
    JSON.stringify({
      zones: zones.map(zoneState),
      made: owned.map(({ kind, metadata, ...rest }) => ({
        kind,
        name: metadata.name,
        annotations: metadata.annotations,
        spec: rest['spec'],
      })),
      settings: settings.map(({ uid: _uid, ...rest }) => rest),
      index: views.map(({ name, view }) => ({
        name,
        // In a fleet that was left a bar stays for a while, and guards against stale readers only.
        barred: view.barred.filter((zone) => used.get(zone) === world.fleet(name)),
        open: view.layers
          .filter(({ host }) => host !== undefined)
          .map(({ layer, state, closeRequested }) => ({ layer, state, closeRequested })),
        waiting: view.layers.filter(({ state }) => state === 'Wished').map(({ layer }) => layer),
      })),
    }).replaceAll(world.namespace, 'game'),
  )
}

function zoneState({ metadata, ...rest }: Awaited<ReturnType<World['objects']>>[number]): unknown {
  const status = (rest['status'] ?? {}) as Record<string, unknown>
  const conditions = (status['conditions'] ?? []) as readonly Condition[]
  const layers = (status['layers'] ?? []) as readonly { index: number; state: string; players?: number }[]
  return {
    name: metadata.name,
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers,
    generation: metadata.generation,
    spec: rest['spec'],
    status: {
      ...Object.fromEntries(['observedGeneration', 'phase', 'fleet', 'players', 'layerCount'].map((field) => [field, status[field]])),
      layers: layers.map(({ index, state, players }) => ({ index, state, players })),
      conditions: conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`).sort(),
    },
  }
}

/** The end state, or why it can't be had now: the index may be away. */
export async function endStateNow(world: World): Promise<unknown> {
  try {
    return await endState(world)
  } catch (error) {
    if (isCode(error, 'IndexUnavailable')) return describeError(error)
    throw error
  }
}
