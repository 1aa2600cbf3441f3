import { STATUS_WRITES_PER_SECOND } from '../../../core/timing.ts'
import { type Metric, quick, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import type { Rates } from './rates.ts'

export interface Point {
  readonly zones: number
  /** How many of them no operator had seen before. */
  readonly fresh: number
  /** The API server's own time for them: until it had made them, asked by 32 at once, with nobody operating. */
  readonly madeMs: number
  /** From the start of a process that found them until the settings of all were in the index. */
  readonly firstMs: number
  /** From the start of a process that found everything as it is to be until every zone was looked at. */
  readonly startMs: number
  readonly startCpuMs: number
  /** MB, after the start and the changes; peak: with the start. */
  readonly memory: number
  readonly peak: number
  /** Share of a core; restCpu: over so long that every zone was looked at once more, with the most zones alone. */
  readonly idleCpu: number
  readonly restCpu: number
  /** From the answer to a change until the index has it, and until the status says so: ms, sorted. */
  readonly settings: readonly number[]
  readonly status: readonly number[]
  /** The same of a bare list and watch. */
  readonly bareMs: number
  readonly bareCpuMs: number
  readonly bareMemory: number
  readonly bareIdleCpu: number
}

/** While players came and went. */
export interface Play {
  readonly seconds: number
  readonly joins: number
  /** mostEver: with those of all starts before, the first of which write the status of every zone. */
  readonly statusWrites: Rates & { readonly mostEver: number }
  readonly events: Rates
  readonly waiting: number
  readonly cpu: number
  readonly memory: number
  /** What etcd held before, bytes, and by how much it grew. */
  readonly usedBefore: number
  readonly used: number
  readonly revisions: number
}

const GOALS = { observedMs: 60_000, memory: 300, reactionMs: 250, idleCpu: 0.02 }

const at = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

/** Kubernetes' default: every five minutes what is older than that is forgotten, so that there are up to ten minutes of revisions. */
const KEPT_SECONDS = 600

/** All zones once, and the growth of ten minutes like these: an upper bound, for `usedBefore` holds the revisions of all starts. */
const keptOf = ({ usedBefore, used, seconds }: Play): number => usedBefore + (used / seconds) * KEPT_SECONDS

/** `restarts`: how often an operator lost its lease in a first start. */
export function report(points: readonly Point[], play: Play, restarts: number): void {
  const last = points.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  const zones = `${last.zones} zones`
  const below = (metric: string, value: number, unit: string, goal: number, peer?: number): Metric => ({
    ...{ metric: `${metric}, ${zones}`, value, unit, goal, met: value <= goal },
    ...(peer === undefined ? {} : { peer, ...(peer > 0 ? { ratio: value / peer } : {}) }),
  })
  const told = (metric: string, value: number, unit: string): Metric => ({ metric: `${metric}, ${zones}`, value, unit })
  const metrics = [
    below('start until all are observed', last.startMs / 1_000, 's', GOALS.observedMs / 1_000, last.bareMs / 1_000),
    below(
      ...([`first start until the settings of ${last.fresh} new ones are in the index`, last.firstMs / 1_000, 's'] as const),
      ...([GOALS.observedMs / 1_000, last.madeMs / 1_000] as const),
    ),
    below('memory', last.memory, 'MB', GOALS.memory, last.bareMemory),
    told('most memory, at the start', last.peak, 'MB'),
    told('reaction to a change, p50', at(last.settings, 0.5), 'ms'),
    below('reaction to a change, p99', at(last.settings, 0.99), 'ms', GOALS.reactionMs),
    told('until the status says so, p99', at(last.status, 0.99), 'ms'),
    below('idle CPU, each looked at once meanwhile', last.restCpu * 100, '% of a core', GOALS.idleCpu * 100, last.bareIdleCpu * 100),
    below('status writes, most in any second of the whole run', play.statusWrites.mostEver, 'a second', STATUS_WRITES_PER_SECOND),
    told('status writes while players come and go', play.statusWrites.total / play.seconds, 'a second'),
    told('events meanwhile', play.events.total / play.seconds, 'a second'),
    told('joins meanwhile', play.joins / play.seconds, 'a second'),
    told('CPU meanwhile', play.cpu * 100, '% of a core'),
    told('memory meanwhile', play.memory, 'MB'),
    told('etcd before players come', play.usedBefore / 1e6, 'MB'),
    told("etcd's growth meanwhile, nothing forgotten", play.used / 1e6 / (play.seconds / 60), 'MB a minute'),
    told('etcd when old revisions are forgotten every five minutes, as they are by default', keptOf(play) / 1e6, 'MB'),
    told('writes to etcd meanwhile', play.revisions / play.seconds, 'a second'),
  ]
  const line = (name: string, of: (point: Point) => number) => ({ name, points: points.map((point) => [point.zones, of(point)] as const) })
  const svg = plot([
    {
      title: 'CPU of a start, per zone',
      x: 'zones',
      y: 'ms a zone',
      lines: [line('operator', (p) => p.startCpuMs / p.zones), line('list and watch', (p) => p.bareCpuMs / p.zones)],
    },
    { title: 'Memory', x: 'zones', y: 'MB', lines: [line('operator', (p) => p.memory), line('list and watch', (p) => p.bareMemory)] },
    {
      title: 'At rest',
      x: 'zones',
      y: '% of a core',
      lines: [line('operator', (p) => p.idleCpu * 100), line('list and watch', (p) => p.bareIdleCpu * 100)],
    },
    {
      title: 'Reaction to one change',
      x: 'zones',
      y: 'ms',
      lines: [line('p50', (p) => at(p.settings, 0.5)), line('p99', (p) => at(p.settings, 0.99))],
    },
  ])
  const notes = [
    'a first start gives each new zone its finalizer, which is a write for each: beside it the time in which the API server, on one core, makes as many objects for a client that does nothing else',
    'the operator is the program as it is shipped, with its lease and a real Redis; etcd does not wait for the disk',
    `writes are counted from the API server's audit log, by the moment at which it had the request`,
    'etcd keeps every revision here, and its growth is that of all of them',
    ...(restarts > 0
      ? [`${restarts} times an operator lost its lease in a first start and was started again: the machine was not quiet`]
      : []),
    ...(points.length === 1 ? [`one number of zones alone, as asked`] : []),
    ...(quick ? ['quick: at most 1,000 zones, short times'] : []),
  ]
  writeResult(
    {
      name: 'fleet',
      metrics,
      series: [
        { name: 'zones', points },
        { name: 'players', points: [play] },
      ],
      notes,
    },
    svg,
  )
}
