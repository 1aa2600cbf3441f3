import { type ByteReader, ByteWriter } from './bytes.ts'
import type { LayerBody, PlayerBody } from './input.ts'
import { FIRST_LAYER_CODE, readLayerBody, writeLayerBody } from './layer-bytes.ts'
import { isLayerBody } from './layer-input.ts'
import { readPlayerBody, writePlayerBody } from './rules/table.ts'

/** Writes the code of the body's kind and its fields. */
export function writeBody(to: ByteWriter, body: PlayerBody | LayerBody): void {
  if (isLayerBody(body)) writeLayerBody(to, body)
  else writePlayerBody(to, body)
}

export function readBody(from: ByteReader): PlayerBody | LayerBody {
  const code = from.u8()
  return code >= FIRST_LAYER_CODE ? readLayerBody(code, from) : readPlayerBody(code, from)
}

/** The bytes of one body: what decides the order of two inputs with the same source and sequence. */
export function bodyBytes(body: PlayerBody | LayerBody): Uint8Array {
  const to = new ByteWriter(64)
  writeBody(to, body)
  return to.finish()
}
