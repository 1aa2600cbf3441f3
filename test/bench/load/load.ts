import type { CrowdReport } from '../../../client/load/crowd.ts'
import type { Bounds, Point } from '../../../core/geometry.ts'
import type { Side } from '../kit/side.ts'

/** A crowd as it is told to whoever generates it. */
export interface LoadStart {
  readonly side: Side
  /** Frames are bytes without a meaning: only counted. */
  readonly meaningless?: boolean
  readonly port: number
  /** Millimetres. */
  readonly bounds: Bounds
  readonly seed: number
  /** For each client: where its walk begins, where it connects, and what it says first. */
  readonly clients: readonly LoadClient[]
}

export interface LoadClient {
  readonly start: Point
  readonly path: string
  readonly hello: Uint8Array | undefined
}

/** A running crowd. */
export interface Load {
  /** `c` or `node`: which generator drives it. */
  readonly by: 'c' | 'node'
  measure(ms: number): Promise<CrowdReport>
  end(): Promise<void>
}
