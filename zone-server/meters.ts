import type { Metrics } from '../platform/metrics/index.ts'
import type { HostMeters } from './host-layers.ts'
import type { SessionMeters } from './session.ts'
import { memoryShare } from './watchdog/memory-share.ts'

export interface Gauges {
  readonly layers: () => number
  readonly players: () => number
  readonly connections: () => number
  readonly ahead: () => number
  readonly waiting: () => number
  readonly sentBytes: () => number
  readonly receivedBytes: () => number
}

/** The zone server's own metrics. */
export function createMeters(metrics: Metrics, gauges: Gauges): HostMeters & SessionMeters & { readonly dropped: () => void } {
  metrics.sampled('bailiwick_layers', 'Layers served by this host', gauges.layers)
  metrics.sampled('bailiwick_players', 'Characters resident in the layers of this host', gauges.players)
  metrics.sampled('bailiwick_connections', 'Open client connections', gauges.connections)
  metrics.sampled('bailiwick_journal_ahead_ticks', 'Stepped ticks that wait for their confirmation by the journal', gauges.ahead)
  metrics.sampled('bailiwick_clients_waiting', 'Clients that wait for a layer which is being claimed', gauges.waiting)
  metrics.tallied('bailiwick_sent_bytes_total', 'Bytes sent to clients', gauges.sentBytes)
  metrics.tallied('bailiwick_received_bytes_total', 'Bytes received from clients', gauges.receivedBytes)
  metrics.sampled('bailiwick_memory_share', 'Share of the memory that this host may have, heap or container, which it uses', memoryShare)
  const tick = metrics.histogram('bailiwick_tick_seconds', 'Time a tick takes', [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1])
  const claims = metrics.histogram(
    'bailiwick_claim_seconds',
    'Time from an assignment to the served layer',
    [0.005, 0.02, 0.05, 0.2, 1, 5],
    ['outcome'],
  )
  const commits = metrics.histogram(
    'bailiwick_commit_seconds',
    'Time of one call to the journal with what all layers had to append',
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    ['answered'],
  )
  const journalRefusals = metrics.counter(
    'bailiwick_journal_refusals_total',
    'Entries that the journal refused: Fenced (another owns the layer), Forked (the index lost its fence), OutOfSequence',
    ['answer'],
  )
  const crashes = metrics.counter(
    'bailiwick_layer_crashes_total',
    'Layers that ended by what happens in them, in play or on a tick that was confirmed (replayed)',
    ['replayed'],
  )
  const lateness = metrics.histogram(
    'bailiwick_tick_late_seconds',
    'How late the beat of the host came, and with it its ticks',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  )
  const held = metrics.counter('bailiwick_ticks_held_total', 'Ticks that were put off because what is played could not be made safe')
  const snapshotSeconds = metrics.histogram(
    'bailiwick_snapshot_seconds',
    'Time to pack and store a snapshot',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  )
  const snapshotBytes = metrics.histogram(
    'bailiwick_snapshot_bytes',
    'Size of a stored snapshot',
    [1_000, 10_000, 100_000, 1_000_000, 4_000_000, 12_000_000],
  )
  const refusals = metrics.counter(
    'bailiwick_refusals_total',
    'What clients sent that was refused before it reached a layer, by error code',
    ['code'],
  )
  const drops = metrics.counter(
    'bailiwick_connections_dropped_total',
    'Connections that were cut, or not taken, because there were too many whose clients had not come in',
  )
  const ends = metrics.counter('bailiwick_sessions_ended_total', 'Connections that this host ended, by reason; TooSlow: did not keep up', [
    'reason',
  ])
  return {
    commit: (seconds, answered) => commits.observe(seconds, { answered: String(answered) }),
    journalRefused: (answer) => journalRefusals.add({ answer }),
    crashed: (replayed) => crashes.add({ replayed: String(replayed) }),
    late: (seconds) => lateness.observe(seconds),
    held: () => held.add(),
    snapshot: (seconds, bytes) => {
      snapshotSeconds.observe(seconds)
      snapshotBytes.observe(bytes)
    },
    dropped: () => drops.add(),
    refused: (code) => refusals.add({ code }),
    ended: (reason) => ends.add({ reason }),
    tick: (seconds) => tick.observe(seconds),
    claim: (outcome, seconds) => claims.observe(seconds, { outcome }),
  }
}
