import type { ZoneEvent } from '../core/ports/zone-source-port.ts'
import type { ZoneStatus } from '../core/zone.ts'

/** Phases that a person should look into. */
const WARNINGS: ReadonlySet<string> = new Set(['Failed', 'Degraded'])

/** What to tell people about a change of status: a new phase, and a zone that is not accepted or is accepted again. */
export function eventsOf(before: ZoneStatus | undefined, after: ZoneStatus): readonly ZoneEvent[] {
  const events: ZoneEvent[] = []
  const [was, is] = [conditionOf(before, 'Accepted'), conditionOf(after, 'Accepted')]
  if (is !== undefined && is.status === 'False' && was?.reason !== is.reason)
    events.push({ type: 'Warning', reason: is.reason, message: is.message })
  if (is?.status === 'True' && was?.status === 'False') events.push({ type: 'Normal', reason: 'Accepted', message: is.message })
  if (after.phase !== undefined && after.phase !== before?.phase) {
    const words = after.phase === 'Terminating' ? 'the zone is being deleted' : (conditionOf(after, 'Ready')?.message ?? is?.message ?? '')
    events.push({
      type: WARNINGS.has(after.phase) ? 'Warning' : 'Normal',
      reason: after.phase,
      message: before?.phase === undefined ? words : `${before.phase} → ${after.phase}: ${words}`,
    })
  }
  return events
}

function conditionOf(status: ZoneStatus | undefined, type: string) {
  return status?.conditions?.find((condition) => condition.type === type)
}
