import type { CharacterRecord, LayerRecord } from '../core/chains.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId, zoneId } from '../core/ids.ts'
import type { ChainEntry, JsonObject } from '../core/ports/store-port.ts'
import { z } from '../core/validate/index.ts'

const whole = z.number().int().min(0)
const layerName = z.string().transform((text, context): LayerId => {
  try {
    const { zone, index } = parseLayerId(text)
    return `${zone}/${index}`
  } catch {
    context.addIssue({ code: 'custom', message: 'no layer' })
    return z.NEVER
  }
})
const zoneName = z.string().transform((text) => {
  const [namespace = '', name = ''] = text.split('/')
  return zoneId(namespace, name)
})

const characterState = z.object({
  zone: zoneName.nullable(),
  position: z.object({ x: z.number().int(), y: z.number().int() }).nullable(),
  inventory: z.array(z.object({ id: z.string(), kind: z.string() })),
  inputSequence: whole,
})

const characterRecord = z.object({
  kind: z.enum(['held', 'released', 'deleted']),
  account: z.string(),
  name: z.string(),
  createdAt: z.number(),
  layer: layerName.optional(),
  state: characterState,
})

const layerRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), host: z.string(), generation: whole, code: z.string(), lastSnapshot: whole }),
  z.object({ kind: z.literal('snapshot'), epoch: whole, tick: whole, hash: z.string(), lastSnapshot: whole }),
  z.object({ kind: z.literal('close'), epoch: whole, tick: whole, lastSnapshot: whole }),
  z.object({ kind: z.literal('erased'), lastSnapshot: z.literal(0) }),
])

/** The record of a character's chain. Throws StoreCorrupt when it says something else. */
export function readCharacterRecord(chain: string, entry: ChainEntry): CharacterRecord {
  const { layer, ...record } = parse(characterRecord, chain, entry)
  return layer === undefined ? record : { ...record, layer }
}

/** The record of a layer's chain. Throws StoreCorrupt when it says something else. */
export function readLayerRecord(chain: string, entry: ChainEntry): LayerRecord {
  return parse(layerRecord, chain, entry)
}

/** A record as the store takes it: its kind beside the rest. */
export function storedRecord(record: CharacterRecord | LayerRecord): { kind: string; data: JsonObject } {
  const { kind, ...rest } = record
  return { kind, data: JSON.parse(JSON.stringify(rest)) as JsonObject }
}

function parse<T>(schema: z.ZodType<T>, chain: string, entry: ChainEntry): T {
  const parsed = schema.safeParse({ ...entry.data, kind: entry.kind })
  if (parsed.success) return parsed.data
  throw new BailiwickError('StoreCorrupt', {
    asked: `record ${entry.n} of ${chain}`,
    found: parsed.error.issues[0]?.message ?? 'another form',
  })
}
