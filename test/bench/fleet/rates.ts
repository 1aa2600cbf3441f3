import type { Audited } from '../../api-server/audit.ts'

export interface Rates {
  readonly total: number
  /** The most that the server got in any second, wherever it begins. */
  readonly most: number
}

/** Of writes to one kind since a moment (ms since 1970), also of those that were refused. */
export function ratesOf(writes: readonly Audited[], resource: string, since: number): Rates {
  const times = writes.flatMap((write) => (write.resource === resource && write.at >= since ? [write.at] : [])).sort((a, b) => a - b)
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1_000) first++
    most = Math.max(most, last - first + 1)
  }
  return { total: times.length, most }
}
