import type { Clock } from '../core/clock.ts'
import type { FleetId, ZoneId } from '../core/ids.ts'
import { RESYNC_EVERY, RESYNC_SETTLED_EVERY } from '../core/timing.ts'
import type { Zone, ZoneStatus } from '../core/zone.ts'
import { type ApplyDeps, applyPlan } from './apply.ts'
import type { ContentMirror } from './content-mirror.ts'
import { leads } from './lead.ts'
import { type Observed, observe } from './observe.ts'
import { type Plan, plan } from './plan.ts'
import { planDeletion, planStray } from './plan-deletion.ts'
import { computeStatus } from './status.ts'
import type { StatusWriter } from './status-writer.ts'
import { Surpluses } from './surplus.ts'

export interface ReconcilerDeps extends ApplyDeps {
  readonly writer: StatusWriter
  readonly contents: ContentMirror
  readonly clock: Clock
  readonly defaultFleet: string
  readonly random?: () => number
}

/** A zone that the copy does not have yet is looked at again after this, ms. */
const NOT_YET_SEEN = 1_000

/** A zone in another phase waits for something that may not be told of: that its game servers can be made, that its content may be read. */
const SETTLED: ReadonlySet<ZoneStatus['phase']> = new Set(['Running', 'Sleeping', 'Suspended'])

/** Makes what is out there agree with one zone: observe, plan, apply, tell. Whatever it is interrupted in, doing it again ends the same. */
export class Reconciler {
  readonly #deps: ReconcilerDeps
  readonly #surpluses = new Surpluses()

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps
  }

  /** Answers after how many ms the zone is to be looked at again; undefined: only when something changes. Throws what an action threw. */
  async reconcile(id: ZoneId): Promise<number | undefined> {
    const { zones, writer, contents } = this.#deps
    const before = zones.get(id)
    if (before !== undefined) await contents.look(before)
    const zone = zones.get(id)
    if (zone === undefined) {
      writer.drop(id)
      this.#surpluses.forget(id)
      return this.#reconcileStray(id)
    }
    const observed = this.#observe(id, zone)
    const deleting = zone.metadata.deletionTimestamp !== undefined
    const next: Plan = deleting ? planDeletion(observed, this.#deps.mirror.settingsKnown) : plan(observed)
    let status = computeStatus(observed)
    let letGo = false
    try {
      await applyPlan(next, id, zone, this.#deps)
      letGo = next.actions.some((action) => action.do === 'setFinalizer' && !action.present)
      // As it is by now: what was so before would be written only to be written again. A spec that was changed meanwhile has its own turn.
      const now = zones.get(id)
      const same = now !== undefined && now.metadata.generation === zone.metadata.generation
      if (same && next.actions.length > 0) status = computeStatus(this.#observe(id, now))
    } finally {
      // After the actions, whose writes to the zone would be in conflict with this one.
      if (letGo) writer.drop(id)
      else if (leads(this.#deps)) writer.submit(id, status)
    }
    const settled = SETTLED.has(status.phase) && next.actions.length === 0
    return Math.min(next.againAfterMs ?? Number.POSITIVE_INFINITY, this.#jittered(settled ? RESYNC_SETTLED_EVERY : RESYNC_EVERY))
  }

  #observe(id: ZoneId, zone: Zone): Observed {
    return observe(zone, id, { ...this.#deps, surpluses: this.#surpluses }, this.#deps.clock.now())
  }

  /** What a zone that is no more has left in the index. The API is asked first: a copy that is wrong must not close the world. */
  async #reconcileStray(id: ZoneId): Promise<number | undefined> {
    const { mirror, zones } = this.#deps
    const settings = mirror.settingsOf(id)
    const fleets = new Set<FleetId>([...(settings === undefined ? [] : [settings.fleet]), ...mirror.fleetsOf(id)])
    if (fleets.size === 0) return undefined
    const next = planStray(settings, new Map([...fleets].map((fleet) => [fleet, mirror.placementOf(fleet, id)])))
    if (next.actions.length === 0) return next.againAfterMs
    const found: Zone | undefined = await zones.refresh(id)
    if (found !== undefined) return NOT_YET_SEEN
    this.#deps.log.warn(
      { zone: id, actions: next.actions.map((action) => action.do) },
      'zone: its object is gone, what it left behind is taken away',
    )
    await applyPlan(next, id, undefined, this.#deps)
    return next.againAfterMs
  }

  #jittered(ms: number): number {
    return ms * (0.8 + 0.2 * (this.#deps.random ?? Math.random)())
  }
}
