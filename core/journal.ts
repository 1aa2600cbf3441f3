import { BailiwickError } from './errors.ts'
import { type JournalAppend, MAX_BATCH } from './ports/journal-port.ts'

const DIGEST = /^[0-9a-f]{16}$/

/** What every driver of the journal asks of the entries of one call before anything is written. Throws InvalidInput. */
export function checkAppends(appends: readonly JournalAppend[]): void {
  const newest = new Map<string, number>()
  for (const append of appends) {
    const before = newest.get(append.layer) ?? append.previous
    const found =
      flawOf(append) ?? (before === append.previous ? undefined : `predecessor ${append.previous} behind tick ${before} in one call`)
    if (found !== undefined)
      throw new BailiwickError('InvalidInput', { asked: `to append tick ${append.tick} to the journal of layer ${append.layer}`, found })
    newest.set(append.layer, append.tick)
  }
}

function flawOf({ epoch, fence, tick, previous, batch, digest }: JournalAppend): string | undefined {
  if (batch.byteLength > MAX_BATCH) return `a batch of ${batch.byteLength} bytes, and at most ${MAX_BATCH} are taken`
  if (!isCount(previous) || !isCount(tick) || tick <= previous) return `its predecessor ${previous}, which is no tick before it`
  if (!isCount(epoch) || epoch !== fence.epoch) return `epoch ${epoch} under a fence of epoch ${fence.epoch}`
  return DIGEST.test(digest) ? undefined : 'a digest that is not 16 hexadecimal digits'
}

/** Throws InvalidInput unless each of the named numbers is a whole one from 0 up that every driver keeps exactly. */
export function checkCounts(asked: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts))
    if (!isCount(value)) throw new BailiwickError('InvalidInput', { asked, found: `${name} is ${value}` })
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
