import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { FleetId } from '../../core/ids.ts'
import { defaultIndexRules, type IndexRules } from '../../core/index-rules.ts'
import { checkAppends, checkCounts } from '../../core/journal.ts'
import type { CharacterLocation, FleetChange, KnownLocation, ZoneIndex } from '../../core/ports/index-port.ts'
import { createAccountBars } from './account-bars.ts'
import { autoscale } from './autoscale.ts'
import { barZone, forgetZone, unbarZone } from './bars.ts'
import { createWatchers, type Watchers } from './changes.ts'
import { graceAfter } from './decide.ts'
import { cordonNode, drainHost } from './drain.ts'
import { announceHost, heartbeat, leaveHost, registerHost, removeHost, suspectHost } from './hosts.ts'
import {
  appendJournal,
  createJournals,
  dropJournal,
  fenceEpoch,
  hasFence,
  raiseFence,
  readJournal,
  restart,
  startJournal,
  trimJournal,
} from './journals.ts'
import { beginClose, closeLayer, failLayer, joinLayer, placeLayer, requestClose, retryLayer } from './layers.ts'
import { type ChangeLog, createChangeLog, fleetNews } from './news.ts'
import { createFleetState, type FleetState } from './records.ts'
import { sweep } from './sweep.ts'
import { redeemTicket } from './tickets.ts'
import { fleetView, layerView } from './views.ts'
import { createZones } from './zones.ts'

export interface MemoryIndex extends ZoneIndex {
  /** Loses everything, as a flushed Redis does; those who watch hear of a gap. */
  flush(): void
  /** Keeps everything and is another one for the journals' fences, as a Redis that was restarted with its data or failed over. */
  restart(): void
}

interface Slot {
  state: FleetState
  readonly watchers: Watchers<FleetChange>
  readonly changes: ChangeLog<FleetChange>
  readonly changed: (change: FleetChange) => void
}

/**
 * The zone index in the memory of this process: for the embedded world and for tests. Time comes from `clock`; `timing` overrides rules of the index.
 * After `close` every method throws IndexUnavailable.
 */
export function createMemoryIndex(deps: { readonly clock: Clock; readonly timing?: Partial<IndexRules> }): MemoryIndex {
  const rules = { ...defaultIndexRules, ...deps.timing }
  const slots = new Map<FleetId, Slot>()
  const zones = createZones(rules.changesKept)
  const accountBars = createAccountBars()
  const journals = createJournals()
  const locations = new Map<string, { readonly version: number; readonly location: KnownLocation }>()
  let closed = false

  function slotOf(id: FleetId): Slot {
    const known = slots.get(id)
    if (known !== undefined) return known
    const watchers = createWatchers<FleetChange>()
    const changes = createChangeLog<FleetChange>(rules.changesKept)
    const changed = (change: FleetChange): void => {
      changes.add(change)
      watchers.tell(change)
    }
    const slot = { state: createFleetState(rules, changed), watchers, changes, changed }
    slots.set(id, slot)
    return slot
  }

  async function answer<T>(work: () => T): Promise<T> {
    if (closed) throw new BailiwickError('IndexUnavailable', { found: 'the index is closed' })
    return work()
  }

  const journal = <T>(counts: Readonly<Record<string, number>>, work: (now: number) => T): Promise<T> =>
    answer(() => {
      checkCounts('the journal', counts)
      return work(deps.clock.now())
    })
  const change = <T>(id: FleetId, work: (fleet: FleetState) => T): Promise<T> =>
    answer(() => work(beginChange(slotOf(id).state, deps.clock)))
  const look = <T>(id: FleetId, work: (fleet: FleetState) => T): Promise<T> => answer(() => work(setTime(slotOf(id).state, deps.clock)))

  return {
    putZone: (settings, content) => answer(() => zones.put(settings, content)),
    getContent: (hash) => answer(() => zones.content(hash)),
    deleteZone: (zone, uid) => answer(() => zones.remove(zone, uid)),
    getZone: (zone) => answer(() => zones.get(zone)),
    listZones: () => answer(() => zones.list()),
    zoneNews: (since) => answer(() => zones.news(since)),

    announceHost: (fleet, host) => change(fleet, (state) => announceHost(state, host)),
    registerHost: (fleet, host, serving = []) => change(fleet, (state) => registerHost(state, structuredClone(host), serving)),
    heartbeat: (fleet, beat) => change(fleet, (state) => heartbeat(state, beat)),
    drainHost: (fleet, host, withinMs) => change(fleet, (state) => drainHost(state, host, withinMs)),
    cordonNode: (fleet, node, cordoned) => change(fleet, (state) => cordonNode(state, node, cordoned)),
    leaveHost: (fleet, host, incarnation) => change(fleet, (state) => leaveHost(state, host, incarnation)),
    suspectHost: (fleet, host) => change(fleet, (state) => suspectHost(state, host)),
    removeHost: (fleet, host, incarnation) => change(fleet, (state) => removeHost(state, host, incarnation)),

    placeLayer: (fleet, layer) => change(fleet, (state) => placeLayer(state, layer)),
    joinLayer: (fleet, layer, ticket) => change(fleet, (state) => joinLayer(state, layer, ticket)),
    redeemTicket: (fleet, layer, host, generation, id) => change(fleet, (state) => redeemTicket(state, layer, host, generation, id)),
    requestClose: (fleet, layer, reason) => change(fleet, (state) => requestClose(state, layer, reason)),
    beginClose: (fleet, layer, host, generation, force) => change(fleet, (state) => beginClose(state, layer, host, generation, force)),
    closeLayer: (fleet, layer, host, generation) => change(fleet, (state) => closeLayer(state, layer, host, generation)),
    failLayer: (fleet, layer, host, generation, reason, crash) =>
      change(fleet, (state) => failLayer(state, layer, host, generation, { reason, crash })),
    retryLayer: (fleet, layer) => change(fleet, (state) => retryLayer(state, layer)),

    barZone: (fleet, zone, reason) => change(fleet, (state) => barZone(state, zone, reason)),
    unbarZone: (fleet, zone) => change(fleet, (state) => unbarZone(state, zone)),
    forgetZone: (fleet, zone) => change(fleet, (state) => forgetZone(state, zone)),

    sweep: (fleet, limit = rules.sweepLimit) => change(fleet, (state) => sweep(state, limit)),
    autoscale: (fleet, options) => change(fleet, (state) => autoscale(state, options)),
    fleetView: (fleet) => look(fleet, fleetView),
    fleetNews: (fleet, since, counts, hosts = false) =>
      look(fleet, (state) => fleetNews(state, slotOf(fleet).changes, { since, counts, hosts })),
    getLayer: (fleet, layer) => look(fleet, (state) => layerView(state, layer)),
    watchFleet: (fleet, onChange, signal) => answer(() => slotOf(fleet).watchers.watch(onChange, signal)),
    watchZones: (onChange, signal) => answer(() => zones.watchers.watch(onChange, signal)),

    raiseFence: (layer, epoch) => journal({ epoch }, (now) => raiseFence(journals, layer, epoch, now)),
    hasFence: (layer) => journal({}, (now) => hasFence(journals, layer, now)),
    fenceEpoch: (layer) => journal({}, (now) => fenceEpoch(journals, layer, now)),
    readJournal: (layer, fence, after, limit) =>
      journal({ after, limit }, (now) => readJournal(journals, { layer, fence, now }, after, limit)),
    startJournal: (layer, fence, tick) => journal({ tick }, (now) => startJournal(journals, { layer, fence, now }, tick)),
    appendJournal: (appends) =>
      journal({}, (now) => {
        checkAppends(appends)
        return appends.map((append) => appendJournal(journals, append, now))
      }),
    trimJournal: (layer, fence, through) => journal({ through }, (now) => trimJournal(journals, { layer, fence, now }, through)),
    dropJournal: (layer, epoch) =>
      journal({ epoch }, (now) => dropJournal(journals, layer, epoch, { now, forgetAt: now + rules.barForgottenAfter })),

    barAccount: (account, forMs) => answer(() => accountBars.bar(account, forMs, deps.clock.now())),
    unbarAccount: (account) => answer(() => accountBars.unbar(account, deps.clock.now())),
    accountBars: (since) => answer(() => accountBars.read(since, deps.clock.now())),

    setLocation: (character, version, location) =>
      answer(() => {
        const known = locations.get(character)
        if (known !== undefined && (known.version > version || isSame(known, version, location))) return
        locations.set(character, { version, location: { ...location, since: deps.clock.now() } })
      }),
    getLocation: (character) => answer(() => locations.get(character)?.location),

    ping: () => answer(() => undefined),
    close: async () => {
      closed = true
    },

    flush() {
      for (const slot of slots.values()) {
        slot.state = createFleetState(rules, slot.changed)
        slot.changes.clear()
        slot.watchers.tell({ kind: 'gap' })
      }
      zones.clear()
      // A flushed index is the same one; only a restarted one has another replication id.
      journals.layers.clear()
      locations.clear()
      accountBars.clear()
    },
    restart() {
      restart(journals)
    },
  }
}

/** Index time goes forward only, whatever the clock does. */
function setTime(fleet: FleetState, clock: Clock): FleetState {
  const read = clock.now()
  if (read + fleet.offset < fleet.now) fleet.offset = fleet.now - read
  fleet.now = read + fleet.offset
  return fleet
}

function beginChange(fleet: FleetState, clock: Clock): FleetState {
  setTime(fleet, clock)
  const grace = graceAfter(fleet.now, fleet.lastCall, fleet.heard, fleet.rules)
  if (grace !== undefined) {
    fleet.graceUntil = grace
    fleet.heard = false
  }
  fleet.lastCall = fleet.now
  return fleet
}

/** What is said again was so before. */
function isSame(
  known: { readonly version: number; readonly location: CharacterLocation },
  version: number,
  next: CharacterLocation,
): boolean {
  const { state, zone, layer, account } = known.location
  return known.version === version && state === next.state && zone === next.zone && layer === next.layer && account === next.account
}
