import { createHash, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, deflate, deflateSync, inflate, inflateSync } from 'node:zlib'
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
}

const fast = { level: constants.Z_BEST_SPEED }
const bounded = { maxOutputLength: MAX_UNPACKED }
const compress = promisify(deflate)
const decompress = promisify(inflate)

/** Works on other threads, so that no tick waits for it. */
export const packingOffThread: Packing = {
  async pack(bytes) {
    const [hash, blob] = await Promise.all([sha256(bytes), compress(bytes, fast)])
    return { hash, blob }
  },
  async unpack(what, hash, blob) {
    const bytes = await decompress(whole(what, blob), bounded).catch((cause: unknown) => Promise.reject(damaged(what, cause)))
    return checked(what, bytes, hash, await sha256(bytes))
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
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex')
}

function whole(what: string, blob: Uint8Array | undefined): Uint8Array {
  if (blob === undefined) throw new BailiwickError('StoreCorrupt', { asked: what, found: 'a record without bytes' })
  return blob
}

function damaged(what: string, cause: unknown): BailiwickError {
  return new BailiwickError('StoreCorrupt', { asked: what, found: 'bytes that do not unpack', cause })
}

function checked(what: string, bytes: Uint8Array, hash: string, found: string): Uint8Array {
  if (found !== hash) throw new BailiwickError('StoreCorrupt', { asked: `${what} with hash ${hash}`, found: `hash ${found}` })
  return bytes
}
