import { STEP_LIMIT, STEP_WATCH_EVERY } from '../../core/timing.ts'

/** A step that is under way, as another thread sees it. */
export interface StepLook {
  readonly sequence: number
  /** Processor time that the stepping thread has used so far, ms: a process that stands still, or waits for a core, uses none. */
  readonly usedMs: number
  /** What the process has in memory, bytes. */
  readonly memory: number
}

/** A step that adds so much of what the heap may have is one that fills it. */
const FILLS = 0.25

/**
 * True when the step that was first seen with `since` is still under way and will not end: it has used STEP_LIMIT of processor time, or fills the memory, at whose end the process could say nothing
 * any more. `heapLimit`: bytes.
 */
export function isStuck(since: StepLook | undefined, now: StepLook | undefined, heapLimit: number): boolean {
  if (since === undefined || now === undefined || since.sequence !== now.sequence) return false
  const usedMs = now.usedMs - since.usedMs
  return usedMs >= STEP_LIMIT || (usedMs >= STEP_WATCH_EVERY / 2 && now.memory - since.memory >= heapLimit * FILLS)
}

/** What the next look is compared with. */
export function firstLook(since: StepLook | undefined, now: StepLook | undefined): StepLook | undefined {
  return since !== undefined && since.sequence === now?.sequence ? since : now
}
