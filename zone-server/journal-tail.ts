import type { LayerId } from '../core/ids.ts'
import type { Fence, FenceRefusal, Journal, JournalEntry } from '../core/ports/journal-port.ts'
import { JOURNAL_PAGE } from './bounds.ts'

/** Everything behind tick `after` that the journal holds, oldest first. Throws IndexUnavailable. */
export async function readTail(
  layer: LayerId,
  fence: Fence,
  after: number,
  journal: Pick<Journal, 'readJournal'>,
): Promise<readonly JournalEntry[] | FenceRefusal> {
  const tail: JournalEntry[] = []
  for (;;) {
    const part = await journal.readJournal(layer, fence, tail.at(-1)?.tick ?? after, JOURNAL_PAGE)
    if (typeof part === 'string') return part
    for (const entry of part.entries) tail.push(entry)
    if (part.entries.length === 0 || (tail.at(-1)?.tick ?? 0) >= part.last) return tail
  }
}
