import {
  MAX_FULL,
  MAX_SECTION_HEADER,
  MAX_UPDATE,
  SECTION,
  writeIdentity,
  writeSectionHeader,
  writeUpdate,
} from '../../core/protocol/state-writer.ts'
import { MAX_VARINT, writeVarint } from '../../core/protocol/varint.ts'
import type { EntityTable } from '../simulation/entities.ts'
import type { Cell } from './cell.ts'
import type { Slab } from './slab.ts'

const utf8 = new TextEncoder()

/** Writes sections of many records each, from the table of entities. */
export class RecordWriter {
  readonly #names: (Uint8Array | undefined)[] = []
  readonly #texts: string[] = []

  /** Where the first `count` entities are. */
  updates(slab: Slab, { x, y, heading }: EntityTable, cell: Cell, ids: readonly number[], count = ids.length): void {
    if (count === 0) return
    slab.reserve(MAX_SECTION_HEADER + count * MAX_UPDATE)
    const { bytes } = slab
    const { column, row } = cell
    let at = writeSectionHeader(bytes, slab.at, SECTION.update, cell.slot, count)
    for (let i = 0; i < count; i++) {
      const id = ids[i] ?? 0
      at = writeUpdate(bytes, at, id, x[id] ?? 0, y[id] ?? 0, column, row, heading[id] ?? 0)
    }
    slab.at = at
  }

  /** What the entities are and where. */
  full(slab: Slab, { x, y, heading, kind, name }: EntityTable, cell: Cell, ids: readonly number[]): void {
    if (ids.length === 0) return
    slab.reserve(MAX_SECTION_HEADER)
    slab.at = writeSectionHeader(slab.bytes, slab.at, SECTION.full, cell.slot, ids.length)
    for (const id of ids) {
      const text = this.#name(id, name[id] ?? '')
      slab.reserve(MAX_FULL + text.byteLength)
      const at = writeUpdate(slab.bytes, slab.at, id, x[id] ?? 0, y[id] ?? 0, cell.column, cell.row, heading[id] ?? 0)
      slab.at = writeIdentity(slab.bytes, at, kind[id] ?? 0, text)
    }
  }

  left(slab: Slab, ids: readonly number[]): void {
    if (ids.length === 0) return
    slab.reserve(MAX_SECTION_HEADER + ids.length * MAX_VARINT)
    let at = writeSectionHeader(slab.bytes, slab.at, SECTION.left, 0, ids.length)
    for (const id of ids) at = writeVarint(slab.bytes, at, id)
    slab.at = at
  }

  /** Encoded once for as long as the id names the same. */
  #name(id: number, text: string): Uint8Array {
    const known = this.#names[id]
    if (known !== undefined && this.#texts[id] === text) return known
    const bytes = utf8.encode(text)
    this.#names[id] = bytes
    this.#texts[id] = text
    return bytes
  }
}
