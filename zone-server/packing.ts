import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, createInflate, deflate, deflateSync, inflate, inflateSync } from 'node:zlib'
import { BailiwickError } from '../core/errors.ts'

/** Nothing in a layer's chain is larger than this when it is unpacked, in bytes. */
const MAX_UNPACKED = 128 * 1024 * 1024

export interface Packed {
  /** SHA-256 of the bytes before they were packed, hexadecimal. */
  readonly hash: string
  readonly blob: Uint8Array
}

/** Compresses and checks what is written to a layer's chain. */
export interface Packing {
  pack(bytes: Uint8Array): Promise<Packed>
  /** The bytes of a blob. Throws StoreCorrupt when they are damaged or not those of this hash. */
  unpack(what: string, hash: string, blob: Uint8Array | undefined): Promise<Uint8Array>
  /** The same judgement without the bytes, of which never more than a piece is in memory: reading a snapshot back must not disturb the ticks. Throws StoreCorrupt. */
  check(what: string, hash: string, blob: Uint8Array | undefined): Promise<void>
}

/** Bytes that our thread works on, or takes from another one, in one turn: a fraction of a millisecond. */
const PIECE = 64 * 1024
/** So little (bytes, packed) is worked on within the call: another thread costs more, and who wakes a small layer waits for it. */
const SMALL = 2 * 1024
const fast = { level: constants.Z_BEST_SPEED, chunkSize: PIECE }
const bounded = { maxOutputLength: MAX_UNPACKED }
const compress = promisify(deflate)
const decompress = promisify(inflate)

/** Works on other threads, and on ours in small pieces between other things, so that no tick waits for it. The bytes must not change meanwhile. */
export const packingOffThread: Packing = {
  async pack(bytes) {
    if (bytes.byteLength <= SMALL) return packingInline.pack(bytes)
    // Who asks is in the middle of a tick: even the beginning can wait until that is over.
    await nextTurn()
    const [hash, blob] = await Promise.all([sha256(bytes), compress(bytes, fast)])
    return { hash, blob }
  },
  async unpack(what, hash, blob) {
    if (isSmall(blob)) return packingInline.unpack(what, hash, blob)
    const bytes = await decompress(whole(what, blob), bounded).catch((cause: unknown) => Promise.reject(damaged(what, cause)))
    return checked(what, bytes, hash, await sha256(bytes))
  },
  async check(what, hash, blob) {
    if (isSmall(blob)) return packingInline.check(what, hash, blob)
    const sum = createHash('sha256')
    const pieces = createInflate({ chunkSize: PIECE })
    pieces.end(whole(what, blob))
    let length = 0
    try {
      for await (const piece of pieces as AsyncIterable<Uint8Array>) {
        length += piece.byteLength
        if (length > MAX_UNPACKED) throw new RangeError(`more than ${MAX_UNPACKED} bytes`)
        sum.update(piece)
      }
    } catch (cause) {
      throw damaged(what, cause)
    }
    same(what, hash, sum.digest('hex'))
  },
}

/** The same within the call, for those whose time must stand still meanwhile. */
export const packingInline: Packing = {
  pack: async (bytes) => ({ hash: createHash('sha256').update(bytes).digest('hex'), blob: deflateSync(bytes, fast) }),
  async unpack(what, hash, blob) {
    let bytes: Uint8Array
    try {
      bytes = inflateSync(whole(what, blob), bounded)
    } catch (cause) {
      throw damaged(what, cause)
    }
    return checked(what, bytes, hash, createHash('sha256').update(bytes).digest('hex'))
  },
  async check(what, hash, blob) {
    await packingInline.unpack(what, hash, blob)
  },
}

function isSmall(blob: Uint8Array | undefined): boolean {
  return blob !== undefined && blob.byteLength <= SMALL
}

/** Piece by piece, with a turn for others after each. (The platform's own asynchronous digest copies everything first, within the call.) */
async function sha256(bytes: Uint8Array): Promise<string> {
  const sum = createHash('sha256')
  for (let at = 0; at < bytes.byteLength; at += PIECE) {
    sum.update(bytes.subarray(at, at + PIECE))
    await nextTurn()
  }
  return sum.digest('hex')
}

function whole(what: string, blob: Uint8Array | undefined): Uint8Array {
  if (blob === undefined) throw new BailiwickError('StoreCorrupt', { asked: what, found: 'a record without bytes' })
  return blob
}

function damaged(what: string, cause: unknown): BailiwickError {
  return new BailiwickError('StoreCorrupt', { asked: what, found: 'bytes that do not unpack', cause })
}

function checked(what: string, bytes: Uint8Array, hash: string, found: string): Uint8Array {
  same(what, hash, found)
  return bytes
}

function same(what: string, hash: string, found: string): void {
  if (found !== hash) throw new BailiwickError('StoreCorrupt', { asked: `${what} with hash ${hash}`, found: `hash ${found}` })
}
