import type { WishQueue } from './ports/index-port.ts'
import { AUTOSCALE_EVERY, BIRTHS_COUNT_FOR } from './timing.ts'

export interface QueueFacts {
  readonly place?: number
  readonly length: number
  /** Layers of a host. */
  readonly capacity: number
  readonly podStartMs: number
  /** When (index time, ms) the last hosts were born, in order. */
  readonly births: readonly number[]
  readonly now: number
}

/**
 * How long a wish is expected to wait: one poll of the autoscaler and one pod start for the first host; those after it come at the rate of the last births, if there
 * were any lately, else all at once, as they are asked for. One that was not let in counts as the next behind the last.
 */
export function wishQueue({ place, length, capacity, podStartMs, births, now }: QueueFacts): WishQueue {
  const hosts = Math.ceil((place ?? length + 1) / Math.max(1, capacity))
  const expectedMs = Math.ceil(AUTOSCALE_EVERY + podStartMs + (hosts - 1) * msPerBirth(births, now))
  return { place, length, expectedMs }
}

function msPerBirth(births: readonly number[], now: number): number {
  const recent = births.filter((at) => now - at <= BIRTHS_COUNT_FOR)
  const [first, last] = [recent[0], recent.at(-1)]
  return first === undefined || last === undefined || recent.length < 2 ? 0 : (last - first) / (recent.length - 1)
}
