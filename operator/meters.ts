import type { Clock } from '../core/clock.ts'
import type { HostView, LayerView } from '../core/ports/index-port.ts'
import type { ZoneSource } from '../core/ports/zone-source-port.ts'
import type { Labels, Metrics } from '../platform/metrics/index.ts'
import type { IndexMirror } from './index-mirror.ts'
import type { StatusWriter, WriteResult } from './status-writer.ts'

export interface OperatorMeters {
  /** A zone was looked at, which took so many seconds. */
  reconciled(seconds: number): void
  failed(): void
  drained(): void
  cleaned(what: string, reason: string): void
  placedAgain(layers: number): void
  statusWritten(result: WriteResult): void
}

export interface Observed {
  readonly clock: Clock
  readonly zones: Pick<ZoneSource, 'list'>
  readonly mirror: Pick<IndexMirror, 'reachable' | 'hosts' | 'layers'>
  readonly queue: { readonly size: number }
  readonly writer: Pick<StatusWriter, 'waiting'>
}

/** What the operator counts. Zones, layers and hosts are counted when somebody asks, from the copies that it has anyway; one that does not lead has none. */
export function createMeters(metrics: Metrics, { zones, mirror, queue, writer, clock }: Observed): OperatorMeters {
  metrics.sampled('bailiwick_zones', 'Zones seen', () => zones.list().length)
  metrics.sampledBy('bailiwick_zones_by_phase', 'Zones by the phase of their status; None: no status yet', ['phase'], () =>
    tally(zones.list(), (zone) => ({ phase: zone.status?.phase ?? 'None' })),
  )
  metrics.sampledBy('bailiwick_layers_by_state', 'Layers that were ever placed, by their state in the index', ['state'], () =>
    tally(mirror.layers(), ({ state }) => ({ state })),
  )
  metrics.sampled('bailiwick_layers_unsafe', 'Layers that hold back what they would say, because it can not be made safe', () =>
    count(mirror.layers(), ({ dataSafe }) => !dataSafe),
  )
  metrics.sampled(
    'bailiwick_layers_failed',
    'Layers that their last host gave up and that are not served again yet, quarantined ones included',
    () => count(mirror.layers(), ({ failure }) => failure !== undefined),
  )
  metrics.sampled('bailiwick_wish_oldest_seconds', 'How long the layer that waits longest for a host has waited; 0: none waits', () =>
    longestWait(mirror.layers(), clock.now()),
  )
  metrics.sampledBy('bailiwick_hosts', 'Hosts by their state in the index', ['state'], () =>
    tally(everyHost(mirror), ({ state }) => ({ state })),
  )
  metrics.sampled('bailiwick_hosts_outdated', 'Live hosts of an outdated template', () =>
    count(everyHost(mirror), (host) => host.outdated && host.state !== 'Dead'),
  )
  metrics.sampledBy('bailiwick_slots', 'Slots for layers on hosts that may be given layers: used or free', ['use'], () => slots(mirror))
  metrics.sampled('bailiwick_queue_keys', 'Zones that wait to be looked at, now or later', () => queue.size)
  metrics.sampled('bailiwick_status_writes_waiting', 'Statuses that wait to be written', () => writer.waiting)
  metrics.sampled('bailiwick_index_reachable', '1 while the zone index answers', () => Number(mirror.reachable))
  const writes = metrics.counter('bailiwick_status_writes_total', 'Writes of a status, by result', ['result'])
  const looks = metrics.counter('bailiwick_reconciles_total', 'Zones looked at', ['result'])
  const seconds = metrics.histogram('bailiwick_reconcile_seconds', 'Time to look at one zone', [0.001, 0.01, 0.1, 1, 10])
  const drained = metrics.counter('bailiwick_hosts_drained_total', 'Hosts drained because their node was cordoned')
  const cleaned = metrics.counter(
    'bailiwick_cleaned_total',
    'Leaked game servers deleted, hosts without a game server removed or drained',
    ['what', 'reason'],
  )
  const placedAgain = metrics.counter('bailiwick_layers_placed_again_total', 'Layers that sweeps placed again')
  return {
    reconciled(took) {
      looks.add({ result: 'done' })
      seconds.observe(took)
    },
    failed: () => looks.add({ result: 'failed' }),
    drained: () => drained.add(),
    cleaned: (what, reason) => cleaned.add({ what, reason }),
    placedAgain: (layers) => placedAgain.add({}, layers),
    statusWritten: (result) => writes.add({ result }),
  }
}

function* everyHost(mirror: Observed['mirror']): Iterable<HostView> {
  for (const [, hosts] of mirror.hosts()) yield* hosts
}

function slots(mirror: Observed['mirror']): [Labels, number][] {
  let used = 0
  let free = 0
  for (const { state, outdated, layers, capacity } of everyHost(mirror)) {
    if (outdated || (state !== 'Ready' && state !== 'Retiring')) continue
    used += layers
    free += Math.max(0, capacity - layers)
  }
  return [
    [{ use: 'used' }, used],
    [{ use: 'free' }, free],
  ]
}

/** In seconds; by two clocks, that of the index and ours: off by as much as they are. */
function longestWait(layers: Iterable<LayerView>, now: number): number {
  let longest = 0
  for (const { state, since } of layers) if (state === 'Wished') longest = Math.max(longest, now - since)
  return longest / 1_000
}

function count<T>(things: Iterable<T>, is: (thing: T) => boolean): number {
  let found = 0
  for (const thing of things) if (is(thing)) found += 1
  return found
}

/** How many things have the same labels. */
function tally<T>(things: Iterable<T>, labelsOf: (thing: T) => Labels): [Labels, number][] {
  const counted = new Map<string, [Labels, number]>()
  for (const thing of things) {
    const labels = labelsOf(thing)
    const key = Object.values(labels).join('\n')
    const known = counted.get(key)
    if (known === undefined) counted.set(key, [labels, 1])
    else known[1] += 1
  }
  return [...counted.values()]
}
