import { slotOf } from '../../core/protocol/cells.ts'

/** An entity that came into a cell, or went out of it, in the tick; `from` / `to` is the other cell, undefined: none (it appeared, or is gone). */
export interface Crossing {
  readonly id: number
  readonly other: Cell | undefined
}

/** So many update records of a cell leave in a tick; what is over waits, oldest first. */
export const CELL_BUDGET = 128
/** A cell with more changes than this in a tick is crowded: seen from a neighbouring cell it is told every second tick. */
export const CROWDED_ABOVE = 64

/** A cell of the grid: who is in it, and what of them is still to be told. Kept while somebody is in it or sees it. */
export class Cell {
  readonly column: number
  readonly row: number
  readonly slot: number
  /** Counts cells, so that those of one crowd do not all take the same turn. */
  readonly number: number
  /** Entities in it. */
  readonly members: number[] = []
  /** How many centres of views look at it. */
  watchers = 0
  /** The tick of which the fields below are. */
  tick = -1
  /** Entities that changed and were not told of yet, oldest first. */
  pending: number[] = []
  /** The same for those who see it from a neighbouring cell; only while it is crowded. */
  outerPending: number[] = []
  crowded = false
  /** It was crowded in this tick: its neighbours are told something else than those in it. */
  split = false
  /** Where its updates stand among the blocks of the tick, for those at its centre and for its neighbours. */
  from = 0
  to = 0
  outerFrom = 0
  outerTo = 0
  /** Those who see from here; undefined: nobody. */
  centre: Centre | undefined
  readonly arrivals: Crossing[] = []
  readonly departures: Crossing[] = []

  constructor(column: number, row: number, number: number) {
    this.column = column
    this.row = row
    this.slot = slotOf(column, row)
    this.number = number
  }

  /** The first time in a tick that something concerns it. */
  begin(tick: number): void {
    this.tick = tick
    this.split = false
    this.from = this.to = this.outerFrom = this.outerTo = 0
    this.arrivals.length = 0
    this.departures.length = 0
  }
}

/** The middle of a view: all clients with the same one see the same. */
export interface Centre {
  readonly cell: Cell
  /** The nine cells of the view, row by row. */
  readonly cells: readonly Cell[]
  /** How many clients see from here. */
  clients: number
  /** What those see who saw from here a tick ago: the tick of which it is, and where it stands among the bodies of that tick. */
  tick: number
  from: number
  to: number
}

/** True when the two are the same or touch: both are among the nine around each other. */
export function touches(a: Cell, b: Cell): boolean {
  return Math.abs(a.column - b.column) <= 1 && Math.abs(a.row - b.row) <= 1
}
