/**
 * Two 32-bit halves of a hash that grows word by word: each a multiply and a shift a word, different in both, and at the end the finisher of MurmurHash3 (Austin Appleby,
 * public domain), whose multipliers these are. One word changed always changes both halves. It finds accidents, not attacks.
 */
export class Lanes {
  one = 0
  two = 0

  /** Begins anew, with a number that tells what is hashed. */
  begin(seed: number): void {
    this.one = 0x9747b28c
    this.two = 0x3c6ef372
    this.word(seed)
  }

  /** Mixes 32 bits in. */
  word(word: number): void {
    const one = Math.imul(this.one ^ word, 0x85ebca6b)
    const two = Math.imul((this.two + word) | 0, 0xc2b2ae35)
    this.one = one ^ (one >>> 15)
    this.two = two ^ (two >>> 13)
  }

  bytes(bytes: Uint8Array, from = 0, to = bytes.byteLength): void {
    let at = from
    for (; at + 4 <= to; at += 4)
      this.word((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24))
    for (; at < to; at++) this.word(bytes[at] ?? 0)
  }

  /** Mixes what has come once more, so that each bit of it shows in each bit of the halves. */
  finish(): void {
    this.one = finish(this.one)
    this.two = finish(this.two ^ this.one)
  }

  /** The halves as 16 hexadecimal digits. */
  hex(): string {
    return hex(this.one) + hex(this.two)
  }
}

/** A 64-bit hash of bytes as 16 hexadecimal digits. */
export function hashBytes(bytes: Uint8Array): string {
  const lanes = new Lanes()
  lanes.begin(bytes.byteLength)
  lanes.bytes(bytes)
  lanes.finish()
  return lanes.hex()
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
