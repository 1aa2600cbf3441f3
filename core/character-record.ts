import { type CharacterRecord, MAX_STAT } from './chains.ts'
import { BailiwickError } from './errors.ts'
import type { LayerId, ZoneId } from './ids.ts'
import { parseLayerId, parsePair } from './ids.ts'
import type { ChainEntry, StoredRecord } from './ports/store-port.ts'
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

const characterRecord = z.object({
  kind: z.enum(['held', 'released', 'deleted']),
  account: z.string(),
  name: z.string(),
  createdAt: z.number(),
  layer: layer.optional(),
  epoch: z.int().min(1).optional(),
  state: z.object({
    zone: zone.nullable(),
    position: z.object({ x: z.int(), y: z.int() }).nullable(),
    inventory: z.array(z.object({ id: z.string(), kind: z.string() })),
    inputSequence: z.int().min(0),
    stats: z.object({ health: stat, energy: stat }).optional(),
  }),
})

/** The record of a character's chain. Throws StoreCorrupt when it says something else. */
export function readCharacterRecord(chain: string, entry: ChainEntry): CharacterRecord {
  const result = characterRecord.safeParse({ ...entry.data, kind: entry.kind })
  if (!result.success) {
    const found = result.error.issues[0]?.message ?? 'another form'
    throw new BailiwickError('StoreCorrupt', { asked: `record ${entry.n} of ${chain}`, found, cause: result.error })
  }
  const { layer, epoch, ...record } = result.data
  return { ...record, ...(layer === undefined ? {} : { layer }), ...(epoch === undefined ? {} : { epoch }) }
}

/** The record as the store takes it: its kind beside the rest. */
export function storedCharacter({ kind, account, name, createdAt, layer, epoch, state }: CharacterRecord): StoredRecord {
  const { zone, position, inventory, inputSequence, stats } = state
  const plain = {
    zone,
    position: position === null ? null : { x: position.x, y: position.y },
    inventory: inventory.map((item) => ({ id: item.id, kind: item.kind })),
    inputSequence,
    ...(stats === undefined ? {} : { stats: { health: stats.health, energy: stats.energy } }),
  }
  return { kind, data: { account, name, createdAt, layer, epoch, state: plain } }
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
