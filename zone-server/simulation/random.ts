/** The generator of a layer: sfc32 (Chris Doty-Humphrey, PractRand), four 32-bit words that are part of the state. */
export type Random = Uint32Array

/** A generator seeded by a text, the same on every machine. */
export function seedRandom(seed: string): Random {
  const random = new Uint32Array(4)
  let hash = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
  random[0] = hash
  random[1] = Math.imul(hash, 0x9e3779b1)
  random[2] = hash ^ 0x5bd1e995
  random[3] = 1
  for (let i = 0; i < 12; i++) nextRandom(random)
  return random
}

/** The next number, 0 … 2^32 - 1. Changes the generator. */
function nextRandom(random: Random): number {
  const [a = 0, b = 0, c = 0, counter = 0] = random
  const sum = (a + b + counter) >>> 0
  random[3] = counter + 1
  random[0] = b ^ (b >>> 9)
  random[1] = c + (c << 3)
  random[2] = ((c << 21) | (c >>> 11)) + sum
  return sum
}

/** A whole number from `from` to `to`, both included. The bias of the modulo is below 2^-10 for the small ranges asked for here. */
export function randomBetween(random: Random, from: number, to: number): number {
  return from + (nextRandom(random) % (to - from + 1))
}
