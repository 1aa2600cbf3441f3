import { CHECK_IN_EVERY, REPLAY_LIMIT, SNAPSHOT_EVERY_MIN } from '../core/timing.ts'
import { KEPT_STORED_AT } from './bounds.ts'

/** What decides what is written next to a layer's chain. Times in ms, ticks as numbers. Pure. */
export interface WriteSeen {
  readonly now: number
  /** When the last snapshot was captured, and when the last record was begun. */
  readonly capturedAt: number
  readonly writtenAt: number
  readonly everyMs: number
  /** A captured state waits; it may be written when all of it is confirmed. */
  readonly captured: 'none' | 'unconfirmed' | 'confirmed'
  /** Something happened since the last capture. */
  readonly changed: boolean
  /** How long a successor would replay. */
  readonly replayMs: number
  /** A snapshot of the present is asked for. */
  readonly snapshotWanted: boolean
  /** Somebody waits for this tick to be in the chain. */
  readonly wanted: number
  /** Confirmed entries that the chain does not hold: the newest tick (0: none), and bytes. */
  readonly keptTick: number
  readonly keptBytes: number
  /** The chain holds everything up to this tick. */
  readonly durable: number
}

export type Write = 'snapshot' | 'segment' | 'capture' | 'nothing'

/** What to do now, when nothing is being written. `capture`: take the state as it is, to be written once it is confirmed. */
export function decideWrite(seen: WriteSeen): Write {
  if (seen.captured === 'confirmed') return 'snapshot'
  if (isSegmentDue(seen)) return 'segment'
  return seen.captured === 'none' && isSnapshotDue(seen) ? 'capture' : 'nothing'
}

function isSegmentDue({ now, writtenAt, wanted, keptTick, keptBytes, durable }: WriteSeen): boolean {
  if (keptTick === 0) return false
  if (keptBytes >= KEPT_STORED_AT) return true
  return wanted > durable && wanted <= keptTick && isOver(now - writtenAt, CHECK_IN_EVERY)
}

function isSnapshotDue({ now, capturedAt, everyMs, changed, replayMs, snapshotWanted }: WriteSeen): boolean {
  if (snapshotWanted) return true
  const waited = now - capturedAt
  // Ticks in which nothing happened are replayed too, as soon as something does.
  return (changed && isOver(waited, everyMs)) || (replayMs >= REPLAY_LIMIT && isOver(waited, SNAPSHOT_EVERY_MIN))
}

/** A clock that was set back must not put anything off. */
function isOver(waited: number, ms: number): boolean {
  return waited >= ms || waited < 0
}
