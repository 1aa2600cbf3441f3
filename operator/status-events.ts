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
    const words = wordsOf(after)
    events.push({
      type: WARNINGS.has(after.phase) ? 'Warning' : 'Normal',
      reason: after.phase,
      message: before?.phase === undefined ? words : `${before.phase} → ${after.phase}: ${words}`,
    })
  }
  if (before !== undefined) events.push(...moves(before, after))
  const [hosted, hosting] = [conditionOf(before, 'Hosted'), conditionOf(after, 'Hosted')]
  events.push(...asideEvents(hosted, hosting))
  if (hosting?.reason === 'NoHost' && hosted?.reason !== 'NoHost')
    events.push({ type: 'Normal', reason: 'NoHost', message: hosting.message })
  return events
}

/** So many layers are named in one event. */
const NAMED = 3

/** What a phase means now, and, where players can join, who hosts it. */
function wordsOf(status: ZoneStatus): string {
  if (status.phase === 'Terminating') return 'the zone is being deleted'
  if (status.phase === 'Pending') {
    const refused = conditionOf(status, 'Accepted')?.status === 'False'
    return refused ? 'nothing is hosted before that is put right' : 'the zone index was not read for its fleet yet'
  }
  if (status.phase === 'Draining') return conditionOf(status, 'Progressing')?.message ?? ''
  const ready = conditionOf(status, 'Ready')
  if (ready?.reason === 'LayerQuarantined') return 'nobody can join: what could be joined is set aside'
  const words = ready?.message ?? conditionOf(status, 'Accepted')?.message ?? ''
  if (ready?.reason !== 'Serving') return words
  const served = status.layers?.filter(({ state }) => state === 'Serving') ?? []
  const named = served.slice(0, NAMED).map(({ index, host }) => `layer ${index} on ${host}`)
  return `${words}: ${named.join(', ')}${served.length > NAMED ? ` and ${served.length - NAMED} more` : ''}`
}

/** Layers that another host serves than before, while the phase stayed as it was: a host was lost or emptied, and nobody had to wait for long. */
function moves(before: ZoneStatus, after: ZoneStatus): readonly ZoneEvent[] {
  if (before.phase !== after.phase) return []
  const was = new Map(before.layers?.map((layer) => [layer.index, layer]))
  const moved = (after.layers ?? []).flatMap(({ index, state, host }) => {
    const from = was.get(index)?.host
    return state === 'Serving' && from !== undefined && host !== undefined && from !== host
      ? [`layer ${index} from ${from} to ${host}`]
      : []
  })
  if (moved.length === 0) return []
  const more = moved.length > NAMED ? ` and ${moved.length - NAMED} more` : ''
  return [{ type: 'Normal', reason: 'Moved', message: `moved: ${moved.slice(0, NAMED).join(', ')}${more}` }]
}

/** The zone has nothing to try again. */
const OVER: ReadonlySet<string> = new Set(['Terminating', 'Suspended', 'NotAccepted'])

/** A layer is set aside, which is no new phase when it had failed before, or when others are served; or somebody has asked for another try. */
function asideEvents(was: Condition | undefined, is: Condition | undefined): readonly ZoneEvent[] {
  const [before, after] = [was?.reason === 'LayerQuarantined', is?.reason === 'LayerQuarantined']
  if (is === undefined || before === after) return []
  if (after) return [{ type: 'Warning', reason: 'LayerQuarantined', message: is.message }]
  return OVER.has(is.reason) ? [] : [{ type: 'Normal', reason: 'TriedAgain', message: 'what was set aside is tried again' }]
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
