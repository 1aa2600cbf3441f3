import type { ZoneStatus } from '../core/zone.ts'
import type { Facts } from './status-facts.ts'

export type Phase = NonNullable<ZoneStatus['phase']>

/** One way to be in a phase: when it holds, and the same in words. */
export interface PhaseRow {
  readonly phase: Phase
  readonly when: string
  readonly holds: (facts: Facts) => boolean
}

/**
 * The phase of a zone: the first row that holds is it. To add one: put what it is decided by into Facts (status-facts.ts) if it is not there, put the row where
 * no row before it says something else of the same zone, and add a case to test/unit/operator/status.test.ts. The last row holds always.
 */
export const phaseTable: readonly PhaseRow[] = [
  { phase: 'Terminating', when: 'the Zone is being deleted', holds: ({ terminating }) => terminating },
  {
    phase: 'Draining',
    when: 'it is suspended and a layer is still open',
    holds: ({ suspended, open }) => suspended && open.length > 0,
  },
  { phase: 'Suspended', when: 'it is suspended and every layer is closed', holds: ({ suspended }) => suspended },
  {
    phase: 'Pending',
    when: 'its spec can not be hosted and no layer is open',
    holds: ({ refused, open }) => refused && open.length === 0,
  },
  {
    phase: 'Draining',
    when: 'it leaves one fleet for another and a layer is still open in the old one',
    holds: ({ moving, open }) => moving && open.length > 0,
  },
  {
    phase: 'Failed',
    when: 'a layer was given up by its last host or is quarantined, and none is served',
    holds: ({ failed, quarantined, serving }) => failed.length + quarantined.length > 0 && serving.length === 0,
  },
  {
    phase: 'Degraded',
    when: 'players can join, but a layer is missing, was given up or is quarantined, or something in the spec is refused',
    holds: ({ serving, missing, failed, quarantined, violation }) =>
      serving.length > 0 && (missing > 0 || failed.length > 0 || quarantined.length > 0 || violation !== undefined),
  },
  { phase: 'Running', when: 'players can join', holds: ({ serving }) => serving.length > 0 },
  {
    phase: 'Waking',
    when: 'a layer is on its way to be served',
    holds: ({ opening, missing }) => opening.length > 0 || missing > 0,
  },
  { phase: 'Draining', when: 'its last layer is closing', holds: ({ open }) => open.length > 0 },
  { phase: 'Sleeping', when: 'no layer is open; a join wakes it', holds: () => true },
]

/** The phase of a zone; `before` stays while the index was never read, since the layers decide. */
export function phaseOf(facts: Facts, before: Phase | undefined): Phase {
  if (!facts.indexRead && !facts.terminating) return before ?? 'Pending'
  return phaseTable.find(({ holds }) => holds(facts))?.phase ?? 'Pending'
}
