import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { IndexRules } from '../../core/index-rules.ts'
import type { CloseReason, FleetChange, HostRegistration, HostState, LayerCrash, LayerState } from '../../core/ports/index-port.ts'
import { type Demand, newDemand } from './demand.ts'

/** What is recorded of a host. `dead` stands beside the state, so that a Draining host that comes back is still Draining. */
export interface HostRecord extends HostRegistration {
  state: Exclude<HostState, 'Dead'>
  dead: boolean
  /** Its pod is gone for good: this incarnation is not known any more. */
  removed: boolean
  /** Somebody else says that it has ended, and it was not heard since. */
  suspected: boolean
  outdated: boolean
  /** Since when. */
  outdatedAt: number | undefined
  /** When it registered. */
  readonly bornAt: number
  lastSeen: number
  emptySince: number | undefined
  layers: number
  players: number
  /** Slots kept for layers that are moved here. */
  reserved: number
  /** Draining for its node's sake alone. */
  cordoned: boolean
  /** Draining, and its layers are to be closed by then (index time). */
  drainBy: number | undefined
  /** As it reported last (HostLoad). */
  cpu: number
  lateness: number
  /** Retiring, and an autoscale call has seen it so. */
  counted: boolean
  /** When the record is dropped, once it is dead or Leaving. */
  forgetAt: number | undefined
  leftAt: number | undefined
}

/** What is recorded of a layer. */
export interface LayerRecord {
  readonly layer: LayerId
  state: Exclude<LayerState, 'Barred'>
  since: number
  generation: number
  /** This generation was closed, failed, dropped or timed out: it is never adopted again. */
  ended: boolean
  epoch: number
  host: string | undefined
  players: number
  /** As the host reported last. */
  dataSafe: boolean
  close: CloseReason | undefined
  /** Somebody wants the layer once it is closed. */
  wished: boolean
  /** Wished: it may be placed from then on. */
  from: number
  assignedAt: number
  /** The claim must be further by then; undefined when none is under way. */
  deadline: number | undefined
  failure: string | undefined
  /** How often in a row it was given up. */
  failures: number
  /** What it did not survive last, and how often in a row. */
  crash: (LayerCrash & { readonly count: number; readonly at: number }) | undefined
  /** How many hosts in a row died while they claimed it. */
  claimDeaths: number
  /** The host that gave it up: chosen again only if no other has room. */
  avoid: string | undefined
  /** The draining host that it is moved away from, until it is served elsewhere. */
  movedFrom: string | undefined
  /** The host that keeps a slot for it meanwhile. */
  target: string | undefined
  /** It was asked to close for a move that was taken back. */
  takenBack: boolean
}

export interface TicketRecord {
  readonly id: string
  readonly layer: LayerId
  readonly generation: number
  readonly account: string
  readonly character: string
  readonly expires: number
  used: boolean
}

export interface BarRecord {
  readonly reason: CloseReason
  forgetAt: number | undefined
}

/** Everything of one fleet's slot, and the clock of the call that works on it. */
export interface FleetState {
  readonly rules: IndexRules
  readonly hosts: Map<string, HostRecord>
  readonly layers: Map<LayerId, LayerRecord>
  /** Host to the layers that have a slot on it. */
  readonly held: Map<string, Set<LayerId>>
  /** The layers of a zone that have a record. */
  readonly ofZone: Map<ZoneId, Set<LayerId>>
  readonly demand: Demand
  /** Layers that wait for a host, by what orders them: the time of the wish, or later. */
  readonly wishes: Map<LayerId, number>
  readonly bars: Map<ZoneId, BarRecord>
  /** Layers that are moved away from draining hosts. */
  readonly moving: Set<LayerId>
  readonly tickets: Map<string, TicketRecord>
  readonly ticketsOf: Map<LayerId, Set<string>>
  /** Index time of this call, and of the last one that changed something. */
  now: number
  /** Added to the clock, so that index time never goes back. */
  offset: number
  lastCall: number | undefined
  /** When the next layer whose hosts died while they claimed it may be tried. */
  nextTurn: number
  /** Until when the one of them that was placed last has its turn. */
  turnUntil: number
  /** No death verdict until then. */
  graceUntil: number
  /** A host was heard since the last grace began. */
  heard: boolean
  /** Of the newest registered host; undefined: none was ever seen. */
  capacity: number | undefined
  readonly changed: (change: FleetChange) => void
}

export function createFleetState(rules: IndexRules, changed: (change: FleetChange) => void): FleetState {
  return {
    rules,
    hosts: new Map(),
    layers: new Map(),
    held: new Map(),
    ofZone: new Map(),
    demand: newDemand(),
    wishes: new Map(),
    bars: new Map(),
    moving: new Set(),
    tickets: new Map(),
    ticketsOf: new Map(),
    now: 0,
    offset: 0,
    lastCall: undefined,
    nextTurn: 0,
    turnUntil: 0,
    graceUntil: 0,
    heard: false,
    capacity: undefined,
    changed,
  }
}

/** The zone of a layer id that was checked when it was made. */
export function zoneOf(layer: LayerId): ZoneId {
  const [namespace, name] = layer.split('/')
  return `${namespace}/${name}`
}

/** Byte order, which is also Redis' order of names. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
