import { CELL, cellOf } from '../../core/protocol/cells.ts'
import type { LayerState } from '../simulation/state.ts'
import { Blocks } from './blocks.ts'
import { type Cell, type Centre, touches } from './cell.ts'
import { Grid } from './grid.ts'
import { RecordWriter } from './records.ts'
import type { Slab } from './slab.ts'

/** A client's centre moves only when its avatar is so far beyond the border of the centre's cell, millimetres: who walks along a border is not told of both sides again and again. */
export const HYSTERESIS = 4_000

/**
 * Who sees what. Once a tick the changes of each cell are encoded (blocks); what a client is shown, its body, follows from where it saw from a tick ago and where
 * it sees from now: clients with the same two get the same bytes. Costs O(changes + centres), whatever the number of clients.
 */
export class Interest {
  readonly #grid = new Grid()
  readonly #records = new RecordWriter()
  readonly #blocks = new Blocks(this.#grid, this.#records)
  readonly #full: number[] = []
  readonly #updates: number[] = []
  readonly #left: number[] = []

  /** Takes the last step over: once after each. */
  step(state: LayerState): void {
    this.#blocks.encode(state)
  }

  /** How many cells are kept. */
  get cells(): number {
    return this.#grid.size
  }

  /** True when an entity is in view from there. */
  sees(centre: Centre | undefined, entity: number): boolean {
    const cell = this.#grid.placeOf(entity)
    return cell !== undefined && centre !== undefined && touches(cell, centre.cell)
  }

  /** From where a client at this place sees, given from where it saw. If that is another centre it counts as one that sees from both: `unwatch` the other. */
  watch(x: number, y: number, before: Centre | undefined): Centre {
    if (before !== undefined && isNear(x, before.cell.column) && isNear(y, before.cell.row)) return before
    const cell = this.#grid.cell(cellOf(x), cellOf(y))
    cell.centre ??= this.#centre(cell)
    // Back in the cell it saw from, after having been beyond all borders at once (a respawn).
    if (cell.centre !== before) cell.centre.clients++
    return cell.centre
  }

  /** A client does not see from there any more. */
  unwatch(centre: Centre): void {
    if (--centre.clients > 0) return
    centre.cell.centre = undefined
    for (const cell of centre.cells) {
      cell.watchers--
      this.#grid.unwatched(cell)
    }
  }

  /**
   * Puts into the slab what a client is shown of the last step, and answers where it begins; it ends where the slab ends. `before` is from where it saw a tick ago,
   * undefined: it is told everything in view.
   */
  body(state: LayerState, slab: Slab, before: Centre | undefined, now: Centre): number {
    const from = slab.at
    this.#left.length = 0
    for (const cell of now.cells) {
      if (before === undefined || !touches(cell, before.cell) || changesRole(cell, before, now))
        this.#records.full(slab, state.entities, cell, cell.members)
      else if (cell.tick === state.tick) this.#changes(state, slab, cell, before, now)
    }
    this.#records.left(slab, this.#left)
    return from
  }

  #changes(state: LayerState, slab: Slab, cell: Cell, before: Centre, now: Centre): void {
    const own = cell === now.cell
    const start = own ? cell.from : cell.outerFrom
    const end = own ? cell.to : cell.outerTo
    slab.reserve(end - start)
    slab.copy(this.#blocks.slab.bytes, start, end)
    for (const { id, other } of cell.departures) if (other === undefined || !touches(other, now.cell)) this.#left.push(id)
    if (cell.arrivals.length === 0) return
    this.#full.length = 0
    this.#updates.length = 0
    for (const { id, other } of cell.arrivals) {
      const known = other !== undefined && touches(other, before.cell)
      ;(known ? this.#updates : this.#full).push(id)
    }
    this.#records.updates(slab, state.entities, cell, this.#updates)
    this.#records.full(slab, state.entities, cell, this.#full)
  }

  #centre(cell: Cell): Centre {
    const cells: Cell[] = []
    for (let row = cell.row - 1; row <= cell.row + 1; row++)
      for (let column = cell.column - 1; column <= cell.column + 1; column++) {
        const watched = this.#grid.cell(column, row)
        watched.watchers++
        cells.push(watched)
      }
    return { cell, cells, clients: 0, tick: -1, from: 0, to: 0 }
  }
}

/** The cell is told differently to those in it and those beside it, and the client changes from one to the other: it would miss what waits. */
function changesRole(cell: Cell, before: Centre, now: Centre): boolean {
  return cell.split && before !== now && (cell === before.cell || cell === now.cell)
}

function isNear(coordinate: number, column: number): boolean {
  return coordinate >= column * CELL - HYSTERESIS && coordinate < (column + 1) * CELL + HYSTERESIS
}
