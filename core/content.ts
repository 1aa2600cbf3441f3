import { BailiwickError } from './errors.ts'
import { MAX_COORDINATE_M } from './geometry.ts'
import { z } from './validate/index.ts'

/** A map has at most so many cells: with it a zone's content still fits a ConfigMap and a journal's entry. */
export const MAX_MAP_CELLS = 1_000_000
export const MAX_CREATURES = 256

const coordinate = z.number().min(-MAX_COORDINATE_M).max(MAX_COORDINATE_M)
const point = z.strictObject({ x: coordinate, y: coordinate })
const kind = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, { error: 'a kind is 1 to 32 lower case letters, digits and dashes, beginning with a letter' })

/** What a zone's author puts into the zone, as plain JSON. Lengths in metres, speeds in metres a second. */
const zoneContent = z.strictObject({
  /** Where nobody can walk. `rows` from north (the largest y) to south, one character a cell: `#` is blocked, `.` free. */
  map: z
    .strictObject({
      cell: z.number().min(0.25).max(100),
      /** The corner of the map with the smallest x and y. */
      origin: point,
      rows: z
        .array(
          z
            .string()
            .min(1)
            .regex(/^[.#]+$/, { error: 'write . and # only' }),
        )
        .min(1)
        .max(MAX_MAP_CELLS),
    })
    .optional(),
  /** Where new characters appear. */
  spawns: z.array(point).max(64).optional(),
  /** Where those come back who were down. */
  respawns: z.array(point).max(64).optional(),
  props: z
    .array(z.strictObject({ kind, at: point, heading: z.int().min(0).max(255).optional() }))
    .max(4_096)
    .optional(),
  creatures: z
    .array(
      z.strictObject({
        kind,
        home: point,
        count: z.int().min(1).max(MAX_CREATURES),
        wander: z.number().min(0).max(1_000),
        speed: z.number().min(0).max(6),
        /** What a bite takes from an avatar's health, of 100. */
        bite: z.int().min(0).max(100).optional(),
      }),
    )
    .max(64)
    .optional(),
})

type Read<T> = T extends readonly (infer E)[] ? readonly Read<E>[] : T extends object ? { readonly [K in keyof T]: Read<T[K]> } : T

/** A zone's content with the hash that names it: 16 or more hexadecimal digits of the SHA-256 of `canonicalContent`. */
export type ZoneContent = Read<z.infer<typeof zoneContent>> & { readonly hash: string }
export type ContentMap = NonNullable<ZoneContent['map']>

/** What is wrong with a content: where (field names and places in lists, from the outside in) and what. */
export interface ContentProblem {
  readonly path: readonly (string | number)[]
  readonly found: string
}

/** Checks what an author wrote: the content, or the first thing that is wrong with it. */
export function checkContent(value: unknown): { readonly content: Omit<ZoneContent, 'hash'> } | { readonly problem: ContentProblem } {
  const parsed = zoneContent.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const path = (issue?.path ?? []).map((part) => (typeof part === 'number' ? part : String(part)))
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
    return { problem: { path: [...path, ...unknown], found: issue?.message ?? 'another form' } }
  }
  const { map, creatures = [] } = parsed.data
  const wrong = (path: readonly (string | number)[], found: string) => ({ problem: { path, found } })
  if (map !== undefined) {
    const columns = map.rows[0]?.length ?? 0
    const odd = map.rows.findIndex((row) => row.length !== columns)
    if (odd !== -1) return wrong(['map', 'rows', odd], `a row of ${map.rows[odd]?.length} cells where the first has ${columns}`)
    if (columns * map.rows.length > MAX_MAP_CELLS)
      return wrong(['map', 'rows'], `${columns * map.rows.length} cells, at most ${MAX_MAP_CELLS}`)
  }
  const count = creatures.reduce((sum, population) => sum + population.count, 0)
  if (count > MAX_CREATURES) return wrong(['creatures'], `${count} creatures, at most ${MAX_CREATURES}`)
  return { content: parsed.data }
}

/** As checkContent; throws InvalidInput that names the place and what is wrong there. */
export function parseContent(value: unknown): Omit<ZoneContent, 'hash'> {
  const checked = checkContent(value)
  if ('content' in checked) return checked.content
  const { path, found } = checked.problem
  throw new BailiwickError('InvalidInput', { asked: `content: ${path.join('.') || 'the whole'}`, found })
}

/** The content as a text that is the same for the same content, however its fields were ordered: what is hashed. */
export function canonicalContent(content: Omit<ZoneContent, 'hash'>): string {
  return JSON.stringify(content, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}
