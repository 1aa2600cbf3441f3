/** How two ways of doing something differ, each pair measured one right after the other. */
export interface Difference {
  /** The median of second minus first, and where it lies with 95% confidence (order statistics of the pairs). */
  readonly median: number
  readonly low: number
  readonly high: number
  /** The probability that a difference as large comes by chance (Mann-Whitney, two-sided, by its normal approximation). */
  readonly p: number
  /** How often the second of any two takes longer: 0.5 tells nothing. */
  readonly auc: number
}

/** Compares pairs; of none all is 0. */
export function difference(first: readonly number[], second: readonly number[]): Difference {
  const differences = first.map((value, at) => (second[at] ?? value) - value).sort((a, b) => a - b)
  const n = differences.length
  const spread = (1.96 * Math.sqrt(n)) / 2
  const at = (place: number): number => differences[Math.min(n - 1, Math.max(0, Math.round(place)))] ?? 0
  const auc = areaUnderCurve(first, second)
  // Variance of the area under the null hypothesis: (n + m + 1) / (12 n m), with n = m.
  const z = n === 0 ? 0 : (auc - 0.5) / Math.sqrt((2 * n + 1) / (12 * n * n))
  return { median: at((n - 1) / 2), low: at(n / 2 - spread - 1), high: at(n / 2 + spread), p: 2 * (1 - normal(Math.abs(z))), auc }
}

/** How many pairs differ by more than `limit` in the direction in which more of them do. */
export function pairsBeyond(first: readonly number[], second: readonly number[], limit: number): number {
  const beyond = (sign: number): number => first.filter((value, at) => sign * ((second[at] ?? value) - value) > limit).length
  return Math.max(beyond(1), beyond(-1))
}

function areaUnderCurve(first: readonly number[], second: readonly number[]): number {
  let wins = 0
  for (const a of first) for (const b of second) wins += b > a ? 1 : b === a ? 0.5 : 0
  return first.length * second.length === 0 ? 0.5 : wins / (first.length * second.length)
}

/** Of the standard normal distribution, for x >= 0: Abramowitz and Stegun, 26.2.17; the error is below 7.5e-8. */
function normal(x: number): number {
  const t = 1 / (1 + 0.2316419 * x)
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * tail
}
