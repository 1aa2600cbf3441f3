import { type CharacterRecord, MAX_STAT } from './chains.ts'
import type { LayerId, ZoneId } from './ids.ts'
import { parseLayerId, parsePair } from './ids.ts'
import type { ChainEntry, StoredRecord } from './ports/store-port.ts'
import { type Migration, type StoredForm, storedForm } from './stored-form.ts'
import { z } from './validate/index.ts'

const zone = checkedId((text): ZoneId => {
  const { namespace, name } = parsePair(text)
  return `${namespace}/${name}`
})
const layer = checkedId((text): LayerId => {
  const { zone, index } = parseLayerId(text)
  return `${zone}/${index}`
})

const stat = z.int().min(0).max(MAX_STAT)

const living = z.object({
  kind: z.enum(['making', 'released', 'held', 'renaming', 'deleting']),
  account: z.string(),
  name: z.string(),
  createdAt: z.number(),
  at: z.number().exactOptional(),
  layer: layer.exactOptional(),
  epoch: z.int().min(1).exactOptional(),
  wanted: z.string().exactOptional(),
  dueAt: z.number().exactOptional(),
  state: z.object({
    zone: zone.nullable(),
    position: z.object({ x: z.int(), y: z.int() }).nullable(),
    inventory: z.array(z.object({ id: z.string(), kind: z.string() })),
    inputSequence: z.int().min(0),
    stats: z.object({ health: stat, energy: stat }).exactOptional(),
  }),
})
const deleted = z.object({
  kind: z.literal('deleted'),
  account: z.string().exactOptional(),
  name: z.string().exactOptional(),
  dueAt: z.number().exactOptional(),
  refused: z.enum(['NameTaken', 'TooManyCharacters']).exactOptional(),
})

/** Version 1 knew `held`, `released` and `deleted`, which kept everything for ever. */
const fromVersion1: Migration = ({ account, name, ...stored }) => {
  if (stored['kind'] !== 'deleted') return { account, name, ...stored }
  // What it left may not be tidied up: due at once.
  return { kind: 'deleted', account, name, dueAt: 0 }
}

export const characterForm: StoredForm<CharacterRecord> = storedForm('character', z.discriminatedUnion('kind', [living, deleted]), [
  fromVersion1,
])

/** The record of a character's chain. Throws StoreCorrupt when it says something else. */
export function readCharacterRecord(chain: string, entry: ChainEntry): CharacterRecord {
  return characterForm.read(chain, entry)
}

/** The record as the store takes it: its kind beside the rest. */
export function storedCharacter(record: CharacterRecord): StoredRecord {
  const { kind, dueAt } = record
  const due = dueAt === undefined ? {} : { due: dueAt }
  if (kind === 'deleted') {
    const { account, name, refused } = record
    return { kind, data: characterForm.write({ account, name, refused, dueAt }), ...due }
  }
  const { account, name, createdAt, at, layer, epoch, wanted, state } = record
  const { zone, position, inventory, inputSequence, stats } = state
  const plain = {
    zone,
    position: position === null ? null : { x: position.x, y: position.y },
    inventory: inventory.map((item) => ({ id: item.id, kind: item.kind })),
    inputSequence,
    ...(stats === undefined ? {} : { stats: { health: stats.health, energy: stats.energy } }),
  }
  return { kind, data: characterForm.write({ account, name, createdAt, at, layer, epoch, wanted, dueAt, state: plain }), ...due }
}

function checkedId<T extends string>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text.slice(0, 80))} is no id` })
      return z.NEVER
    }
  })
}
