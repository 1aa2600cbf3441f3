import type { Run } from './run.ts'

/** The rule of the crowd: the same for both sides. Milliseconds and shares. */
export const RULE = { p50: 51, p99: 75, arrived: 0.99 } as const
/** A server that others kept from its core for so much of the time was not measured. */
export const MAX_WAITED = 0.05

/** `undecided`: it failed, but the load generator may have been the slow one. */
export type Verdict = 'passes' | 'fails' | 'undecided'

export function judge({ gaps, arrived, due, lost, headroom }: Run): Verdict {
  const holds = gaps.p50 <= RULE.p50 && gaps.p99 <= RULE.p99 && arrived >= due * RULE.arrived && lost === 0
  // Lateness of the generator only makes gaps longer: a pass stays one.
  if (holds) return 'passes'
  return headroom.saturated ? 'undecided' : 'fails'
}

/** The most clients of which most runs pass; 0 when there are none. */
export function held(runs: readonly Run[]): number {
  const counts = [...new Set(runs.map(({ clients }) => clients))]
  return Math.max(0, ...counts.filter((count) => mostPass(runs.filter(({ clients }) => clients === count))))
}

function mostPass(runs: readonly Run[]): boolean {
  return runs.filter((run) => judge(run) === 'passes').length * 2 > runs.length
}
