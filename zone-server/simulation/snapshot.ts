import { BailiwickError } from '../../core/errors.ts'
import { parseLayerId } from '../../core/ids.ts'
import { ByteReader, ByteWriter, check } from './bytes.ts'
import { readCharacter, writeCharacter } from './character-bytes.ts'
import { AVATAR, FREE, ITEM, MAX_ENTITIES } from './entities.ts'
import { hashBytes } from './hash.ts'
import { readSettings, writeSettings } from './settings-bytes.ts'
import { addPlayer, emptyState, type LayerState, type Player, type Release } from './state.ts'

/** Of the layout below; raised with each change of it. A reader refuses what it doesn't know. */
const SNAPSHOT_VERSION = 2
const MAGIC = 0x53_4c_57_42

/** The state as bytes: the same state gives the same bytes. Layout: the order of the calls below. */
export function encodeState(state: LayerState): Uint8Array {
  const to = new ByteWriter()
  to.u32(MAGIC)
  to.u8(SNAPSHOT_VERSION)
  to.text(state.layer)
  writeSettings(to, state.settings)
  to.u32(state.tick)
  for (const word of state.random) to.u32(word)
  writeEntities(to, state)
  const players = [...state.players.values()].sort((a, b) => a.entity - b.entity)
  to.varint(players.length)
  for (const player of players) writePlayer(to, player)
  to.varint(state.outbox.size)
  for (const release of state.outbox.values()) writeRelease(to, release)
  return to.finish()
}

/** The hash of a state: equal states, equal hashes, on every machine. */
export function stateHash(state: LayerState): string {
  return hashBytes(encodeState(state))
}

/** The state of `encodeState`'s bytes. Throws StoreCorrupt when they are not whole, of another version, or say something impossible. */
export function decodeState(bytes: Uint8Array): LayerState {
  const from = new ByteReader(bytes)
  if (from.u32() !== MAGIC) throw new BailiwickError('StoreCorrupt', { found: 'bytes that are no snapshot' })
  const version = from.u8()
  if (version !== SNAPSHOT_VERSION)
    throw new BailiwickError('StoreCorrupt', { found: `a snapshot of version ${version}`, todo: `version ${SNAPSHOT_VERSION} is read` })
  const parsed = parseLayerId(from.text())
  const settings = readSettings(from)
  const tick = from.u32()
  const random = new Uint32Array([from.u32(), from.u32(), from.u32(), from.u32()])
  const state = emptyState(`${parsed.zone}/${parsed.index}`, settings, tick, random)
  readEntities(from, state)
  for (let left = from.count(30); left > 0; left--) readPlayer(from, state)
  for (let left = from.count(30); left > 0; left--) {
    const release = readRelease(from)
    state.outbox.set(release.id, release)
  }
  from.end()
  return state
}

function writeEntities(to: ByteWriter, { entities }: LayerState): void {
  to.varint(entities.highest)
  for (let id = 1; id <= entities.highest; id++) {
    const kind = entities.kind[id] ?? FREE
    to.u8(kind)
    if (kind === FREE) continue
    for (const column of [entities.x, entities.y, entities.vx, entities.vy, entities.restX, entities.restY]) to.signed(column[id] ?? 0)
    to.u8(entities.heading[id] ?? 0)
    to.u32(entities.owner[id] ?? 0)
    to.text(entities.label[id] ?? '')
    to.text(entities.name[id] ?? '')
  }
  to.varint(entities.freed.length)
  for (const { id, tick } of entities.freed) {
    to.u32(id)
    to.u32(tick)
  }
}

function readEntities(from: ByteReader, { entities }: LayerState): void {
  const highest = from.count(1)
  check(highest < MAX_ENTITIES, `${highest} entities`)
  entities.highest = highest
  entities.reserve(highest)
  let free = 0
  for (let id = 1; id <= highest; id++) {
    const kind = from.u8()
    check(kind === FREE || kind === AVATAR || kind === ITEM, `entity ${id} of kind ${kind}`)
    entities.kind[id] = kind
    entities.label[id] = ''
    entities.name[id] = ''
    if (kind === FREE) {
      free++
      continue
    }
    for (const column of [entities.x, entities.y, entities.vx, entities.vy, entities.restX, entities.restY]) column[id] = from.signed()
    entities.heading[id] = from.u8()
    entities.owner[id] = from.u32()
    entities.label[id] = from.text()
    entities.name[id] = from.text()
  }
  const freed = from.count(8)
  check(freed === free, `${freed} freed ids, but ${free} free slots`)
  for (let left = freed; left > 0; left--) entities.freed.push({ id: from.u32(), tick: from.u32() })
  for (const { id } of entities.freed) check(id >= 1 && id <= highest && entities.kind[id] === FREE, `a freed id ${id} in use`)
}

function writePlayer(to: ByteWriter, player: Player): void {
  for (const text of [player.character, player.account, player.name]) to.text(text)
  to.varint(player.createdAt)
  for (const value of [player.version, player.entity, player.inputSequence, player.linkDeadSince]) to.u32(value)
  to.varint(player.inventory.length)
  for (const item of player.inventory) to.u32(item)
}

function readPlayer(from: ByteReader, state: LayerState): void {
  const [character, account, name] = [from.text(), from.text(), from.text()]
  const createdAt = from.varint()
  const [version, entity, inputSequence, linkDeadSince] = [from.u32(), from.u32(), from.u32(), from.u32()]
  const inventory: number[] = []
  for (let left = from.count(4); left > 0; left--) inventory.push(from.u32())
  check(state.entities.kind[entity] === AVATAR && state.entities.label[entity] === character, `${character} without its avatar ${entity}`)
  for (const item of inventory) {
    check(
      state.entities.kind[item] === ITEM && state.entities.owner[item] === entity,
      `${character} with an item ${item} that is not its own`,
    )
  }
  check(!state.players.has(character), `${character} twice`)
  addPlayer(state, { character, account, name, createdAt, version, entity, inventory, inputSequence, linkDeadSince })
}

function writeRelease(to: ByteWriter, release: Release): void {
  for (const text of [release.id, release.character, release.account, release.name]) to.text(text)
  to.u32(release.tick)
  to.varint(release.createdAt)
  to.u32(release.n)
  writeCharacter(to, release.state)
}

function readRelease(from: ByteReader): Release {
  const [id, character, account, name] = [from.text(), from.text(), from.text(), from.text()]
  return { id, character, account, name, tick: from.u32(), createdAt: from.varint(), n: from.u32(), state: readCharacter(from) }
}
