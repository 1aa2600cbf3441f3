import { BailiwickError, describeError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import type { LayerCrash } from '../core/ports/index-port.ts'
import { frames } from './watchdog/layer-frames.ts'
import { steps } from './watchdog/step-mark.ts'

/** What was known of a tick that could not be stepped. */
export interface CrashedTick extends LayerCrash {
  readonly layer: LayerId
  /** What the simulation was told in it; undefined: nobody knows. */
  readonly batch?: Uint8Array | undefined
  /** Of its entry in the journal; undefined: it has none. */
  readonly digest?: string | undefined
}

/** The layer's own past, or what it was told in play, is what it does not survive: another try of the same will end the same. Its code is that of what was thrown. */
export class LayerCrashed extends BailiwickError {
  readonly crash: CrashedTick

  constructor(crash: CrashedTick, cause: unknown) {
    const how = crash.replayed ? 'that was confirmed' : 'in play'
    super(cause instanceof BailiwickError ? cause.code : 'LayerCrashed', {
      asked: `layer ${crash.layer} at tick ${crash.tick} ${how}`,
      found: describeError(cause),
      cause,
    })
    this.crash = crash
  }
}

/** Does what belongs to one tick; what it throws is a crash of that tick, and that it does not end is seen. */
export function inTick<T>(crash: CrashedTick, work: () => T): T {
  try {
    return steps.during(crash.layer, crash.tick, crash.replayed, () => frames.during(crash.layer, work))
  } catch (error) {
    throw new LayerCrashed(crash, error)
  }
}
