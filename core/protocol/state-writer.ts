import { MM_PER_CM } from '../geometry.ts'
import { CELL_CM } from './cells.ts'
import { FRAME_STATE } from './frame.ts'
import { MAX_VARINT, writeVarint, zigzag } from './varint.ts'

/** What the sections of a state frame hold. Layout: state-frame.md. */
export const SECTION = { update: 1, full: 2, left: 3, message: 4 } as const
/** The client forgets what it saw before this frame. */
export const FLAG_FRESH = 1
/** Kinds of entities as bytes of full records; a client passes over those that it does not know. */
export const ENTITY_KINDS = ['', 'avatar', 'item', 'prop', 'creature'] as const

/** At most so many bytes: kind, flags, epoch, tick, acknowledged, column, row. */
export const MAX_STATE_HEADER = 2 + 5 * MAX_VARINT
/** At most so many bytes: section byte and count. */
export const MAX_SECTION_HEADER = 1 + MAX_VARINT
/** At most so many bytes: id, place, heading. */
export const MAX_UPDATE = MAX_VARINT + 4
/** At most so many bytes besides the name: id, place, heading, kind, length of the name. */
export const MAX_FULL = MAX_UPDATE + 1 + MAX_VARINT

/** Writes the head of a state frame; answers where the first section goes. `column` and `row` are those of the centre of the client's view. */
export function writeStateHeader(
  bytes: Uint8Array,
  at: number,
  fresh: boolean,
  epoch: number,
  tick: number,
  acknowledged: number,
  column: number,
  row: number,
): number {
  bytes[at] = FRAME_STATE
  bytes[at + 1] = fresh ? FLAG_FRESH : 0
  let to = writeVarint(bytes, at + 2, epoch)
  to = writeVarint(bytes, to, tick)
  to = writeVarint(bytes, to, acknowledged)
  to = writeVarint(bytes, to, zigzag(column))
  return writeVarint(bytes, to, zigzag(row))
}

export function writeSectionHeader(bytes: Uint8Array, at: number, section: number, slot: number, count: number): number {
  bytes[at] = (section << 4) | slot
  return writeVarint(bytes, at + 1, count)
}

/** Writes where an entity is, `x` and `y` (millimetres of the plane) within the cell at `column`, `row`, rounded down to centimetres. */
export function writeUpdate(
  bytes: Uint8Array,
  at: number,
  id: number,
  x: number,
  y: number,
  column: number,
  row: number,
  heading: number,
): number {
  const to = writeVarint(bytes, at, id)
  const left = Math.floor(x / MM_PER_CM) - column * CELL_CM
  const up = Math.floor(y / MM_PER_CM) - row * CELL_CM
  bytes[to] = left & 0xff
  bytes[to + 1] = (left >>> 8) | ((up & 0x0f) << 4)
  bytes[to + 2] = up >>> 4
  bytes[to + 3] = heading
  return to + 4
}

/** Writes what comes behind an update record to make it a full one. `name` is UTF-8. */
export function writeIdentity(bytes: Uint8Array, at: number, kind: number, name: Uint8Array): number {
  bytes[at] = kind
  const to = writeVarint(bytes, at + 1, name.byteLength)
  bytes.set(name, to)
  return to + name.byteLength
}
