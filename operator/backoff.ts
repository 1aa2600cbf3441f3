import { RECONCILE_BACKOFF_MAX, RECONCILE_BACKOFF_MIN } from '../core/timing.ts'

/** The pause (ms) after so many failures in a row, from 1: it doubles up to RECONCILE_BACKOFF_MAX; its second half is chance. `random`: 0 ≤ x < 1. */
export function backoff(failures: number, random: number): number {
  const ceiling = Math.min(RECONCILE_BACKOFF_MAX, RECONCILE_BACKOFF_MIN * 2 ** Math.min(failures - 1, 20))
  return ceiling / 2 + (ceiling / 2) * random
}
