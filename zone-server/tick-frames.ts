import type { Slab } from './interest/slab.ts'
import type { Captured, Seat } from './seat.ts'

/** What one client is told of a tick. */
export interface Row {
  readonly seat: Seat
  /** Where its body stands in the slab; `from` -1: it is shown nothing. */
  readonly from: number
  readonly to: number
  readonly fresh: boolean
  readonly column: number
  readonly row: number
  readonly acknowledged: number
  readonly messages: readonly Captured[] | undefined
  /** It was sent, or is not to be any more. */
  done: boolean
}

/** What one tick shows and says, captured when it was stepped: released when it is confirmed, under the epoch that confirmed it. */
export interface TickFrames {
  readonly tick: number
  readonly tickRateHz: number
  /** The bodies of the rows. */
  readonly slab: Slab
  /** By group: who is told what. */
  readonly groups: readonly (readonly Row[])[]
}
