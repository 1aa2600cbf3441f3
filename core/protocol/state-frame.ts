import { BailiwickError } from '../errors.ts'
import { MM_PER_CM } from '../geometry.ts'
import { CELL_CM, cellOf, nearCentre, slotOf } from './cells.ts'
import { FRAME_STATE } from './frame.ts'
import {
  ENTITY_KINDS,
  FLAG_FRESH,
  MAX_FULL,
  MAX_SECTION_HEADER,
  MAX_STATE_HEADER,
  SECTION,
  writeIdentity,
  writeSectionHeader,
  writeStateHeader,
  writeUpdate,
} from './state-writer.ts'
import { FrameCursor, MAX_VARINT, unzigzag, writeVarint } from './varint.ts'

/** What one tick changes in what one client sees. Layout, meaning and test vectors: state-frame.md beside this file. */
export interface StateFrame {
  readonly epoch: number
  readonly tick: number
  /** The last of the client's inputs that was applied. */
  readonly acknowledged: number
  /** The client forgets what it saw before. */
  readonly fresh: boolean
  /** The cell around which the client sees. */
  readonly column: number
  readonly row: number
  /** Entities that went out of view. */
  readonly left: readonly number[]
  /** Entities that came into view, or are told anew. */
  readonly full: readonly EntityRecord[]
  readonly updates: readonly EntityState[]
  /** ServerMessages, encoded, that came before the frame. */
  readonly messages: readonly Uint8Array[]
}

export interface EntityState {
  readonly id: number
  /** Millimetres; a whole number of centimetres on the wire. */
  readonly x: number
  readonly y: number
  /** Direction in 1/256 of a turn, counter-clockwise from the x axis. */
  readonly heading: number
}

export interface EntityRecord extends EntityState {
  /** avatar, item, prop or creature; empty: one that this client does not know. */
  readonly kind: string
  /** An avatar's character name, else the kind of item, prop or creature. */
  readonly name: string
}

const kinds: readonly string[] = ENTITY_KINDS
const utf8 = new TextEncoder()
const text = new TextDecoder()

/** Reads a whole state frame, its kind byte included. Throws FrameInvalid, whatever the bytes. */
export function decodeStateFrame(bytes: Uint8Array): StateFrame {
  if (bytes[0] !== FRAME_STATE) throw new BailiwickError('FrameInvalid', { found: 'bytes that are no state frame' })
  const cursor = new FrameCursor(bytes, 1)
  const fresh = (cursor.byte() & FLAG_FRESH) !== 0
  const epoch = cursor.varint()
  const tick = cursor.varint()
  const acknowledged = cursor.varint()
  const column = unzigzag(cursor.varint())
  const row = unzigzag(cursor.varint())
  const frame = { epoch, tick, acknowledged, fresh, column, row, ...noRecords() }
  while (!cursor.atEnd) readSection(cursor, frame)
  return frame
}

interface Records {
  readonly left: number[]
  readonly full: EntityRecord[]
  readonly updates: EntityState[]
  readonly messages: Uint8Array[]
}

function noRecords(): Records {
  return { left: [], full: [], updates: [], messages: [] }
}

function readSection(cursor: FrameCursor, frame: Records & { readonly column: number; readonly row: number }): void {
  const head = cursor.byte()
  const section = head >> 4
  const slot = head & 0x0f
  if (slot > 8) throw new BailiwickError('FrameInvalid', { found: `slot ${slot} in a state frame` })
  const column = nearCentre(frame.column, slot % 3)
  const row = nearCentre(frame.row, Math.trunc(slot / 3))
  const count = cursor.varint()
  // Each record is a byte at least: a count above that is a lie, and the loop would find out only at the end of the frame anyway.
  for (let i = 0; i < count; i++) {
    if (section === SECTION.update) frame.updates.push(readUpdate(cursor, column, row))
    else if (section === SECTION.full) frame.full.push(readFull(cursor, column, row))
    else if (section === SECTION.left) frame.left.push(cursor.varint())
    else if (section === SECTION.message) frame.messages.push(cursor.take(cursor.varint()))
    else throw new BailiwickError('FrameInvalid', { found: `section ${section} in a state frame` })
  }
}

function readUpdate(cursor: FrameCursor, column: number, row: number): EntityState {
  const id = cursor.varint()
  const low = cursor.byte()
  const middle = cursor.byte()
  const high = cursor.byte()
  const left = low | ((middle & 0x0f) << 8)
  const up = (middle >> 4) | (high << 4)
  if (left >= CELL_CM || up >= CELL_CM) throw new BailiwickError('FrameInvalid', { found: 'a place outside its cell in a state frame' })
  return { id, x: (column * CELL_CM + left) * MM_PER_CM, y: (row * CELL_CM + up) * MM_PER_CM, heading: cursor.byte() }
}

function readFull(cursor: FrameCursor, column: number, row: number): EntityRecord {
  const state = readUpdate(cursor, column, row)
  const kind = kinds[cursor.byte()] ?? ''
  return { ...state, kind, name: text.decode(cursor.take(cursor.varint())) }
}

/**
 * The frame of a state, a section for each record: for tests and for hosts that are no zone server (which writes sections of many records, see
 * zone-server/interest). Positions are rounded down to centimetres and must lie in the nine cells around the centre.
 */
export function encodeStateFrame(frame: StateFrame): Uint8Array {
  const names = frame.full.map(({ name }) => utf8.encode(name))
  const size =
    MAX_STATE_HEADER +
    (frame.left.length + frame.updates.length + frame.full.length + frame.messages.length) * (MAX_SECTION_HEADER + MAX_FULL) +
    [...names, ...frame.messages].reduce((sum, { byteLength }) => sum + byteLength, 0)
  const bytes = new Uint8Array(size + MAX_VARINT)
  let at = writeStateHeader(bytes, 0, frame.fresh, frame.epoch, frame.tick, frame.acknowledged, frame.column, frame.row)
  for (const id of frame.left) at = writeVarint(bytes, writeSectionHeader(bytes, at, SECTION.left, 0, 1), id)
  for (const entity of frame.updates) at = writeRecord(bytes, at, SECTION.update, entity)
  frame.full.forEach((entity, i) => {
    at = writeRecord(bytes, at, SECTION.full, entity)
    const kind = kinds.indexOf(entity.kind)
    at = writeIdentity(bytes, at, Math.max(0, kind), names[i] ?? new Uint8Array(0))
  })
  for (const message of frame.messages) {
    at = writeVarint(bytes, writeSectionHeader(bytes, at, SECTION.message, 0, 1), message.byteLength)
    bytes.set(message, at)
    at += message.byteLength
  }
  return bytes.subarray(0, at)
}

function writeRecord(bytes: Uint8Array, at: number, section: number, { id, x, y, heading }: EntityState): number {
  const column = cellOf(x)
  const row = cellOf(y)
  const to = writeSectionHeader(bytes, at, section, slotOf(column, row), 1)
  return writeUpdate(bytes, to, id, x, y, column, row, heading)
}
