import type { ContentMap, ZoneContent } from '../../core/content.ts'
import { millimetres, type Point } from '../../core/geometry.ts'
import type { BlockedMap } from './collision.ts'
import type { SimulationContent } from './settings.ts'

/** A zone's content in the simulation's units. */
export function contentSettings(content: ZoneContent): SimulationContent {
  const { hash, map, spawns = [], respawns = [], props = [], creatures = [] } = content
  return {
    hash,
    ...(map === undefined ? {} : { map: blockedMap(map) }),
    spawns: spawns.map(inMillimetres),
    respawns: respawns.map(inMillimetres),
    props: props.map(({ kind, at, heading = 0 }) => ({ kind, at: inMillimetres(at), heading })),
    creatures: creatures.map(({ kind, home, count, wander, speed, bite = 0 }) => ({
      ...{ kind, home: inMillimetres(home), count, bite },
      ...{ wanderMm: millimetres(wander), speed: millimetres(speed) },
    })),
  }
}

/** The text's rows go from north to south, the bits' from the smallest y up. */
function blockedMap({ cell, origin, rows }: ContentMap): BlockedMap {
  const columns = rows[0]?.length ?? 0
  const blocked = new Uint8Array(Math.ceil((columns * rows.length) / 8))
  for (const [i, row] of rows.entries()) {
    for (let column = 0; column < columns; column++) {
      if (row[column] !== '#') continue
      const bit = (rows.length - 1 - i) * columns + column
      blocked[bit >> 3] = (blocked[bit >> 3] ?? 0) | (1 << (bit & 7))
    }
  }
  return { cellMm: millimetres(cell), origin: inMillimetres(origin), columns, rows: rows.length, blocked }
}

function inMillimetres({ x, y }: Point): Point {
  return { x: millimetres(x), y: millimetres(y) }
}
