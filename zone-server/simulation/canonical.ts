import { bodyBytes } from './body-bytes.ts'
import type { Input } from './input.ts'

/** The longest batch whose indices fit beside a key in a double's 53 bits. */
const MAX_KEYED = 1 << 16
const KEY_CHARACTERS = 5

/** The batch in canonical order (source, sequence), whatever order it came in. Equal keys (a sender's fault) are ordered by content. */
export function canonical(batch: readonly Input[]): readonly Input[] {
  if (isCanonical(batch)) return batch
  if (batch.length > MAX_KEYED) return batch.toSorted(compareInputs)
  // A string comparison costs; so numbers are sorted first (the beginning of the source, then the index), and what has the same number afterwards.
  const keys = new Float64Array(batch.length)
  for (let i = 0; i < batch.length; i++) keys[i] = keyOf(batch[i]?.source ?? '') * MAX_KEYED + i
  keys.sort()
  const sorted: Input[] = []
  for (const key of keys) {
    const input = batch[key % MAX_KEYED]
    if (input !== undefined) sorted.push(input)
  }
  return sortTies(sorted, keys)
}

/** Less than 0 when `a` comes before `b`. */
export function compareInputs(a: Input, b: Input): number {
  if (a.source !== b.source) return a.source < b.source ? -1 : 1
  if (a.sequence !== b.sequence) return a.sequence - b.sequence
  return compareBytes(bodyBytes(a.body), bodyBytes(b.body))
}

function isCanonical(batch: readonly Input[]): boolean {
  for (let i = 1; i < batch.length; i++) {
    const [before, input] = [batch[i - 1], batch[i]]
    if (before !== undefined && input !== undefined && compareInputs(before, input) > 0) return false
  }
  return true
}

/** The first characters as a number below 2^35 that never orders two texts the wrong way round. */
function keyOf(source: string): number {
  let key = 0
  for (let i = 0; i < KEY_CHARACTERS; i++) key = key * 0x80 + (i < source.length ? Math.min(source.charCodeAt(i), 0x7f) : 0)
  return key
}

function sortTies(sorted: Input[], keys: Float64Array): Input[] {
  for (let from = 0; from < keys.length; ) {
    const key = Math.floor((keys[from] ?? 0) / MAX_KEYED)
    let to = from + 1
    while (to < keys.length && Math.floor((keys[to] ?? 0) / MAX_KEYED) === key) to++
    if (to - from > 1) {
      const run = sorted.slice(from, to).sort(compareInputs)
      for (const [i, input] of run.entries()) sorted[from + i] = input
    }
    from = to
  }
  return sorted
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
