import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { FleetId, LayerId, ZoneId } from '../../core/ids.ts'
import type { CharacterLocation, JoinAnswer, LayerState, LayerView, NewTicket, WishQueue, ZoneIndex } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { ticketText } from '../../core/ticket.ts'
import {
  JOIN_QUEUE_LIMIT,
  JOIN_UNREACHED_WAIT,
  JOIN_WAIT,
  NO_CAPACITY_RETRY_AFTER,
  NO_CAPACITY_RETRY_MAX,
  NO_CAPACITY_RETRY_MIN,
  QUARANTINED_RETRY_AFTER,
  TICKET_TTL,
  ZONE_FULL_RETRY_AFTER,
  ZONE_WAKING_RETRY_AFTER,
} from '../../core/timing.ts'
import { layersFor } from './choose-layer.ts'
import type { Crowds } from './crowds.ts'
import type { LayerWait, LayerWaits } from './layer-waits.ts'
import type { JoinMeters } from './meters.ts'
import type { Witness } from './witness.ts'

/** The place of an earlier answer; of one in which the layer was served the epoch is enough. */
export interface Unreached {
  readonly layer: string
  readonly epoch: number
  readonly generation?: number | undefined
}

export interface JoinRequest {
  readonly zone: ZoneId
  readonly account: string
  readonly character: string
  /** Where it was sent before and found nobody. */
  readonly unreached?: Unreached | undefined
  /** The ticket's id, where the same request may have been answered with it before; as secret as a ticket is. Default: a new one. */
  readonly ticket?: string | undefined
  /** Aborts when the one who asked is gone. */
  readonly signal: AbortSignal
}

export interface Joined {
  readonly layer: LayerId
  /** Waking: its host is still bringing it back, and holds who comes until it has. */
  readonly state: 'Serving' | 'Waking'
  /** In which it is served; while it is Waking: in which it was served last, 0 if never. */
  readonly epoch: number
  /** Of its assignment to this host. */
  readonly generation: number
  readonly endpoints: readonly string[]
  readonly ticket: string
  readonly expiresInMs: number
  /** How long ago the index was asked, ms. */
  readonly age: number
}

export interface JoinDeps {
  readonly index: ZoneIndex
  readonly waits: LayerWaits
  readonly crowds: Crowds
  readonly clock: Clock
  readonly meters: JoinMeters
  readonly witness: Pick<Witness, 'told'>
  /** A zone's settings as they were a while ago: with them its layers are read while the settings are. */
  readonly settingsBefore?: (zone: ZoneId) => ZoneSettings | undefined
  /** How long a join waits, ms; default: JOIN_WAIT. */
  readonly waitMs?: number
}

/**
 * A place and a ticket for a character, waking the zone if it sleeps: as soon as a host is chosen, which holds the client until it serves the layer. Waits up to JOIN_WAIT for a host. Throws ZoneUnknown, ZoneSuspended, ZoneFull, LayerQuarantined, ZoneWaking, NoCapacity,
 * IndexUnavailable; Timeout when the one who asked is gone. Whether the character is the account's is for the host to check, which reads the store.
 */
export async function joinZone(deps: JoinDeps, request: JoinRequest): Promise<Joined> {
  const { index, clock, meters } = deps
  const waitMs = deps.waitMs ?? JOIN_WAIT
  const deadline = clock.now() + waitMs
  const giveUp = AbortSignal.any([request.signal, AbortSignal.timeout(waitMs)])
  const believesUntil = clock.now() + Math.min(JOIN_UNREACHED_WAIT, waitMs / 2)
  let ticket = newTicket(request, request.ticket)
  const { location, ...found } = await firstLook(deps, request)
  let seen: Seen | undefined = found
  for (let first = true; ; first = false) {
    const now: Seen = seen ?? (await look(index, await zoneSettings(index, request.zone), location))
    const { settings } = now
    const choice = choose(deps.crowds, now, request.character, location)
    const last = giveUp.aborted || clock.now() >= deadline
    if (!last && clock.now() < believesUntil && isUnreached(choice, request)) {
      deps.crowds.stayed(choice.layer, request.character)
      deps.witness.told(settings.fleet, choice.view)
      if (first) meters.waited('Unreached')
    } else {
      const askedAt = clock.now()
      const view = await index.joinLayer(settings.fleet, choice.layer, ticket)
      if (first && choice.view?.state === 'Asleep') meters.woke()
      if (view.ticketed) return joined(view, ticket, clock.now() - askedAt)
      deps.crowds.stayed(choice.layer, request.character)
      // The one that this request got before was used, or belongs to another layer. Before it is served: or the host holds nobody.
      if (view.state === 'Serving') ticket = newTicket(request)
      if (first) meters.waited(view.state)
      // Asked once more after the deadline: what is answered is how it is then.
      if (last || isTooLong(view.queue)) throw notServed(view, last ? waitMs : 0)
    }
    const settled = await settles(deps.waits.begin(settings.fleet, choice.layer, first), giveUp)
    if (request.signal.aborted) throw gone(request)
    // What it waited for: nothing else is looked at once more, the first time.
    const came = first && settled !== undefined && isPlaced(settled) && !isPlaced(choice.view?.state)
    seen = came ? { settings, layers: placed(now.layers, choice.layer, settled) } : undefined
  }
}

/** Waiting for it would be in vain: it was not let in, or so many are before it. */
function isTooLong(queue: WishQueue | undefined): boolean {
  return queue !== undefined && (queue.place === undefined || queue.expectedMs > JOIN_QUEUE_LIMIT)
}

/** A host has it, and takes in who comes. */
function isPlaced(state: LayerState | undefined): boolean {
  return state === 'Serving' || state === 'Assigned' || state === 'Claiming'
}

/**
 * The index still takes the host for alive that the client could not reach: the layer is where it was. Without a generation it was served, and is only taken to be there while it is served in that epoch: it keeps
 * the epoch while another host claims it.
 */
function isUnreached(choice: Choice, { unreached }: JoinRequest): choice is Choice & { readonly view: LayerView } {
  const { view } = choice
  if (unreached === undefined || view?.layer !== unreached.layer || !isPlaced(view.state)) return false
  if (unreached.generation !== undefined) return view.generation === unreached.generation
  return view.state === 'Serving' && view.epoch === unreached.epoch
}

async function settles(wait: LayerWait, giveUp: AbortSignal): Promise<LayerState | undefined> {
  try {
    return await wait.settled(giveUp)
  } finally {
    wait.end()
  }
}

async function zoneSettings(index: ZoneIndex, zone: ZoneId): Promise<ZoneSettings> {
  const settings = await index.getZone(zone)
  if (settings === undefined) throw zoneUnknown(zone)
  if (settings.suspended) throw new BailiwickError('ZoneSuspended', { asked: zone })
  return settings
}

/** The error for a zone that the index has no settings of. */
export function zoneUnknown(zone: ZoneId): BailiwickError {
  return new BailiwickError('ZoneUnknown', { asked: zone, todo: 'GET /v1/zones lists those there are' })
}

interface Choice {
  readonly layer: LayerId
  readonly view: LayerView | undefined
}

/** A zone as the index knew it just now. */
interface Seen {
  readonly settings: ZoneSettings
  readonly layers: readonly LayerView[]
}

/** Where the character is, and the zone: in one round trip when its layers are those that were expected, else in two. */
async function firstLook(
  { index, settingsBefore }: JoinDeps,
  { zone, character }: JoinRequest,
): Promise<Seen & { readonly location: CharacterLocation | undefined }> {
  const before = settingsBefore?.(zone)
  const ahead = before && readLayers(index, before)
  // Whoever needs it sees what it failed with.
  ahead?.catch(() => undefined)
  const [location, settings] = await Promise.all([index.getLocation(character), zoneSettings(index, zone)])
  const isSame = settings.fleet === before?.fleet && settings.layers.max === before.layers.max
  // One more than that: the character is in one beyond them.
  if (ahead !== undefined && isSame && layersFor(settings, location).length === before.layers.max)
    return { location, settings, layers: await ahead }
  return { location, ...(await look(index, settings, location)) }
}

async function look(index: ZoneIndex, settings: ZoneSettings, location: CharacterLocation | undefined): Promise<Seen> {
  return { settings, layers: await readLayers(index, settings, location) }
}

/** The same, with this layer placed, which it was not: in another generation and epoch. */
function placed(layers: readonly LayerView[], layer: LayerId, state: LayerState): readonly LayerView[] {
  return layers.map((view) => (view.layer === layer ? { ...view, state, generation: view.generation + 1, epoch: view.epoch + 1 } : view))
}

function choose(crowds: Crowds, { settings, layers }: Seen, character: string, location: CharacterLocation | undefined): Choice {
  const layer = crowds.choose(settings, layers, character, location)
  const view = layers.find((known) => known.layer === layer)
  if (view?.state === 'Quarantined') throw quarantined(view)
  if (layer !== undefined) return { layer, view }
  if (layers.some((view) => view.state === 'Barred')) throw moving(settings.zone, settings.fleet)
  const aside = layers.find(({ state }) => state === 'Quarantined')
  if (aside !== undefined && !layers.some(({ state }) => state === 'Serving')) throw quarantined(aside)
  const found = `${settings.layers.max} layers with ${settings.layers.maxPlayers} players each`
  throw new BailiwickError('ZoneFull', { asked: settings.zone, found, todo: 'try again', retryAfterMs: ZONE_FULL_RETRY_AFTER })
}

/** What the index knows of every layer that the zone may have now, and of the one that the character is in. */
export function readLayers(index: ZoneIndex, settings: ZoneSettings, location?: CharacterLocation): Promise<readonly LayerView[]> {
  return Promise.all(layersFor(settings, location).map((layer) => index.getLayer(settings.fleet, layer)))
}

function newTicket(request: JoinRequest, id = randomBytes(16).toString('base64url')): NewTicket {
  return { id, account: request.account, character: request.character, ttlMs: TICKET_TTL }
}

function joined(view: LayerView, ticket: NewTicket, age: number): Joined {
  return {
    layer: view.layer,
    state: view.state === 'Serving' ? 'Serving' : 'Waking',
    epoch: view.epoch,
    generation: view.generation,
    endpoints: view.endpoints,
    ticket: ticketText(view.layer, ticket.id),
    expiresInMs: ticket.ttlMs,
    age: Math.max(0, age),
  }
}

/** The layer that a character is in, or every layer that there may be, waits for somebody who looks at it. */
function quarantined({ layer, failure }: LayerView): BailiwickError {
  return new BailiwickError('LayerQuarantined', {
    asked: layer,
    found: failure ?? 'it crashed',
    todo: 'try again when the operators of the world have looked at it',
    retryAfterMs: QUARANTINED_RETRY_AFTER,
  })
}

function notServed(view: JoinAnswer, waitedMs: number): BailiwickError {
  if (view.queue !== undefined) return noCapacity(view, view.queue, waitedMs)
  const reason = view.failure === undefined ? '' : `, because the last host gave up (${view.failure})`
  const parts = { asked: view.layer, found: `after ${waitedMs} ms it is ${view.state}${reason}`, todo: 'try again' }
  return new BailiwickError('ZoneWaking', { ...parts, retryAfterMs: ZONE_WAKING_RETRY_AFTER })
}

/** The place in the queue, and when it is expected to be its turn. */
function noCapacity({ layer }: JoinAnswer, queue: WishQueue, waitedMs: number): BailiwickError {
  const { place, length, expectedMs } = queue
  const found =
    place === undefined ? `a full queue: ${length} layers wait for a host` : `place ${place} of ${length} in the queue for a host`
  const retryAfterMs = Math.min(Math.max(expectedMs - waitedMs, NO_CAPACITY_RETRY_MIN), NO_CAPACITY_RETRY_MAX)
  return new BailiwickError('NoCapacity', {
    asked: layer,
    found,
    todo: 'try again after that time',
    retryAfterMs,
    queue: { ...(place === undefined ? {} : { place }), length },
  })
}

/** Its settings say open, its fleet says barred: it is being deleted or moved to another fleet. */
function moving(zone: ZoneId, fleet: FleetId): BailiwickError {
  return new BailiwickError('ZoneWaking', {
    asked: zone,
    found: `it may not be placed in fleet ${fleet} for now`,
    todo: 'try again',
    retryAfterMs: NO_CAPACITY_RETRY_AFTER,
  })
}

function gone(request: JoinRequest): BailiwickError {
  return new BailiwickError('Timeout', { asked: `join ${request.zone}`, found: 'the one who asked is gone' })
}
