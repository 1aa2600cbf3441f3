import type { Metrics } from '../platform/metrics/index.ts'
import type { HostMeters } from './host-layers.ts'

export interface Gauges {
  readonly layers: () => number
  readonly players: () => number
  readonly connections: () => number
}

/** The zone server's own metrics. */
export function createMeters(metrics: Metrics, gauges: Gauges): HostMeters {
  metrics.sampled('bailiwick_layers', 'Layers served by this host', gauges.layers)
  metrics.sampled('bailiwick_players', 'Characters resident in the layers of this host', gauges.players)
  metrics.sampled('bailiwick_connections', 'Open client connections', gauges.connections)
  const tick = metrics.histogram('bailiwick_tick_seconds', 'Time a tick takes', [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1])
  const claims = metrics.histogram(
    'bailiwick_claim_seconds',
    'Time from an assignment to the served layer',
    [0.005, 0.02, 0.05, 0.2, 1, 5],
    ['outcome'],
  )
  return {
    tick: (seconds) => tick.observe(seconds),
    claim: (outcome, seconds) => claims.observe(seconds, { outcome }),
  }
}
