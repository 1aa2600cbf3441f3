import type { Slab } from './interest/slab.ts'
import type { Captured, Seat } from './seat.ts'
import { GROUPS } from './spread.ts'

/** What of a row stands where among its numbers. */
const FROM = 0
const TO = 1
const ACKNOWLEDGED = 2
const COLUMN = 3
const ROW = 4
const FLAGS = 5
const WIDTH = 6

const SHOWN = 1
const FRESH = 2
const DONE = 4

const FIRST_ROWS = 64

/**
 * What one tick shows and says, captured when it was stepped: released when it is confirmed, under the epoch that confirmed it. A row for each client, group by group; the rows are numbers in
 * one array, and all of it is used again: an object for each client and tick costs more than what is done with it.
 */
export class TickFrames {
  tick = 0
  tickRateHz = 1
  /** Known from its release on. */
  epoch = 0
  /** How many groups have rows. */
  groups = 0
  /** The bodies of the rows. */
  readonly slab: Slab
  /** By row: who is told. */
  readonly seats: Seat[] = []
  /** By row, where there are any: what is said besides. */
  readonly messages = new Map<number, readonly Captured[]>()
  /** The first row of each group, and behind the last. */
  readonly #first = new Uint32Array(GROUPS + 1)
  #rows = new Int32Array(FIRST_ROWS * WIDTH)

  constructor(slab: Slab) {
    this.slab = slab
  }

  /** Forgets the tick that it held. */
  begin(tick: number, tickRateHz: number): void {
    this.tick = tick
    this.tickRateHz = tickRateHz
    this.groups = 0
    this.slab.at = 0
    this.seats.length = 0
    this.messages.clear()
    this.#first[0] = 0
  }

  /** Nobody of the present group comes any more. */
  endGroup(): void {
    this.#first[++this.groups] = this.seats.length
  }

  /** The first row of a group; the next group's is behind its last. */
  firstOf(group: number): number {
    return this.#first[group] ?? 0
  }

  /** The next client sees nothing of this tick. */
  addUnseen(seat: Seat): void {
    this.#rows[this.#add(seat) + FLAGS] = 0
  }

  /** The next client sees the body at `from` … `to` of the slab, from the cell at `column`, `row`; `fresh`: all that is in view. */
  addShown(seat: Seat, from: number, to: number, fresh: boolean, acknowledged: number, column: number, row: number): void {
    const at = this.#add(seat)
    const rows = this.#rows
    rows[at + FROM] = from
    rows[at + TO] = to
    rows[at + ACKNOWLEDGED] = acknowledged
    rows[at + COLUMN] = column
    rows[at + ROW] = row
    rows[at + FLAGS] = fresh ? SHOWN | FRESH : SHOWN
  }

  /** True the first time: from then on the row is done. */
  take(row: number): boolean {
    const at = row * WIDTH + FLAGS
    const flags = this.#rows[at] ?? DONE
    if ((flags & DONE) !== 0) return false
    this.#rows[at] = flags | DONE
    return true
  }

  isShown(row: number): boolean {
    return ((this.#rows[row * WIDTH + FLAGS] ?? 0) & SHOWN) !== 0
  }

  isFresh(row: number): boolean {
    return ((this.#rows[row * WIDTH + FLAGS] ?? 0) & FRESH) !== 0
  }

  fromOf(row: number): number {
    return this.#rows[row * WIDTH + FROM] ?? 0
  }

  toOf(row: number): number {
    return this.#rows[row * WIDTH + TO] ?? 0
  }

  acknowledgedOf(row: number): number {
    return (this.#rows[row * WIDTH + ACKNOWLEDGED] ?? 0) >>> 0
  }

  columnOf(row: number): number {
    return this.#rows[row * WIDTH + COLUMN] ?? 0
  }

  rowOf(row: number): number {
    return this.#rows[row * WIDTH + ROW] ?? 0
  }

  /** Makes a row; answers where its numbers begin. */
  #add(seat: Seat): number {
    const at = this.seats.length * WIDTH
    if (at === this.#rows.length) {
      const wider = new Int32Array(at * 2)
      wider.set(this.#rows)
      this.#rows = wider
    }
    this.seats.push(seat)
    return at
  }
}
