import { parseContent, type ZoneContent } from '../../core/content.ts'
import { boundsInMillimetres } from '../../core/geometry.ts'
import { contentSettings } from '../../zone-server/simulation/content.ts'
import type { SimulationSettings } from '../../zone-server/simulation/settings.ts'

/** Seen from north to south, cells of 2 m. */
const map = { cell: 2, origin: { x: 0, y: 0 }, rows: ['##########', '#....#...#', '#..#.#.#.#', '#..#...#.#', '#..#####.#', '##########'] }
const walls: ZoneContent = { hash: '1111111111111111', ...parseContent({ map }) }
const garden: ZoneContent = {
  hash: '2222222222222222',
  ...parseContent({
    map,
    spawns: [{ x: 5, y: 9 }],
    respawns: [{ x: 17, y: 3 }],
    props: [{ kind: 'well', at: { x: 3, y: 3 }, heading: 64 }],
    creatures: [{ kind: 'wolf', home: { x: 5, y: 7 }, count: 2, wander: 4, speed: 2.5, bite: 30 }],
  }),
}
const room = { bounds: boundsInMillimetres({ min: { x: 1, y: 1 }, max: { x: 19.5, y: 11 } }), tickRateHz: 10, linkDeadTicks: 30 }

/** The worlds that traces are played in, by name. */
export const worlds: Readonly<Record<string, SimulationSettings>> = {
  plane: { bounds: boundsInMillimetres({ min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }), tickRateHz: 20, linkDeadTicks: 5 },
  walls: { ...room, content: contentSettings(walls) },
  garden: { ...room, content: contentSettings(garden) },
  slow: { ...room, tickRateHz: 1, content: contentSettings(walls) },
}
