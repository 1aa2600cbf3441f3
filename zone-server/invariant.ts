import { BailiwickError } from '../core/errors.ts'

/**
 * Holds a promise of docs/durability.md at the place where it would be broken. Throws InvariantBroken, upon which the layer is dropped: a layer that contradicts
 * itself says nothing more, and the next owner goes on from what is confirmed.
 */
export function invariant(holds: boolean, promise: string, found: string): asserts holds {
  if (!holds) throw new BailiwickError('InvariantBroken', { asked: promise, found, todo: 'report it with the log of the host' })
}
