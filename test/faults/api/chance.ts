import { randomOf } from '../simulator/random.ts'

/** What a plan is made of, from its seed. */
export interface Chance {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  of<T>(values: readonly T[]): T
}

export function chanceOf(seed: number): Chance {
  const random = randomOf(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  return {
    below,
    of<T>(values: readonly T[]): T {
      const chosen = values[below(values.length)]
      if (chosen === undefined) throw new Error('nothing to choose from')
      return chosen
    },
  }
}
