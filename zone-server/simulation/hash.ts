/**
 * A 64-bit hash of bytes as 16 hexadecimal digits: two lanes of MurmurHash3's mixing (Austin Appleby, public domain). It finds accidents, not attacks.
 */
export function hashBytes(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words = bytes.byteLength >> 2
  let one = 0x9747b28c ^ bytes.byteLength
  let two = 0x3c6ef372
  for (let i = 0; i < words; i++) {
    const word = view.getUint32(i * 4, true)
    one = mix(one, word)
    two = mix(two, Math.imul(word, 0x85ebca6b) ^ one)
  }
  for (let i = words * 4; i < bytes.byteLength; i++) {
    one = mix(one, bytes[i] ?? 0)
    two = mix(two, one)
  }
  one = finish(one)
  two = finish(two ^ one)
  return hex(one) + hex(two)
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
  return (h ^ (h >>> 16)) >>> 0
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
