import type { ErrorCode } from '../../core/errors.ts'
import type { LayerState } from '../../core/ports/index-port.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import type { Heard } from './knock.ts'

export interface JoinMeters {
  /** A join ended: with a ticket or with this error, after so many seconds. */
  ended(result: 'Joined' | ErrorCode, seconds: number): void
  /** A join found its layer asleep. */
  woke(): void
  /** A join waits for its layer, which is in this state, or served by a host that the client could not reach. */
  waited(state: LayerState | 'Unreached'): void
}

export interface AllocatorMeters extends JoinMeters {
  /** It was tried whether a host that a client could not reach takes connections. */
  readonly knocked: (heard: Heard) => void
  autoscaled(result: 'Answered' | ErrorCode): void
  swept(result: 'Done' | 'Failed', placedAgain: number): void
}

/** What the allocator counts. `waiting`: joins that wait now. */
export function createMeters(metrics: Metrics, waiting: () => number): AllocatorMeters {
  const joins = metrics.counter('bailiwick_joins_total', 'Joins answered, by result', ['result'])
  const joinSeconds = metrics.histogram(
    'bailiwick_join_duration_seconds',
    'Time of a join that got a ticket',
    [0.01, 0.05, 0.2, 0.5, 1, 2, 4, 8],
  )
  const wakes = metrics.counter('bailiwick_join_wakes_total', 'Joins that found their layer asleep, and so asked for it to be woken')
  const waits = metrics.counter('bailiwick_join_waits_total', 'Joins that waited for a layer, by its state after they asked', ['state'])
  const autoscales = metrics.counter('bailiwick_autoscale_answers_total', 'Answers to the FleetAutoscaler webhook, by result', ['result'])
  const sweeps = metrics.counter('bailiwick_sweeps_total', 'Sweeps of a fleet, by result', ['result'])
  const knocks = metrics.counter(
    'bailiwick_host_knocks_total',
    'Tries to connect to a host that a client could not reach, by what came of it',
    ['heard'],
  )
  const placedAgain = metrics.counter('bailiwick_layers_placed_again_total', 'Layers that sweeps placed again')
  metrics.sampled('bailiwick_joins_waiting', 'Joins that wait for a layer now', waiting)
  return {
    ended(result, seconds) {
      joins.add({ result })
      if (result === 'Joined') joinSeconds.observe(seconds)
    },
    woke: () => wakes.add(),
    waited: (state) => waits.add({ state }),
    knocked: (heard) => knocks.add({ heard }),
    autoscaled: (result) => autoscales.add({ result }),
    swept(result, again) {
      sweeps.add({ result })
      placedAgain.add({}, again)
    },
  }
}
