import { parsePair, type ZoneId, zoneId } from '../core/ids.ts'
import type { Zone } from '../core/zone.ts'

/** A zone that another names as its neighbour. */
export interface Neighbour {
  readonly zone: ZoneId
  /** `mutual`: both name each other, and the border is open. `oneSided`: the other does not name this one. `unknown`: there is no such zone, or it is being deleted. */
  readonly state: 'mutual' | 'oneSided' | 'unknown'
}

/** Every neighbour that the zone names, in the order of their ids, as the other side sees it. Pure. */
export function neighboursOf(zone: Zone, id: ZoneId, zoneAt: (id: ZoneId) => Zone | undefined): readonly Neighbour[] {
  const { namespace } = parsePair(id)
  return namesOf(zone).map((name) => {
    const other = zoneAt(zoneId(namespace, name))
    if (other === undefined || other.metadata.deletionTimestamp !== undefined) return { zone: zoneId(namespace, name), state: 'unknown' }
    return { zone: zoneId(namespace, name), state: namesOf(other).includes(zone.metadata.name) ? 'mutual' : 'oneSided' }
  })
}

/** Who names whom as a neighbour: tells whom a change of one zone concerns. Holds as many names as the zones do. */
export class NeighbourGraph {
  readonly #names = new Map<ZoneId, readonly string[]>()
  readonly #namedBy = new Map<ZoneId, Set<ZoneId>>()

  /** Takes in what the zone is now (undefined: it is gone, or going). Answers the zones to be looked at anew: those that name it, when it came, went, or names others than before. */
  changed(id: ZoneId, zone: Zone | undefined): readonly ZoneId[] {
    const before = this.#names.get(id)
    const now = zone === undefined || zone.metadata.deletionTimestamp !== undefined ? undefined : namesOf(zone)
    if (before?.join() === now?.join() && (before === undefined) === (now === undefined)) return []
    const { namespace } = parsePair(id)
    for (const name of before ?? []) {
      const other = zoneId(namespace, name)
      const known = this.#namedBy.get(other)
      known?.delete(id)
      if (known?.size === 0) this.#namedBy.delete(other)
    }
    for (const name of now ?? []) {
      const other = zoneId(namespace, name)
      const known = this.#namedBy.get(other)
      if (known === undefined) this.#namedBy.set(other, new Set([id]))
      else known.add(id)
    }
    if (now === undefined) this.#names.delete(id)
    else this.#names.set(id, now)
    return [...(this.#namedBy.get(id) ?? [])]
  }
}

function namesOf({ spec }: Zone): readonly string[] {
  return [...(spec.neighbours ?? [])].sort()
}
