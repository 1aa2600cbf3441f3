import type { LayerRecord } from '../core/chains.ts'
import { BailiwickError } from '../core/errors.ts'
import type { ChainEntry, JsonObject } from '../core/ports/store-port.ts'
import { z } from '../core/validate/index.ts'

const whole = z.number().int().min(0)

/** Records written before a layer could be erased say nothing of it. */
const pointers = { lastSnapshot: whole, erasedAt: whole.default(0) }

const layerRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), host: z.string(), generation: whole, code: z.string(), content: z.string(), ...pointers }),
  z.object({
    ...{ kind: z.literal('snapshot'), epoch: whole, code: z.string(), content: z.string(), tick: whole, entry: whole },
    ...{ digest: z.string(), hash: z.string(), ...pointers },
  }),
  z.object({ kind: z.literal('segment'), epoch: whole, from: whole, to: whole, hash: z.string(), ...pointers }),
  z.object({ kind: z.literal('close'), epoch: whole, tick: whole, ...pointers }),
  z.object({ kind: z.literal('erased'), lastSnapshot: z.literal(0) }),
])

/** The record of a layer's chain. Throws StoreCorrupt when it says something else. */
export function readLayerRecord(chain: string, entry: ChainEntry): LayerRecord {
  const parsed = layerRecord.safeParse({ ...entry.data, kind: entry.kind })
  if (parsed.success) return parsed.data
  const found = parsed.error.issues[0]?.message ?? 'another form'
  throw new BailiwickError('StoreCorrupt', { asked: `record ${entry.n} of ${chain}`, found, cause: parsed.error })
}

/** A layer's record as the store takes it: its kind beside the rest. */
export function storedLayerRecord({ kind, ...rest }: LayerRecord): { kind: string; data: JsonObject } {
  return { kind, data: rest }
}
