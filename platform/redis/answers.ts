import { BailiwickError } from '../../core/errors.ts'
import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { IndexRules } from '../../core/index-rules.ts'
import type {
  AccountBars,
  FleetNews,
  FleetView,
  HeartbeatAnswer,
  HostAssignment,
  JoinAnswer,
  LayerView,
} from '../../core/ports/index-port.ts'
import { type QueueFacts, wishQueue } from '../../core/wish-queue.ts'
import type { HostRecord, LayerRecord } from '../memory/records.ts'
import { barredZones, fleetView, hostViews, viewOfLayer } from '../memory/views.ts'

/**
 * What the function library answers, read. It wrote the records itself, with the fields of platform/memory/records.ts; an absent field is
 * undefined, and an empty list looks like an empty object, because Lua has only one kind of table.
 */

export function readJson(answer: unknown): unknown {
  if (typeof answer !== 'string')
    throw new BailiwickError('Internal', { asked: 'the function library', found: `an answer of type ${typeof answer}` })
  return JSON.parse(answer)
}

function list<T>(value: readonly T[] | object): readonly T[] {
  return Array.isArray(value) ? value : []
}

function readHost(record: HostRecord): HostRecord {
  return { ...record, endpoints: list<string>(record.endpoints) }
}

interface LayerAnswer {
  readonly layer?: LayerRecord
  readonly host?: HostRecord
  readonly barred: boolean
  readonly now: number
  readonly ticketed?: boolean
}

export function readLayerView(id: LayerId, answer: unknown): LayerView {
  return viewOfAnswer(id, readJson(answer) as LayerAnswer)
}

/** The layer has no record any more. */
export function isDropped(answer: unknown): boolean {
  return (readJson(answer) as LayerAnswer).layer === undefined
}

function viewOfAnswer(id: LayerId, { layer, host, barred, now }: LayerAnswer): LayerView {
  return viewOfLayer(id, { layer, host: host && readHost(host), barred, now })
}

/** Whoever asks for a layer of a barred zone is told so, even while it is closing. */
export function readPlacement(id: LayerId, answer: unknown): LayerView {
  return viewOfPlacement(id, readJson(answer) as LayerAnswer)
}

function viewOfPlacement(id: LayerId, answer: LayerAnswer): LayerView {
  const view = viewOfAnswer(id, answer)
  return answer.barred ? { ...view, state: 'Barred' } : view
}

export function readJoin(id: LayerId, answer: unknown): JoinAnswer {
  const read = readJson(answer) as LayerAnswer & { readonly queue?: Omit<QueueFacts, 'now'> }
  const { queue, now } = read
  const waits = queue === undefined ? {} : { queue: wishQueue({ ...queue, births: list<number>(queue.births), now }) }
  return { ...viewOfPlacement(id, read), ticketed: read.ticketed === true, ...waits }
}

export function readHeartbeat(answer: unknown): HeartbeatAnswer {
  const { known, state, layers, mayLeave } = readJson(answer) as HeartbeatAnswer
  const assignments = list<HostAssignment>(layers).map(({ layer, generation, closeRequested }) => ({ layer, generation, closeRequested }))
  return { known, state, layers: assignments, mayLeave }
}

/** Index time, until when nobody is taken for dead, hosts, barred zones. */
export type HostsAnswer = readonly [number, number, readonly string[], readonly ZoneId[]]

function readRecords([now, graceUntil, hosts, bars]: HostsAnswer, rules: IndexRules) {
  const records = hosts.map((text) => readHost(JSON.parse(text)))
  return { now, graceUntil, rules, hosts: new Map(records.map((host) => [host.name, host])), bars: new Set(bars) }
}

export function readHosts(answer: HostsAnswer, rules: IndexRules): Pick<FleetNews, 'hosts' | 'barred'> {
  const facts = readRecords(answer, rules)
  return { hosts: hostViews(facts), barred: barredZones(facts) }
}

export function readFleetView(answer: unknown, rules: IndexRules): FleetView {
  const [now, graceUntil, hosts, layers, bars] = answer as readonly [
    number,
    number,
    readonly string[],
    readonly string[],
    readonly ZoneId[],
  ]
  const layerRecords = layers.map((text): LayerRecord => JSON.parse(text))
  return fleetView({
    ...readRecords([now, graceUntil, hosts, bars], rules),
    layers: new Map(layerRecords.map((layer) => [layer.layer, layer])),
  })
}

/** What the function account_bars says. */
export function readAccountBars(answer: unknown): AccountBars {
  const [position, flat] = answer as readonly [string, (readonly string[])?]
  if (flat === undefined) return { position }
  const bars = flat.flatMap((account, at) => (at % 2 === 0 ? [{ account, forMs: Number(flat[at + 1]) }] : []))
  return { position, bars: bars.sort((a, b) => (a.account < b.account ? -1 : 1)) }
}
