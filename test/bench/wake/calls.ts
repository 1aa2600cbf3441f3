import { median } from '../kit/result.ts'
import type { Call } from './traced.ts'
import type { Wake } from './wake.ts'

/** A wake with the calls that were made until it was over. */
export interface TracedWake {
  readonly wake: Wake
  readonly calls: readonly Call[]
}

/** What one call costs in a wake, medians, ms. */
export interface CallCost {
  readonly name: string
  /** Since the wake began. */
  readonly at: number
  readonly took: number
}

/** The calls that most wakes make, in the order in which they begin; one that is made again is another. */
export function callCosts(wakes: readonly TracedWake[]): readonly CallCost[] {
  const found = new Map<string, { at: number[]; took: number[] }>()
  for (const { wake, calls } of wakes) {
    const times = new Map<string, number>()
    const within = calls.filter(({ from }) => from >= wake.began && from <= wake.began + wake.whole)
    for (const { name, from, to } of within.toSorted((a, b) => a.from - b.from)) {
      const time = (times.get(name) ?? 0) + 1
      times.set(name, time)
      const title = time === 1 ? name : `${name}, ${time}`
      const one = found.get(title) ?? { at: [], took: [] }
      one.at.push(from - wake.began)
      one.took.push(to - from)
      found.set(title, one)
    }
  }
  return [...found]
    .filter(([, { at }]) => at.length > wakes.length / 2)
    .map(([name, { at, took }]) => ({ name, at: median(at), took: median(took) }))
    .toSorted((a, b) => a.at - b.at)
}
