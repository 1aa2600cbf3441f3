import { JOURNAL_AHEAD_LIMIT } from '../../core/timing.ts'
import { KEPT_LIMIT } from '../bounds.ts'

/**
 * True when a layer must not step on: so many ticks wait for the journal (`ahead`), or so many bytes of what is confirmed for the store (`keptBytes`), that
 * going on would make the loss of a second fault larger than is bounded.
 */
export function isHeld(ahead: number, keptBytes: number, tickRateHz: number): boolean {
  return ahead >= Math.ceil((JOURNAL_AHEAD_LIMIT / 1_000) * tickRateHz) || keptBytes >= KEPT_LIMIT
}
