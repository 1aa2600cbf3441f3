import { cellOf } from '../../core/protocol/cells.ts'
import type { LayerState } from '../simulation/state.ts'
import { Cell } from './cell.ts'

/** Keeps the keys of neighbouring rows apart: wider than the plane has cells. */
const ROW = 2 ** 20

/** Which entities are where, cell by cell, followed from tick to tick by what changed. Only what can be seen is in it: nothing that is carried. */
export class Grid {
  readonly #cells = new Map<number, Cell>()
  /** Where each entity is, by id. */
  readonly #place: (Cell | undefined)[] = []
  /** Where it stands among its cell's members, by id. */
  readonly #position: number[] = []
  /** Cells that something concerns in this tick, in the order of being concerned. */
  readonly touched: Cell[] = []
  #tick = -1
  #count = 0
  #started = false

  /** Where an entity is seen; undefined: nowhere. */
  placeOf(id: number): Cell | undefined {
    return this.#place[id]
  }

  /** How many cells are kept. */
  get size(): number {
    return this.#cells.size
  }

  /** The cell at a column and row, which is kept from now on until nobody is in it and nobody looks at it. */
  cell(column: number, row: number): Cell {
    const key = keyOf(column, row)
    const known = this.#cells.get(key)
    if (known !== undefined) return known
    const cell = new Cell(column, row, this.#count++)
    this.#cells.set(key, cell)
    return cell
  }

  /** Takes over what the last step changed; the first time everything. `onChange` hears of each entity that is where it was, seen and changed. */
  follow({ tick, entities }: LayerState, onChange: (id: number, cell: Cell) => void): void {
    this.#tick = tick
    // A crowded cell goes on until all is told, whether or not anything changes.
    const unfinished = this.touched.filter((cell) => !this.#released(cell) && (cell.crowded || cell.pending.length > 0))
    this.touched.length = 0
    for (const cell of unfinished) this.#touch(cell)
    const { changed, changedCount, highest } = entities
    if (this.#started) for (let i = 0; i < changedCount; i++) this.#followOne(entities, changed[i] ?? 0, onChange)
    else for (let id = 1; id <= highest; id++) this.#followOne(entities, id, onChange)
    this.#started = true
  }

  #followOne(entities: LayerState['entities'], id: number, onChange: (id: number, cell: Cell) => void): void {
    const { x, y } = entities
    const before = this.#place[id]
    if (!entities.isPlaced(id)) {
      if (before !== undefined) this.#move(id, before, undefined)
      return
    }
    const column = cellOf(x[id] ?? 0)
    const row = cellOf(y[id] ?? 0)
    if (before !== undefined && before.column === column && before.row === row) {
      this.#touch(before)
      onChange(id, before)
    } else this.#move(id, before, this.cell(column, row))
  }

  #move(id: number, before: Cell | undefined, after: Cell | undefined): void {
    if (before !== undefined) {
      this.#remove(id, before)
      this.#touch(before)
      before.departures.push({ id, other: after })
    }
    this.#place[id] = after
    if (after === undefined) return
    this.#position[id] = after.members.length
    after.members.push(id)
    this.#touch(after)
    after.arrivals.push({ id, other: before })
  }

  #remove(id: number, { members }: Cell): void {
    const at = this.#position[id] ?? 0
    const last = members.pop() ?? 0
    if (last === id) return
    members[at] = last
    this.#position[last] = at
  }

  #touch(cell: Cell): void {
    if (cell.tick === this.#tick) return
    cell.begin(this.#tick)
    this.touched.push(cell)
  }

  /** Nobody looks at this cell any more. */
  unwatched(cell: Cell): void {
    this.#released(cell)
  }

  /** Forgets the cell, and answers true, if nothing is in it and nobody looks at it. */
  #released(cell: Cell): boolean {
    if (cell.members.length > 0 || cell.watchers > 0) return false
    this.#cells.delete(keyOf(cell.column, cell.row))
    return true
  }
}

function keyOf(column: number, row: number): number {
  return (row + ROW / 2) * ROW + column + ROW / 2
}
