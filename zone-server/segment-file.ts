import { BailiwickError } from '../core/errors.ts'
import type { JournalEntry } from '../core/ports/journal-port.ts'

/** Of the layout below; raised with each change of it. */
const SEGMENT_VERSION = 1
/** The version and the count of entries. */
const FILE_HEADER = 5
/** Of an entry: epoch, tick, previous and the batch's length (u32, little-endian), and the digest's 8 bytes; the batch follows. */
const ENTRY_HEADER = 24
/** What an entry takes in memory besides its batch, about. */
const ENTRY_OVERHEAD = 128

/** What an entry counts for where entries are bounded, in bytes. */
export function weightOf(entry: JournalEntry): number {
  return entry.batch.byteLength + ENTRY_OVERHEAD
}

/** The first of the entries, up to so many bytes, and one at least when there is one. */
export function firstOf(entries: readonly JournalEntry[], bytes: number): readonly JournalEntry[] {
  let sum = 0
  const end = entries.findIndex((entry, i) => {
    sum += weightOf(entry)
    return i > 0 && sum > bytes
  })
  return end === -1 ? [...entries] : entries.slice(0, end)
}

/** Journal entries as bytes. */
export function encodeSegment(entries: readonly JournalEntry[]): Uint8Array {
  const size = entries.reduce((sum, { batch }) => sum + ENTRY_HEADER + batch.byteLength, FILE_HEADER)
  const bytes = Buffer.alloc(size)
  bytes.writeUInt8(SEGMENT_VERSION, 0)
  bytes.writeUInt32LE(entries.length, 1)
  let at = FILE_HEADER
  for (const { epoch, tick, previous, batch, digest } of entries) {
    for (const value of [epoch, tick, previous, batch.byteLength]) at = bytes.writeUInt32LE(value, at)
    at += bytes.write(digest, at, 8, 'hex')
    bytes.set(batch, at)
    at += batch.byteLength
  }
  return bytes
}

/** The entries of `encodeSegment`'s bytes. Throws StoreCorrupt when they are not whole or of another version. */
export function decodeSegment(bytes: Uint8Array): JournalEntry[] {
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    if (from.readUInt8(0) !== SEGMENT_VERSION)
      throw new BailiwickError('StoreCorrupt', { found: `a segment of version ${from[0]}`, todo: `version ${SEGMENT_VERSION} is read` })
    const entries: JournalEntry[] = []
    let at = FILE_HEADER
    for (let left = from.readUInt32LE(1); left > 0; left--) {
      const [epoch, tick, previous, length] = [0, 4, 8, 12].map((offset) => from.readUInt32LE(at + offset)) as [
        number,
        number,
        number,
        number,
      ]
      const start = at + ENTRY_HEADER
      const digest = from.toString('hex', at + 16, start)
      at = start + length
      if (at > from.byteLength) throw new RangeError(`a batch of ${length} bytes at ${start}`)
      entries.push({ epoch, tick, previous, digest, batch: from.subarray(start, at) })
    }
    if (at !== from.byteLength) throw new RangeError(`${from.byteLength - at} bytes behind the end`)
    return entries
  } catch (cause) {
    if (cause instanceof BailiwickError) throw cause
    throw new BailiwickError('StoreCorrupt', { found: 'bytes that are no segment', cause })
  }
}
