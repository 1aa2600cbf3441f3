import { BailiwickError } from '../errors.ts'
import { MM_PER_CM } from '../geometry.ts'
import { FRAME_STATE } from './frame.ts'

/** What one client sees after one tick. Layout and test vectors: state-frame.md beside this file. */
export interface StateFrame {
  readonly epoch: number
  readonly tick: number
  /** The last of the client's inputs that was applied. */
  readonly acknowledged: number
  readonly entities: readonly EntityState[]
}

export interface EntityState {
  readonly id: number
  /** Millimetres; a whole number of centimetres on the wire. */
  readonly x: number
  readonly y: number
  /** Direction in 1/256 of a turn, counter-clockwise from the x axis. */
  readonly heading: number
}

const HEADER = 13
/** id, x, y as varints of at most 5 bytes, heading 1 byte. */
const MAX_RECORD = 16

/** The frame of a state; positions are rounded down to centimetres. */
export function encodeStateFrame(state: StateFrame): Uint8Array {
  const bytes = new Uint8Array(HEADER + 5 + state.entities.length * MAX_RECORD)
  const view = new DataView(bytes.buffer)
  bytes[0] = FRAME_STATE
  view.setUint32(1, state.epoch, true)
  view.setUint32(5, state.tick, true)
  view.setUint32(9, state.acknowledged, true)
  let at = writeVarint(bytes, HEADER, state.entities.length)
  for (const entity of state.entities) {
    at = writeVarint(bytes, at, entity.id)
    at = writeVarint(bytes, at, zigzag(Math.floor(entity.x / MM_PER_CM)))
    at = writeVarint(bytes, at, zigzag(Math.floor(entity.y / MM_PER_CM)))
    bytes[at++] = entity.heading
  }
  return bytes.subarray(0, at)
}

/** Reads a whole state frame, its kind byte included. Throws FrameInvalid, whatever the bytes. */
export function decodeStateFrame(bytes: Uint8Array): StateFrame {
  if (bytes[0] !== FRAME_STATE || bytes.byteLength < HEADER + 1)
    throw new BailiwickError('FrameInvalid', { found: 'bytes that are no state frame' })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const cursor = { bytes, at: HEADER }
  const count = readVarint(cursor)
  const entities: EntityState[] = []
  for (let i = 0; i < count; i++) {
    const id = readVarint(cursor)
    const x = unzigzag(readVarint(cursor)) * MM_PER_CM
    const y = unzigzag(readVarint(cursor)) * MM_PER_CM
    entities.push({ id, x, y, heading: readByte(cursor) })
  }
  if (cursor.at !== bytes.byteLength) throw new BailiwickError('FrameInvalid', { found: 'bytes behind the last record of a state frame' })
  return { epoch: view.getUint32(1, true), tick: view.getUint32(5, true), acknowledged: view.getUint32(9, true), entities }
}

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0
const unzigzag = (value: number): number => (value >>> 1) ^ -(value & 1)

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let to = at
  while (rest > 0x7f) {
    bytes[to++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[to++] = rest
  return to
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function readByte(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.at++]
  if (byte === undefined) throw new BailiwickError('FrameInvalid', { found: 'a state frame that ends within a record' })
  return byte
}

function readVarint(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = readByte(cursor)
    value = (value | ((byte & 0x7f) << shift)) >>> 0
    if (byte < 0x80) return value
  }
  throw new BailiwickError('FrameInvalid', { found: 'a number of more than 5 bytes' })
}
