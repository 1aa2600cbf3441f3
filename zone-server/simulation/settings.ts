import type { Bounds, Point } from '../../core/geometry.ts'
import type { BlockedMap } from './collision.ts'

export interface SimulationSettings {
  /** Millimetres. */
  readonly bounds: Bounds
  readonly tickRateHz: number
  /** A resident without a connection leaves after so many ticks. */
  readonly linkDeadTicks: number
  readonly content?: SimulationContent
}

/** What a zone's author put into it, in the simulation's units. */
export interface SimulationContent {
  /** Two contents with the same hash are the same. */
  readonly hash: string
  readonly map?: BlockedMap
  /** Where new characters appear; none: near the middle of the bounds. */
  readonly spawns: readonly Point[]
  /** Where those appear again who were down; none: where new characters do. */
  readonly respawns: readonly Point[]
  readonly props: readonly PropContent[]
  readonly creatures: readonly Population[]
}

/** A thing that stands. */
export interface PropContent {
  readonly kind: string
  readonly at: Point
  /** 1/256 of a turn. */
  readonly heading: number
}

/** Creatures of one kind that live around one place. */
export interface Population {
  readonly kind: string
  readonly home: Point
  readonly count: number
  /** How far they wander from home along each axis, millimetres. */
  readonly wanderMm: number
  /** Millimetres a second. */
  readonly speed: number
  /** What a bite takes from an avatar's health; 0: it does not bite. */
  readonly bite: number
}

/** True when both say the same. */
export function sameSettings(a: SimulationSettings, b: SimulationSettings): boolean {
  const edges = ({ bounds: { min, max } }: SimulationSettings) => [min.x, min.y, max.x, max.y].join()
  return (
    edges(a) === edges(b) && a.tickRateHz === b.tickRateHz && a.linkDeadTicks === b.linkDeadTicks && a.content?.hash === b.content?.hash
  )
}
