import { MM_PER_M } from '../../core/geometry.ts'
import { parseLayerId } from '../../core/ids.ts'
import { playerName } from '../../core/names.ts'
import type { CharacterLocation } from '../../core/ports/index-port.ts'
import { z } from '../../core/validate/index.ts'
import type { OwnCharacter } from './life.ts'

export const createBody = z.strictObject({ name: playerName(3, 20) })
export const characterParams = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'no character id' }) })

const location = z.object({ state: z.enum(['Offline', 'InZone']), zone: z.string().optional(), layer: z.string().optional() })
const character = z.object({
  id: z.string(),
  name: z.string(),
  zone: z.string().nullable(),
  position: z.object({ x: z.number(), y: z.number() }).nullable().meta({ description: 'Metres' }),
  inventory: z.array(z.object({ id: z.string(), kind: z.string() })),
  location,
  createdAt: z.string().meta({ description: 'ISO 8601' }),
})
export const characterAnswer = z.object({ character })
export const charactersAnswer = z.object({ characters: z.array(character) })

/** What the owner sees. Of a character that is in a layer: where that is, and its state as it was when it went in. */
export function viewOf({ id, record }: OwnCharacter, live: CharacterLocation | undefined): z.input<typeof character> {
  const { zone, position, inventory } = record.state
  return {
    id,
    name: record.name,
    zone,
    position: position === null ? null : { x: position.x / MM_PER_M, y: position.y / MM_PER_M },
    inventory: inventory.map((item) => ({ ...item })),
    location: live ?? storedLocation(record.kind === 'held' ? record.layer : undefined),
    createdAt: new Date(record.createdAt).toISOString(),
  }
}

/** What the store knows, when the index was never told or forgot. */
function storedLocation(layer: OwnCharacter['record']['layer']): CharacterLocation {
  return layer === undefined ? { state: 'Offline' } : { state: 'InZone', zone: parseLayerId(layer).zone, layer }
}
