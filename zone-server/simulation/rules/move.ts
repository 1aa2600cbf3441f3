import { headingOf } from '../heading.ts'
import { MAX_SPEED } from './motion.ts'
import type { Rule } from './rule.ts'

export interface MoveBody {
  readonly kind: 'move'
  /** Millimetres a second. */
  readonly vx: number
  readonly vy: number
}

/** The wanted velocity, kept until the next one. */
export const move: Rule<MoveBody> = {
  code: 1,
  write(to, { vx, vy }) {
    to.signed(vx)
    to.signed(vy)
  },
  read: (from) => ({ kind: 'move', vx: from.signed(), vy: from.signed() }),
  judge(_before, _player, { vx, vy }) {
    // Each part first: the squares of two 32-bit numbers would not be exact.
    if (Math.abs(vx) <= MAX_SPEED && Math.abs(vy) <= MAX_SPEED && vx * vx + vy * vy <= MAX_SPEED * MAX_SPEED) return undefined
    return { code: 'MoveTooFast', parts: { asked: `${vx}, ${vy} mm/s`, todo: `at most ${MAX_SPEED} mm/s` } }
  },
  apply({ entities }, { entity }, { vx, vy }) {
    entities.vx[entity] = vx
    entities.vy[entity] = vy
    entities.touch(entity)
    if (vx === 0 && vy === 0) return
    const heading = headingOf(vx, vy)
    if (entities.heading[entity] === heading) return
    entities.heading[entity] = heading
    entities.show(entity)
  },
}
