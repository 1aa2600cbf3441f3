import { MAX_STAT } from '../../core/chains.ts'
import { MM_PER_M } from '../../core/geometry.ts'
import { parseLayerId } from '../../core/ids.ts'
import { playerName } from '../../core/names.ts'
import type { KnownLocation } from '../../core/ports/index-port.ts'
import { z } from '../../core/validate/index.ts'
import type { OwnCharacter } from './life.ts'

/** A cursor names the character behind which a page begins. It is no secret and no right: whatever it says, the list is that of the account that asks. */
const cursorForm = /^after-(0|[1-9][0-9]{0,8})$/
/** Characters on one page of the list, at most. */
const MAX_PAGE = 100

export const nameBody = z.strictObject({ name: playerName(3, 20) })
export const characterParams = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'no character id' }) })
export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: z.string().regex(cursorForm, 'send `next` of an answer as it was').optional().describe('`next` of the page before'),
})

const whole = z.int().min(0)
const stat = z.int().min(0).max(MAX_STAT)
const location = z.object({
  state: z.enum(['Offline', 'InZone']),
  zone: z.string().optional(),
  layer: z.string().optional(),
  since: z.number().optional().describe('Since when it is there, milliseconds since 1970'),
})
const character = z.object({
  id: z.string(),
  name: z.string(),
  version: whole.describe('In quotes the ETag of the character, for If-Match'),
  zone: z.string().nullable().describe('Where it was last; null: nowhere yet'),
  position: z.object({ x: z.number(), y: z.number() }).nullable().describe('Metres'),
  stats: z.object({ health: stat, energy: stat }),
  inventory: z.array(z.object({ id: z.string(), kind: z.string() })),
  resident: z
    .boolean()
    .describe(
      'It is in a layer, which alone knows its zone, position, stats and inventory of this moment; here they are as they were when it went in',
    ),
  ageMs: whole.nullable().describe('How long ago zone, position, stats and inventory were so, milliseconds; null: not known'),
  location: location.describe('Where it is now'),
  deletesAt: z.string().nullable().describe('When it will be deleted, ISO 8601, unless it is restored; null: never'),
  createdAt: z.string().describe('ISO 8601'),
})
export const characterAnswer = z.object({ character })
export const charactersAnswer = z.object({
  characters: z.array(character),
  next: z.string().optional().describe('The cursor of the next page; absent: this was the last one'),
})

/** What the owner sees at the time `now`, and `live`, where the index says that it is. */
export function viewOf({ id, n, record }: OwnCharacter, live: KnownLocation | undefined, now: number): z.input<typeof character> {
  const { zone, position, inventory, stats } = record.state
  return {
    id,
    name: record.name,
    version: n,
    zone,
    position: position === null ? null : { x: position.x / MM_PER_M, y: position.y / MM_PER_M },
    stats: stats ?? { health: MAX_STAT, energy: MAX_STAT },
    inventory: inventory.map((item) => ({ ...item })),
    resident: record.kind === 'held',
    ageMs: record.at === undefined ? null : Math.max(0, Math.round(now - record.at)),
    location: live ?? storedLocation(record.kind === 'held' ? record.layer : undefined),
    deletesAt: record.kind === 'deleting' && record.dueAt !== undefined ? new Date(record.dueAt).toISOString() : null,
    createdAt: new Date(record.createdAt).toISOString(),
  }
}

/** The cursor of the page behind the character of this order. */
export function cursorBehind(order: number): string {
  return `after-${order}`
}

/** The order behind which the page begins; -1 without a cursor. */
export function orderOf(cursor: string | undefined): number {
  return Number(cursorForm.exec(cursor ?? '')?.[1] ?? -1)
}

/** What the store knows, when the index was never told or forgot. */
function storedLocation(layer: OwnCharacter['record']['layer']): KnownLocation {
  return layer === undefined ? { state: 'Offline' } : { state: 'InZone', zone: parseLayerId(layer).zone, layer }
}
