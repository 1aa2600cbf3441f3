import type { LayerState } from '../simulation/state.ts'
import { CELL_BUDGET, type Cell, CROWDED_ABOVE } from './cell.ts'
import type { Grid } from './grid.ts'
import type { RecordWriter } from './records.ts'
import { Slab } from './slab.ts'

const FIRST_SIZE = 64 * 1024

/**
 * The changes of each cell in one tick, encoded once: its block. A cell with more than its budget tells the oldest first and the rest later; a crowded one
 * is told to those who see it from a neighbouring cell every second tick, from a queue of their own.
 */
export class Blocks {
  readonly slab = new Slab(FIRST_SIZE)
  readonly #grid: Grid
  readonly #records: RecordWriter
  /** By id: 1 + the number of the cell in whose queue it waits; 0: in none. Entries of a cell that it has left are passed over. */
  readonly #waiting: number[] = []
  readonly #outerWaiting: number[] = []
  readonly #taken: number[] = []

  constructor(grid: Grid, records: RecordWriter) {
    this.#grid = grid
    this.#records = records
  }

  /** Takes the last step over into the grid and encodes it. */
  encode(state: LayerState): void {
    this.slab.at = 0
    this.#grid.follow(state, (id, cell) => this.#queue(id, cell))
    for (const cell of this.#grid.touched) this.#encodeCell(state, cell)
  }

  #queue(id: number, cell: Cell): void {
    if (this.#waiting[id] !== cell.number + 1) {
      this.#waiting[id] = cell.number + 1
      cell.pending.push(id)
    }
    if (cell.crowded && this.#outerWaiting[id] !== cell.number + 1) {
      this.#outerWaiting[id] = cell.number + 1
      cell.outerPending.push(id)
    }
  }

  #encodeCell(state: LayerState, cell: Cell): void {
    if (!cell.crowded && cell.pending.length > CROWDED_ABOVE) this.#becomeCrowded(cell)
    const { slab } = this
    cell.split = cell.crowded
    cell.from = slab.at
    this.#take(state, cell, cell.pending, this.#waiting)
    cell.to = slab.at
    if (!cell.crowded) {
      cell.outerFrom = cell.from
      cell.outerTo = cell.to
      return
    }
    cell.outerFrom = slab.at
    if (((state.tick + cell.number) & 1) === 0) this.#take(state, cell, cell.outerPending, this.#outerWaiting)
    cell.outerTo = slab.at
    // Both have been told the same: from now on one block will do for both.
    cell.crowded = cell.outerPending.length > 0 || cell.pending.length > 0
  }

  #becomeCrowded(cell: Cell): void {
    cell.crowded = true
    for (const id of cell.pending) this.#outerWaiting[id] = cell.number + 1
    cell.outerPending = [...cell.pending]
  }

  /** Encodes the oldest of a queue, as many as the budget lets through. */
  #take(state: LayerState, cell: Cell, queue: number[], waiting: number[]): void {
    const taken = this.#taken
    taken.length = 0
    let read = 0
    while (read < queue.length && taken.length < CELL_BUDGET) {
      const id = queue[read++] ?? 0
      if (waiting[id] !== cell.number + 1) continue
      waiting[id] = 0
      if (this.#grid.placeOf(id) === cell) taken.push(id)
    }
    if (read === queue.length) queue.length = 0
    else queue.splice(0, read)
    this.#records.updates(this.slab, state.entities, cell, taken)
  }
}
