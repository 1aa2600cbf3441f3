/** Two 32-bit halves of a hash that grows word by word: two lanes of MurmurHash3's mixing (Austin Appleby, public domain). It finds accidents, not attacks. */
export class Lanes {
  one = 0
  two = 0

  /** Begins anew, with a number that tells what is hashed. */
  begin(seed: number): void {
    this.one = 0x9747b28c ^ seed
    this.two = 0x3c6ef372
  }

  /** Mixes 32 bits in. */
  word(word: number): void {
    this.one = mix(this.one, word)
    this.two = mix(this.two, Math.imul(word, 0x85ebca6b) ^ this.one)
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

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  let h = hash ^ Math.imul(k, 0x1b873593)
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
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
