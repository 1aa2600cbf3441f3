import { readBody, writeBody } from './body-bytes.ts'
import { ByteReader, ByteWriter, check } from './bytes.ts'
import { canonical, compareInputs } from './canonical.ts'
import { type Input, isLayerBody, LAYER } from './input.ts'

/** Of the layout of a batch. A reader refuses what it doesn't know. */
const BATCH_VERSION = 1

/**
 * The inputs of one tick as bytes, in canonical order: the same inputs give the same bytes, whatever order they came in. Layout: version, count, then for each input
 * its source, its sequence, the code of its kind and its fields. Replay is `step(state, decodeBatch(bytes))`.
 */
export function encodeBatch(inputs: readonly Input[]): Uint8Array {
  const to = new ByteWriter(64 + inputs.length * 32)
  to.u8(BATCH_VERSION)
  to.varint(inputs.length)
  for (const { source, sequence, body } of canonical(inputs)) {
    to.id(source)
    to.varint(sequence)
    writeBody(to, body)
  }
  return to.finish()
}

/** The inputs of `encodeBatch`'s bytes, in canonical order. Throws StoreCorrupt when the bytes are anything else. */
export function decodeBatch(bytes: Uint8Array): Input[] {
  const from = new ByteReader(bytes)
  const version = from.u8()
  check(version === BATCH_VERSION, `a batch of version ${version}, where ${BATCH_VERSION} is read`)
  const inputs: Input[] = []
  for (let left = from.count(3); left > 0; left--) {
    const input = readInput(from)
    const before = inputs.at(-1)
    check(before === undefined || compareInputs(before, input) <= 0, `input ${inputs.length} out of order`)
    inputs.push(input)
  }
  from.end()
  return inputs
}

function readInput(from: ByteReader): Input {
  const source = from.id()
  const sequence = from.varint()
  const body = readBody(from)
  if (!isLayerBody(body)) return { source, sequence, body }
  check(source === LAYER, 'an input of the shell from somebody else')
  return { source: LAYER, sequence, body }
}
