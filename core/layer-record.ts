import type { LayerRecord } from './chains.ts'
import type { ChainEntry, JsonObject } from './ports/store-port.ts'
import { storedForm } from './stored-form.ts'
import { z } from './validate/index.ts'

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

export const layerForm = storedForm<LayerRecord>('layer record', layerRecord)

/** The record of a layer's chain. Throws StoreCorrupt when it says something else. */
export function readLayerRecord(chain: string, entry: ChainEntry): LayerRecord {
  return layerForm.read(chain, entry)
}

/** A layer's record as the store takes it: its kind beside the rest. */
export function storedLayerRecord({ kind, ...rest }: LayerRecord): { kind: string; data: JsonObject } {
  return { kind, data: layerForm.write(rest) }
}
