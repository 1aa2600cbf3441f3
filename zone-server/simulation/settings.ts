import type { Bounds } from '../../core/geometry.ts'

export interface SimulationSettings {
  /** Millimetres. */
  readonly bounds: Bounds
  readonly tickRateHz: number
  /** A resident without a connection leaves after so many ticks. */
  readonly linkDeadTicks: number
}
