import type { ZoneEvent } from '../core/ports/zone-source-port.ts'
import type { Condition, ZoneStatus } from '../core/zone.ts'

/** Phases that a person should look into. */
const WARNINGS: ReadonlySet<string> = new Set(['Failed', 'Degraded'])

/** What to tell people about a change of status: a new phase, a zone that is not accepted or is accepted again, a layer whose journal is away or back. */
export function eventsOf(before: ZoneStatus | undefined, after: ZoneStatus): readonly ZoneEvent[] {
  const events: ZoneEvent[] = []
  const [was, is] = [conditionOf(before, 'Accepted'), conditionOf(after, 'Accepted')]
  if (is !== undefined && is.status === 'False' && was?.reason !== is.reason)
    events.push({ type: 'Warning', reason: is.reason, message: is.message })
  if (is?.status === 'True' && was?.status === 'False') events.push({ type: 'Normal', reason: 'Accepted', message: is.message })
  events.push(...journalEvents(conditionOf(before, 'DataSafe'), conditionOf(after, 'DataSafe')))
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

/** A layer that failed is told by the phase. */
function journalEvents(was: Condition | undefined, is: Condition | undefined): readonly ZoneEvent[] {
  const [before, after] = [was?.reason === 'JournalUnavailable', is?.reason === 'JournalUnavailable']
  if (is === undefined || before === after) return []
  if (after) return [{ type: 'Warning', reason: 'JournalUnavailable', message: is.message }]
  return is.status === 'True' ? [{ type: 'Normal', reason: 'DataSafe', message: 'what happens in every layer is confirmed again' }] : []
}

function conditionOf(status: ZoneStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}
