import { type CharacterState, MAX_STAT } from '../../../core/chains.ts'
import { contains, type Point } from '../../../core/geometry.ts'
import { AVATAR, ITEM } from '../entities.ts'
import type { Arrival } from '../layer-input.ts'
import type { LeaveReason, Outputs } from '../output.ts'
import { place } from '../populate.ts'
import type { Release } from '../release.ts'
import { addPlayer, inventoryOf, isLeaving, type LayerState, type Player, removePlayer } from '../state.ts'
import { halt } from './motion.ts'
import { type StartKind, startPlace } from './start.ts'

/** A character becomes resident. One that is resident already gets its new connection; one for whom there is no room is released as it came. */
export function join(state: LayerState, arrival: Arrival, out: Outputs): void {
  const present = state.players.get(arrival.character)
  if (present !== undefined) {
    linkUp(state, present, out)
    return
  }
  if (isLeaving(state, arrival.character)) {
    // The shell waits for the release before it lets the character in again; if not, what it carried must not come into being twice.
    const parts = { found: 'the character on its way out of this layer', todo: 'join again' }
    out.refuse(arrival.character, 0, { code: 'CharacterElsewhere', parts })
    return
  }
  const entity = state.entities.add(AVATAR, arrival.character, arrival.name, state.tick, arrival.account)
  if (entity === 0) {
    turnAway(state, arrival, out)
    return
  }
  const { zone, position, stats } = arrival.state
  const fresh = zone === null
  // Who left while it was down gets up like everybody else who was.
  const down = stats?.health === 0
  setStats(state, entity, down ? MAX_STAT : (stats?.health ?? MAX_STAT), stats?.energy ?? MAX_STAT)
  place(state, entity, startOf(state, down ? 'Respawn' : fresh ? 'Spawn' : position))
  const player: Player = {
    character: arrival.character,
    account: arrival.account,
    name: arrival.name,
    createdAt: arrival.createdAt,
    version: arrival.version,
    entity,
    inventory: [],
    inputSequence: arrival.state.inputSequence,
    linkDeadSince: 0,
  }
  const items = fresh ? [{ id: `${arrival.character}/1`, kind: 'lantern' }] : arrival.state.inventory
  addPlayer(state, player)
  for (const item of items) {
    // A thing exists once, whatever is said of it.
    if (state.entities.items.has(item.id)) continue
    const id = state.entities.add(ITEM, item.id, item.kind, state.tick)
    if (id === 0) {
      undoArrival(state, player)
      turnAway(state, arrival, out)
      return
    }
    state.entities.owner[id] = entity
    player.inventory.push(id)
  }
  welcome(state, player, out)
}

export function linkUp(state: LayerState, player: Player, out: Outputs): void {
  player.linkDeadSince = 0
  state.entities.touch(player.entity)
  welcome(state, player, out)
}

export function linkDead(state: LayerState, player: Player): void {
  if (player.linkDeadSince !== 0) return
  player.linkDeadSince = state.tick
  halt(state, player.entity)
}

/** Residents whose connection has been gone for too long leave. */
export function expireLinkDead(state: LayerState, out: Outputs): void {
  const { linkDeadTicks } = state.settings
  const expired: Player[] = []
  for (const player of state.players.values())
    if (player.linkDeadSince !== 0 && state.tick - player.linkDeadSince >= linkDeadTicks) expired.push(player)
  // The order of the map is that of the arrivals, which a snapshot need not keep.
  for (const player of expired.sort((a, b) => a.entity - b.entity)) depart(state, player, 'LinkDead', out)
}

/** The character leaves for good: what it is and has waits in the outbox from now on. */
export function depart(state: LayerState, player: Player, reason: LeaveReason, out: Outputs): void {
  const release: CharacterState = {
    zone: state.zone,
    position: { x: state.entities.x[player.entity] ?? 0, y: state.entities.y[player.entity] ?? 0 },
    inventory: inventoryOf(state, player),
    inputSequence: player.inputSequence,
    ...statsOf(state, player.entity),
  }
  undoArrival(state, player)
  const id = putOut(state, player, release)
  out.departures.push({ character: player.character, reason, release: id })
}

/** The character belongs to somebody else by now: here it vanishes, with what it carries. */
export function forget(state: LayerState, player: Player, out: Outputs): void {
  undoArrival(state, player)
  out.departures.push({ character: player.character, reason: 'Forgotten', release: undefined })
}

function turnAway(state: LayerState, arrival: Arrival, out: Outputs): void {
  const id = putOut(state, arrival, arrival.state)
  const parts = { found: 'a layer without room for another entity', todo: 'join again later' }
  out.refuse(arrival.character, 0, { code: 'ZoneFull', parts })
  out.departures.push({ character: arrival.character, reason: 'Full', release: id })
}

function undoArrival(state: LayerState, player: Player): void {
  for (const item of player.inventory) state.entities.remove(item, state.tick)
  state.entities.remove(player.entity, state.tick)
  removePlayer(state, player)
}

function putOut(state: LayerState, who: Omit<Arrival, 'state'>, last: CharacterState): string {
  let k = 1
  while (state.outbox.has(`${state.tick}/${k}`)) k++
  const release: Release = {
    id: `${state.tick}/${k}`,
    tick: state.tick,
    character: who.character,
    account: who.account,
    name: who.name,
    createdAt: who.createdAt,
    n: who.version + 1,
    state: last,
  }
  state.outbox.set(release.id, release)
  return release.id
}

function welcome(state: LayerState, player: Player, out: Outputs): void {
  const { entity, name, inputSequence } = player
  out.tell(player.character, { kind: 'welcome', entity, name, acknowledged: inputSequence, inventory: inventoryOf(state, player) })
}

function setStats({ entities }: LayerState, entity: number, health: number, energy: number): void {
  entities.health[entity] = health
  entities.energy[entity] = energy
}

/** What of the stats is worth a word: nothing when they are as good as can be. */
function statsOf({ entities }: LayerState, entity: number): Pick<CharacterState, 'stats'> {
  const [health = MAX_STAT, energy = MAX_STAT] = [entities.health[entity], entities.energy[entity]]
  return health === MAX_STAT && energy === MAX_STAT ? {} : { stats: { health, energy } }
}

/** Where a character stands first: where it was, if that is within the bounds; else where the zone lets characters in. */
function startOf(state: LayerState, start: CharacterState['position'] | StartKind): Point {
  if (start === 'Respawn' || start === 'Spawn') return startPlace(state, start)
  return start !== null && contains(state.settings.bounds, start) ? start : startPlace(state, 'Spawn')
}
