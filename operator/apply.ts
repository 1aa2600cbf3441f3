import { BailiwickError, describeError } from '../core/errors.ts'
import type { ZoneId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import type { FleetSource, ZoneSource } from '../core/ports/zone-source-port.ts'
import type { Zone } from '../core/zone.ts'
import type { ContentMirror } from './content-mirror.ts'
import { eraseLayers } from './erase.ts'
import type { IndexMirror } from './index-mirror.ts'
import { type Lead, leads, mustLead } from './lead.ts'
import type { Action, Plan } from './plan.ts'

export interface ApplyDeps extends Lead {
  readonly zones: ZoneSource
  readonly fleets: FleetSource
  readonly index: ZoneIndex
  readonly store: Store
  readonly mirror: IndexMirror
  readonly contents: Pick<ContentMirror, 'textOf'>
  readonly log: Log
}

/** Does what a plan says, in its order. Throws the error of the first action that fails, and Busy when the lease was lost; with `bestEffort` it is logged, told as an event, and the rest is done. */
export async function applyPlan(plan: Plan, id: ZoneId, zone: Zone | undefined, deps: ApplyDeps): Promise<void> {
  for (const action of plan.actions) {
    mustLead(deps, `${action.do} of zone ${id}`)
    try {
      await applyAction(action, id, zone, deps)
      deps.log.debug({ zone: id, action: action.do }, 'applied')
    } catch (error) {
      const letsGo = action.do === 'setFinalizer'
      if (plan.bestEffort !== true || letsGo || !leads(deps)) throw error
      const message = `${action.do} failed: ${describeError(error)}`
      deps.log.error({ zone: id, action: action.do, error: describeError(error) }, 'deadline passed: gone on without it')
      if (zone !== undefined) deps.zones.event(zone, { type: 'Warning', reason: 'LeftBehind', message })
    }
  }
}

async function applyAction(action: Action, id: ZoneId, zone: Zone | undefined, deps: ApplyDeps): Promise<void> {
  const { zones, fleets, index, mirror } = deps
  switch (action.do) {
    case 'setFinalizer': {
      // What was written before in this plan may have changed its version.
      const current = zones.get(id) ?? zone
      if (current !== undefined) await zones.setFinalizer(current, action.present)
      return
    }
    case 'applyManifest':
      return fleets.apply(action.manifest)
    case 'deleteFleet':
      return fleets.deleteDedicated(action.fleet, zone?.metadata.uid ?? '')
    case 'putZone':
      return putZone(action, deps)
    case 'deleteZone':
      await index.deleteZone(id, action.uid)
      mirror.deleted(id)
      return
    case 'barZone':
      mirror.touched(action.fleet, id)
      await index.barZone(action.fleet, id, action.reason)
      return mirror.touched(action.fleet, id)
    case 'unbarZone':
      mirror.touched(action.fleet, id)
      await index.unbarZone(action.fleet, id)
      return mirror.touched(action.fleet, id)
    case 'forgetZone':
      await index.forgetZone(action.fleet, id)
      return mirror.touched(action.fleet, id)
    case 'placeLayer':
      mirror.touched(action.fleet, id)
      await index.placeLayer(action.fleet, action.layer)
      return mirror.touched(action.fleet, id)
    case 'retryLayer':
      mirror.touched(action.fleet, id)
      await index.retryLayer(action.fleet, action.layer)
      return mirror.touched(action.fleet, id)
    case 'requestClose':
      await index.requestClose(action.fleet, action.layer, action.reason)
      return mirror.touched(action.fleet, id)
    case 'eraseLayers': {
      const erased = await eraseLayers(deps, id, action.known)
      deps.log.info({ zone: id, layers: erased }, 'retention Delete: stored data erased')
      return
    }
    case 'event':
      if (zone !== undefined) zones.event(zone, action.event)
  }
}

async function putZone({ settings, contentFrom }: Extract<Action, { readonly do: 'putZone' }>, { index, mirror, contents }: ApplyDeps) {
  const { content } = settings
  const text = content === undefined || contentFrom === undefined ? undefined : await contents.textOf(contentFrom, content)
  if ((await index.putZone(settings, text)) === 'ContentMissing') {
    // The index was emptied; as soon as that is noticed, its settings are unknown and everything is put anew.
    throw new BailiwickError('Busy', { asked: `settings of ${settings.zone}`, found: 'the index has lost their content' })
  }
  mirror.wrote(settings)
}
