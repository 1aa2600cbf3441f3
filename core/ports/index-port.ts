import type { FleetId, LayerId, ZoneId } from '../ids.ts'
import type { ZoneSettings } from '../settings.ts'
import type { Journal } from './journal-port.ts'

/**
 * The zone index: the single source of truth about hosts, layers, players and join tickets while they live. Every method is one atomic
 * step in one slot (a fleet's placement slot, a layer's slot with its journal and fence (journal-port.ts), the zones' slot, a character's slot). What spans slots is reconciled by generation,
 * epoch and heartbeat, never assumed.
 *
 * Drivers: platform/redis and platform/memory; both pass test/contract/index-contract.ts.
 * Every method throws IndexUnavailable when the index does not answer within INDEX_CALL_DEADLINE.
 */
export interface ZoneIndex extends Journal {
  // Zones (slot: zones)
  /**
   * Stores the settings; older ones (same uid, lower generation) change nothing. `content` is the text that `settings.content` names; without it the index must have it
   * already, else it answers ContentMissing and nothing changes. A content is kept as long as the settings of any zone name it.
   */
  putZone(settings: ZoneSettings, content?: string): Promise<'Done' | 'ContentMissing'>
  /** The content of this hash, as it was put. */
  getContent(hash: string): Promise<string | undefined>
  /** Removes the settings if they are still of this uid, and what they alone named. */
  deleteZone(zone: ZoneId, uid: string): Promise<void>
  getZone(zone: ZoneId): Promise<ZoneSettings | undefined>
  listZones(): Promise<readonly ZoneSettings[]>
  /** What changed since a position (that of an earlier answer; undefined: everything), in one read: what keeps a copy. */
  zoneNews(since: string | undefined): Promise<ZoneNews>

  // Hosts (slot: fleet)
  /**
   * A game server of the fleet is about to allocate itself: it counts as standing for `newbornCounted`, or until it registers, so that the fleet's number does not fall meanwhile. At most
   * `newbornMax` of a fleet are known, the latest.
   */
  announceHost(fleet: FleetId, host: string): Promise<void>
  /**
   * Makes a host known and placeable; a wish that waits is placed on it at once. A known host of another incarnation is replaced: its layers are placed again.
   * A host that was not known any more (the index was flushed) says in `serving` what it serves, so that it is adopted (see heartbeat) before anything
   * else takes the host's room.
   */
  registerHost(fleet: FleetId, host: HostRegistration, serving?: readonly LayerReport[]): Promise<void>
  /**
   * Says that the host lives and what its layers do; answers what it is to do. Reports of a lower generation or epoch than recorded change nothing.
   * A host that the index does not know (forgotten, replaced, index flushed) gets `known: false` and registers anew.
   * A report of a layer that the index lost, or that it took from this host as dead and gave to nobody, is adopted: the layer is this host's, in the reported
   * generation. Never below the recorded generation or epoch; against another live host only with a higher epoch; never one that was closed or failed,
   * nor of a barred zone whose records were forgotten; only within the host's capacity.
   */
  heartbeat(fleet: FleetId, beat: Heartbeat): Promise<HeartbeatAnswer>
  /**
   * Not placeable any more; its layers are moved. One not claimed yet is placed elsewhere at once; of the others one at a time gets closeRequested 'Drain', when a
   * host with room keeps a slot for it, and the next when that one serves again. Over a fleet at most `drainMoves` are moved at once. With `withinMs` all are
   * to be closed by then: as many at once as that takes, and at the end without room as well; a layer with players then leaves a wish. Idempotent; of two deadlines
   * the earlier counts; unknown host: nothing.
   */
  drainHost(fleet: FleetId, host: string, withinMs?: number): Promise<void>
  /**
   * A node takes no more pods: all its hosts of this fleet drain, as by drainHost without a deadline, and none of their layers is moved to another of them. Or it takes them again: those that
   * drain for no other reason are Ready again; what is being closed is opened elsewhere, what was only asked to close stays. Idempotent.
   */
  cordonNode(fleet: FleetId, node: string, cordoned: boolean): Promise<void>
  /**
   * The host wants to go for good: true, and Leaving from then on, when it has no layer and is Draining, or is Retiring and that was counted by an
   * autoscale call after the one that retired it; else false and nothing changes (a placement may have un-retired it).
   */
  leaveHost(fleet: FleetId, host: string, incarnation: string): Promise<boolean>
  /**
   * Somebody else says that the host has ended or hangs (Agones calls its game server Unhealthy): it is dead when it is silent for `suspectDeadAfter`, not `hostDeadAfter` as others, unless
   * it is heard again. Or nobody listens where it should (an allocator was refused). Answers after how many more ms of silence a sweep finds it dead; undefined: it is unknown, found dead already,
   * or leaves.
   */
  suspectHost(fleet: FleetId, host: string): Promise<number | undefined>
  /** The pod is known to be gone for good (seen in Kubernetes): the host is dead at once, whatever its last heartbeat. The incarnation guards against a newer one; without it nobody of that name is about to be a host any more. */
  removeHost(fleet: FleetId, host: string, incarnation?: string): Promise<void>

  // Layers (slot: fleet)
  /**
   * The one placement decision. Serving or validly assigned: answered as it is. Else a host is chosen (alive, Ready, not outdated, not full by its load, with spare capacity
   * counted in assignments; of those, one on a node where no other layer of the zone is; then the most layers, then the fewest players, then the name) and an assignment with the next generation recorded; a
   * retiring host is un-retired if no other has room; no host: a wish, unless `wishesMax` wait already. Who waits already is placed first.
   * Closing, or asked to close: a wish is left, placed when the close is done. Barred zone: answered 'Barred', nothing changes.
   */
  placeLayer(fleet: FleetId, layer: LayerId): Promise<LayerView>
  /**
   * As placeLayer; and when the layer then is Serving on a live host (or Assigned or Claiming, on one that holds hellos), not asked to close and its claim not late, the ticket is recorded for this generation of the assignment: it counts from now on,
   * in whatever epochs the host serves it. One step.
   */
  joinLayer(fleet: FleetId, layer: LayerId, ticket: NewTicket): Promise<JoinAnswer>
  /**
   * Uses a ticket up. For the host that has the layer in this generation, from its assignment on; any other is told LayerLost. A ticket of an earlier generation, or voided by a forced close, is
   * TicketExpired.
   */
  redeemTicket(fleet: FleetId, layer: LayerId, host: string, generation: number, ticketId: string): Promise<RedeemAnswer>
  /** Asks the layer's host to close it (told with its next heartbeat and by a change). Not open: an open wish or unclaimed assignment is dropped. */
  requestClose(fleet: FleetId, layer: LayerId, reason: CloseReason): Promise<void>
  /**
   * The host begins to close. `force` (a close was requested): live tickets are voided. Else refused while a live ticket exists. From 'ok' on
   * nobody can join until `closeLayer`; a join or place leaves a wish.
   */
  beginClose(fleet: FleetId, layer: LayerId, host: string, generation: number, force: boolean): Promise<'ok' | 'tickets' | 'lost'>
  /** The layer is closed and its slot on the host free; a wish left meanwhile is placed at once. 'lost': it was another's already. */
  closeLayer(fleet: FleetId, layer: LayerId, host: string, generation: number): Promise<'ok' | 'lost'>
  /**
   * The host could not claim or go on (store away, corrupt snapshot): recorded with its reason, placed again (elsewhere if possible) by the next sweep, after several failures in a row by a
   * later one. With a crash: the layer's own past or play did it. `crashesMax` of them on the same entry, or in play, each within `crashForgottenAfter` of the one before,
   * and the layer is Quarantined. So it is when `claimDeathsMax` hosts in a row died while they claimed it, without one that served it or gave it up.
   */
  failLayer(fleet: FleetId, layer: LayerId, host: string, generation: number, reason: string, crash?: LayerCrash): Promise<'ok' | 'lost'>
  /** A Quarantined layer is tried again: placed at once, its crashes forgotten. Any other: nothing changes. */
  retryLayer(fleet: FleetId, layer: LayerId): Promise<void>

  // Bars (slot: fleet): a barred zone is not placed in this fleet, and its layers there are asked to close
  barZone(fleet: FleetId, zone: ZoneId, reason: CloseReason): Promise<void>
  unbarZone(fleet: FleetId, zone: ZoneId): Promise<void>
  /** Drops the (closed) layer records of a barred zone; the bar itself stays for BAR_FORGOTTEN_AFTER. */
  forgetZone(fleet: FleetId, zone: ZoneId): Promise<void>

  // Fleets (slot: fleet)
  /** Takes dead hosts' and unclaimed layers back and places what waits; bounded to `limit` layers a call. Safe to call by anybody at any time. Answers how many layers it placed again. */
  sweep(fleet: FleetId, limit?: number): Promise<number>
  /**
   * What the webhook needs, in one step: counts, and retiring. What was used at most within `emptyAfterMs` is remembered, so that any process may answer, twice or late. So many empty
   * hosts are kept as hostsToKeep says; one beyond them, empty for at least `emptyAfterMs`, with no wish open, is retired (not placeable unless nothing else has room). Hosts retired by an earlier call are marked as counted and may leave. While fewer than are kept are idle, retiring
   * ones stay.
   */
  autoscale(fleet: FleetId, options: AutoscaleOptions): Promise<FleetCounts>
  /** Everything known of a fleet, in one read. */
  fleetView(fleet: FleetId): Promise<FleetView>
  /** What changed in the fleet since a position, likewise. `counts`: with the players of all its layers, whose changes are not told. `hosts`: with all hosts and bars. */
  fleetNews(fleet: FleetId, since: string | undefined, counts: boolean, hosts?: boolean): Promise<FleetNews>
  getLayer(fleet: FleetId, layer: LayerId): Promise<LayerView>
  /** Calls back for every change of a layer or host of the fleet (not for player counts and heartbeats alone) from now on, at least once, until the signal aborts; after a gap (reconnect) once with kind 'gap'. Resolves when watching has begun. */
  watchFleet(fleet: FleetId, onChange: (change: FleetChange) => void, signal: AbortSignal): Promise<void>
  /** Calls back for every change of zone settings, likewise. */
  watchZones(onChange: (change: { readonly kind: 'zone' | 'gap'; readonly zone?: ZoneId }) => void, signal: AbortSignal): Promise<void>

  // Accounts (slot: accounts)
  /** Keeps an account out of all layers for so long: hosts look within a second, cut its players' connections and let nobody of it in. Beyond ACCOUNT_BARS_MAX the one that ends first is dropped. */
  barAccount(account: string, forMs: number): Promise<void>
  unbarAccount(account: string): Promise<void>
  /** Who is kept out, if that changed since the position of an earlier answer (undefined: in any case). */
  accountBars(since: string | undefined): Promise<AccountBars>

  // Characters (slot: character)
  /** Where a character is; monotone in `version` (the n of its chain): an older one changes nothing. */
  setLocation(character: string, version: number, location: CharacterLocation): Promise<void>
  getLocation(character: string): Promise<KnownLocation | undefined>

  /** Throws IndexUnavailable when the index does not answer: for /readyz. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface AccountBars {
  readonly position: string
  /** By account; undefined: as at the position that was asked with, less the time that passed. */
  readonly bars?: readonly { readonly account: string; readonly forMs: number }[]
}

export interface HostRegistration {
  readonly name: string
  /** A new one for each process: a name may come back. */
  readonly incarnation: string
  readonly node: string
  /** `address:port` or `address:port/path`; a client prefixes ws:// */
  readonly endpoints: readonly string[]
  /** How many layers it may serve at once. */
  readonly capacity: number
  /** It holds a hello for a layer that it is still bringing back. Left out by hosts of releases that refuse one, to which nobody is sent before the layer is served. */
  readonly holdsHellos?: boolean
}

/**
 * Ready: placeable. Retiring: empty and on its way out, un-retired by a placement. Draining: not placeable, for good unless only its node was cordoned. Leaving: it left for good and
 * calls shutdown(); kept for LEAVING_COUNTED only so that its still Allocated game server is not counted as one unknown to the index. Dead: no heartbeat.
 */
export type HostState = 'Ready' | 'Retiring' | 'Draining' | 'Leaving' | 'Dead'

export interface Heartbeat {
  readonly host: string
  readonly incarnation: string
  /** The host runs an outdated template (Agones' overflow annotation): not placeable, and drained when its turn comes: `outdatedShare` percent of a fleet at a time, and only while another has room. */
  readonly outdated: boolean
  readonly layers: readonly LayerReport[]
  /** Left out: as last said. */
  readonly load?: HostLoad
}

/** What a host has to do, on average over the last seconds. */
export interface HostLoad {
  /** What the thread that steps its layers uses, in thousandths of a core, whole. */
  readonly cpu: number
  /** How late its ticks begin, ms, whole. */
  readonly lateness: number
}

export interface LayerReport {
  readonly layer: LayerId
  readonly generation: number
  readonly epoch: number
  readonly state: 'Claiming' | 'Serving' | 'Closing'
  readonly players: number
  /** False while the layer can't have its ticks confirmed or written to the store, and holds back what it would say. */
  readonly dataSafe: boolean
}

export interface HeartbeatAnswer {
  readonly known: boolean
  readonly state: HostState
  /** Every layer that is this host's now. A layer that it runs and that is not here with the same generation is lost: drop it at once. */
  readonly layers: readonly HostAssignment[]
  /** True when leaveHost would answer true: a Retiring host that was counted, a Draining one without a layer. */
  readonly mayLeave: boolean
}

export interface HostAssignment {
  readonly layer: LayerId
  readonly generation: number
  readonly closeRequested: CloseReason | undefined
}

export type CloseReason = 'Drain' | 'Suspend' | 'Delete' | 'ScaleDown' | 'FleetChange'

/**
 * Asleep: nobody hosts it. Wished: it waits for a host. Assigned: a host was chosen and has not claimed yet. Claiming: the host is at it.
 * Serving: players may join. Closing: final snapshot under way. Barred: its zone may not be placed in this fleet. Quarantined: it crashed again and again (`failure` says how), and is not
 * placed until somebody asks for another try.
 */
export type LayerState = 'Asleep' | 'Wished' | 'Assigned' | 'Claiming' | 'Serving' | 'Closing' | 'Barred' | 'Quarantined'

/** What a layer does not survive. */
export interface LayerCrash {
  /** The tick that could not be stepped. */
  readonly tick: number
  /** Its inputs are in the journal, and each claim comes upon them again; else they were new, and nobody was told of anything that they did. */
  readonly replayed: boolean
}

export interface LayerView {
  readonly layer: LayerId
  readonly state: LayerState
  readonly generation: number
  readonly epoch: number
  readonly host: string | undefined
  readonly node: string | undefined
  readonly endpoints: readonly string[]
  readonly players: number
  /** As its host reported last; true while nobody hosts it. A change of it is told to those who watch. */
  readonly dataSafe: boolean
  readonly closeRequested: CloseReason | undefined
  /** Since when (index time, ms) it is in this state. */
  readonly since: number
  /** Why the last host gave it up, while it is not Serving. */
  readonly failure: string | undefined
}

export interface HostView extends HostRegistration {
  readonly state: HostState
  readonly outdated: boolean
  /** It drains because its node takes no more pods, and for no other reason. */
  readonly cordoned: boolean
  /** Index time of the last heartbeat, ms. */
  readonly lastSeen: number
  /** Since when it has no layer, ms; undefined while it has. */
  readonly emptySince: number | undefined
  readonly layers: number
  readonly players: number
  /** As it reported last. */
  readonly load: HostLoad
}

export interface FleetView {
  /** Index time, ms. */
  readonly now: number
  readonly hosts: readonly HostView[]
  /** Every layer with a record: all but those that never were placed or were forgotten. */
  readonly layers: readonly LayerView[]
  readonly barred: readonly ZoneId[]
}

/** The fleet's bounds (FleetBounds, in hosts), and for how long (ms) a host beyond them must have been empty. */
export interface AutoscaleOptions {
  readonly spare: number
  readonly min: number
  readonly max: number
  readonly emptyAfterMs: number
  /** Game servers that Agones does not count as free (Allocated and Reserved ones). */
  readonly allocated: number
  /** How many layers a host of the fleet may serve, by who made the fleet: it counts until a host was seen. Default: 1. */
  readonly capacity?: number
}

export interface FleetCounts {
  /** Live hosts with at least one layer, or a slot kept for one; Draining ones included. */
  readonly occupied: number
  /** Those of them that stay: not Draining. */
  readonly staying: number
  /** Those of them that are Draining for as long as it takes. */
  readonly draining: number
  /**
   * Servers that are Allocated or will be in a moment: what Agones counted and the hosts that were born since, or the hosts that are there, those that leave and the strays, if these are more;
   * and those that were announced. An index of an earlier release does not say.
   */
  readonly standing?: number
  /** Hosts whose game servers will be gone in a moment and are still counted by Agones: Leaving, Draining without a layer or by a deadline. */
  readonly leaving: number
  /** Layers of Draining hosts, and of the outdated ones whose turn is next, for which no slot is kept yet. */
  readonly evacuees: number
  /** Live Ready hosts without a layer, not outdated. */
  readonly idle: number
  readonly retiring: number
  /** Live hosts that run an outdated template or are draining. */
  readonly outdated: number
  /** All live hosts, Leaving ones included. */
  readonly live: number
  /** Layers that wait for a host. */
  readonly wishes: number
  /** The capacity of the newest registered host (layers); what was asked with while none was ever seen. */
  readonly capacity: number
  /** Free slots of occupied hosts that may be given more. */
  readonly free: number
  /** Layers more than now in one pod start's time, if it goes on as in the last FLOW_WINDOW. */
  readonly coming: number
  /** Servers that Agones counts as Allocated and that are no live hosts: those of dead hosts, and those that stay so for STRAY_AFTER. */
  readonly strays: number
  /** The most hosts used (hostsUsed) at any call within `emptyAfterMs`, this one included. */
  readonly peak: number
}

/** A layer that was not placed, among those that wait. */
export interface WishQueue {
  /** From 1 on; undefined: so many wait that it was not let in. */
  readonly place: number | undefined
  /** How many wait. */
  readonly length: number
  /** How long it is expected to wait, ms. */
  readonly expectedMs: number
}

/** `queue`: with a layer that was not placed. */
export type JoinAnswer = LayerView & { readonly ticketed: boolean; readonly queue?: WishQueue }

export interface NewTicket {
  /** 128 random bits, base64url. */
  readonly id: string
  readonly account: string
  readonly character: string
  readonly ttlMs: number
}

export type RedeemAnswer =
  | { readonly ok: true; readonly account: string; readonly character: string }
  | { readonly ok: false; readonly code: 'TicketUnknown' | 'TicketUsed' | 'TicketExpired' | 'LayerLost' }

export type FleetChange =
  /** `reported`: its host has said that it is in this state, or that its epoch or safety changed there; absent: something else changed. */
  | { readonly kind: 'layer'; readonly layer: LayerId; readonly host: string | undefined; readonly reported?: LayerReport['state'] }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'gap' }

export interface CharacterLocation {
  readonly state: 'Offline' | 'InZone'
  /** Whose character it is. */
  readonly account?: string
  readonly zone?: ZoneId
  readonly layer?: LayerId
}

export interface KnownLocation extends CharacterLocation {
  /** Since when (index time, ms) it is there; undefined: recorded by an older release. */
  readonly since?: number
}

/** What changed since a position, or everything (`whole`): at the start, after a flush, or when too much changed since. */
export interface ZoneNews {
  /** Where the next call goes on. */
  readonly position: string
  readonly whole: boolean
  readonly settings: readonly ZoneSettings[]
  /** Deleted ones; none when whole. */
  readonly gone: readonly ZoneId[]
}

export interface FleetNews {
  readonly position: string
  readonly whole: boolean
  /** Every layer with a record that changed, or whose host did. Their player counts are of this moment. */
  readonly layers: readonly LayerView[]
  /** Layers whose record was dropped; none when whole. */
  readonly gone: readonly LayerId[]
  /** Layers with players, when asked for: all others have none. */
  readonly players: ReadonlyMap<LayerId, number> | undefined
  /** All hosts, and all barred zones, of the same moment, when asked for. */
  readonly hosts: readonly HostView[] | undefined
  readonly barred: readonly ZoneId[] | undefined
}
