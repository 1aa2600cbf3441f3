import { z } from './validate/index.ts'

/**
 * The rule for names that players give themselves: `least` to `most` letters and digits of any script, `_` and `-`. What comes out is in
 * compatibility-normal form, so that what looks the same is stored the same; `foldName` of it decides whether it is taken.
 */
export function playerName(least: number, most: number) {
  return z
    .string()
    .max(200)
    .normalize('NFKC')
    .regex(new RegExp(`^[\\p{L}\\p{Nd}_-]{${least},${most}}$`, 'u'), { error: `use ${least} to ${most} letters, digits, _ or -` })
}
