import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

/** What a process has, and may have, in bytes. */
export interface MemoryLook {
  /** Of the heap without its young generation. */
  readonly oldUsed: number
  /** Of the whole heap. */
  readonly heapLimit: number
  readonly resident: number
  /** Of the container; 0, or more than any machine has: there is no limit. */
  readonly constrained: number
}

/** V8 counts the young generation into its limit, by default three times 32 MiB: the old one is full before. */
const YOUNG = 3 * 32 * 2 ** 20

/** Share of the memory that the process may have: of the heap's old generation, or of the container, whichever is closer to its end. */
export function shareOf({ oldUsed, heapLimit, resident, constrained }: MemoryLook): number {
  // A smaller young generation makes it end a little later than is told.
  const oldLimit = Math.max(heapLimit - YOUNG, heapLimit / 2)
  return Math.max(oldUsed / oldLimit, constrained > 0 ? resident / constrained : 0)
}

/** Of this process, now. */
export function memoryShare(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_') && name !== 'read_only_space')
  const oldUsed = old.reduce((sum, { space_used_size: used }) => sum + used, 0)
  const heapLimit = getHeapStatistics().heap_size_limit
  return shareOf({ oldUsed, heapLimit, resident: process.memoryUsage.rss(), constrained: process.constrainedMemory() })
}
