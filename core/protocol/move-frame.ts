import { FRAME_MESSAGE } from './frame.ts'

/** A Move as it came; written over by each read. */
export interface MoveFrame {
  sequence: number
  vx: number
  vy: number
  seen: number
}

/** Tags of protocol buffers: field number and wire type. */
const TAG = { sequence: 0x08, move: 0x1a, vx: 0x08, vy: 0x10, seen: 0x78 } as const

/**
 * Reads the client frame at `from` … `to` into `move` when it is a Move in the order in which fields are usually written; nearly all frames are. Answers
 * false for everything else, which `decodeClientFrame` reads or refuses: this is a shorter way to the same answer.
 */
export function readMove(bytes: Uint8Array, from: number, to: number, move: MoveFrame): boolean {
  if (bytes[from] !== FRAME_MESSAGE || bytes[from + 1] !== TAG.sequence) return false
  const sequence = varint(bytes, from + 2, to)
  if (sequence < 0) return false
  let at = end
  if (bytes[at] !== TAG.move || at + 1 >= to) return false
  const stop = at + 2 + (bytes[at + 1] ?? 0)
  if ((bytes[at + 1] ?? 0) >= 0x80 || stop > to) return false
  at += 2
  let vx = 0
  let vy = 0
  if (at < stop && bytes[at] === TAG.vx) {
    vx = varint(bytes, at + 1, stop)
    at = end
  }
  if (at < stop && bytes[at] === TAG.vy) {
    vy = varint(bytes, at + 1, stop)
    at = end
  }
  let seen = 0
  if (at === stop && at < to && bytes[at] === TAG.seen) {
    seen = varint(bytes, at + 1, to)
    at = end
  } else if (at !== stop) return false
  if (vx < 0 || vy < 0 || seen < 0 || at !== to) return false
  move.sequence = sequence
  move.vx = signed(vx)
  move.vy = signed(vy)
  move.seen = seen
  return true
}

/** Where the last number that was read ended. */
let end = 0

/** An unsigned number of at most 32 bits; -1 when it is longer, or not whole before `to`. */
function varint(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let i = 0; i < 5 && from + i < to; i++) {
    const byte = bytes[from + i] ?? 0
    if (i === 4 && byte > 0x0f) return -1
    value = (value | ((byte & 0x7f) << (7 * i))) >>> 0
    if (byte < 0x80) {
      end = from + i + 1
      return value
    }
  }
  return -1
}

function signed(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}
