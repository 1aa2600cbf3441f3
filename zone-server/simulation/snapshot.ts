import { BailiwickError } from '../../core/errors.ts'
import { parseLayerId } from '../../core/ids.ts'
import { ByteReader, ByteWriter, check, corrupt } from './bytes.ts'
import { AVATAR, CREATURE, columnNames, type EntityTable, FREE, ITEM, MAX_ENTITIES } from './entities.ts'
import { readRelease } from './release.ts'
import { readSettings, writeSettings } from './settings-bytes.ts'
import { addPlayer, emptyState, type LayerState } from './state.ts'
import { stateHash } from './state-hash.ts'

/** Of the layout (docs/simulation.md); raised with each change of it. A reader refuses what it doesn't know. */
const SNAPSHOT_VERSION = 2
const MAGIC = 0x53_4c_57_42
/** 32-bit words of a resident before its inventory. */
const PLAYER_WORDS = 7

/** Memory for so many bytes or more. */
export type Allocate = (length: number) => Uint8Array<ArrayBuffer>

/** The state as bytes, cheaply enough for the middle of a tick: mostly copies of whole columns, straight into what `allocate` gives. */
export function encodeState(state: LayerState, allocate: Allocate = (length) => new Uint8Array(length)): Uint8Array<ArrayBuffer> {
  const hash = stateHash(state)
  const { entities } = state
  const head = new ByteWriter()
  head.u32(MAGIC)
  head.u8(SNAPSHOT_VERSION)
  head.text(hash)
  head.text(state.layer)
  writeSettings(head, state.settings)
  head.u32(state.tick)
  for (const word of state.random) head.u32(word)
  for (const value of [entities.freeHead, entities.freeTail, entities.freeCount]) head.varint(value)
  head.varint(state.outbox.size)
  for (const bytes of state.outbox.packed()) head.bytes(bytes)
  const words = playerWordCount(state)
  const texts = entities.texts.used
  head.varint(state.players.size)
  head.varint(words)
  head.varint(texts.byteLength)
  head.varint(entities.highest)
  const columns = columnNames.map((name) => bytesOf(entities[name], entities.highest + 1))
  const length = head.length + words * 4 + texts.byteLength + columns.reduce((sum, column) => sum + column.byteLength, 0)
  // The residents' words are gathered behind everything, where they are aligned.
  const memory = allocate(length + 4 + words * 4)
  const gathered = new Uint32Array(memory.buffer, Math.ceil((memory.byteOffset + length) / 4) * 4, words)
  writePlayers(state, gathered)
  const bytes = memory.subarray(0, length)
  head.copyTo(bytes, 0)
  let at = head.length
  for (const part of [new Uint8Array(gathered.buffer, gathered.byteOffset, gathered.byteLength), texts, ...columns]) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

/** The state of `encodeState`'s bytes. Throws StoreCorrupt when they are not whole, of another version, or say something impossible. */
export function decodeState(bytes: Uint8Array): LayerState {
  const from = new ByteReader(bytes)
  check(from.u32() === MAGIC, 'bytes that are no snapshot')
  const version = from.u8()
  if (version !== SNAPSHOT_VERSION)
    throw new BailiwickError('StoreCorrupt', { found: `a snapshot of version ${version}`, todo: `version ${SNAPSHOT_VERSION} is read` })
  const hash = from.text()
  const state = readHead(from)
  const { entities } = state
  for (let left = from.count(20); left > 0; left--) {
    const release = readRelease(from)
    state.outbox.set(release.id, release)
  }
  const playerCount = from.varint()
  const words = from.count(4)
  const textBytes = from.count(1)
  const highest = from.count(columnNames.length)
  check(highest < MAX_ENTITIES, `${highest} entities`)
  const players = new Uint32Array(from.bytes(words * 4).buffer)
  const texts = from.bytes(textBytes)
  readColumns(from, entities, highest)
  from.end()
  const accounts = readTexts(entities, texts)
  checkFreeList(entities)
  readPlayers(state, players, playerCount, accounts)
  checkOwners(state)
  const found = stateHash(state)
  check(found === hash, `a state with the hash ${found}, where ${hash.slice(0, 16)} is said`)
  return state
}

function readHead(from: ByteReader): LayerState {
  const layer = from.text()
  const settings = readSettings(from)
  const tick = from.u32()
  const random = new Uint32Array([from.u32(), from.u32(), from.u32(), from.u32()])
  const state = emptyState(layerOf(layer), settings, tick, random)
  state.entities.freeHead = from.varint()
  state.entities.freeTail = from.varint()
  state.entities.freeCount = from.varint()
  return state
}

function layerOf(text: string): LayerState['layer'] {
  try {
    const { zone, index } = parseLayerId(text)
    return `${zone}/${index}`
  } catch (cause) {
    throw new BailiwickError('StoreCorrupt', { found: 'a layer that is none', cause })
  }
}

function playerWordCount({ players }: LayerState): number {
  let count = players.size * PLAYER_WORDS
  for (const { inventory } of players.values()) count += inventory.length
  return count
}

/** All residents as words: entity, version, createdAt (low, high), inputSequence, linkDeadSince, items, then these. Their texts are their avatars'. (Taken from arrays whole, which is many times faster than one by one.) */
function writePlayers({ players }: LayerState, words: Uint32Array): void {
  let at = 0
  for (const { entity, version, createdAt, inputSequence, linkDeadSince, inventory } of players.values()) {
    words[at] = entity
    words[at + 1] = version
    words[at + 2] = createdAt
    words[at + 3] = Math.floor(createdAt / 0x1_0000_0000)
    words[at + 4] = inputSequence
    words[at + 5] = linkDeadSince
    words[at + 6] = inventory.length
    words.set(inventory, at + PLAYER_WORDS)
    at += PLAYER_WORDS + inventory.length
  }
}

function readPlayers(state: LayerState, words: Uint32Array, count: number, accounts: ReadonlyMap<number, string>): void {
  const { entities } = state
  let at = 0
  for (let i = 0; i < count; i++) {
    const [entity = 0, version = 0, low = 0, high = 0, inputSequence = 0, linkDeadSince = 0, items = 0] = words.subarray(
      at,
      at + PLAYER_WORDS,
    )
    at += PLAYER_WORDS
    check(at + items <= words.length, `resident ${i} behind the end`)
    check(entities.kind[entity] === AVATAR, `resident ${i} without its avatar ${entity}`)
    const [character = '', name = '', account = ''] = [entities.label[entity], entities.name[entity], accounts.get(entity)]
    const inventory = [...words.subarray(at, at + items)]
    at += items
    check(!state.players.has(character), `${character} twice`)
    for (const item of inventory)
      if (entities.kind[item] !== ITEM || entities.owner[item] !== entity)
        throw corrupt(`${character} with an item ${item} that is not its own`)
    const createdAt = high * 0x1_0000_0000 + low
    addPlayer(state, { character, account, name, createdAt, version, entity, inventory, inputSequence, linkDeadSince })
  }
  check(at === words.length, 'more words than residents')
}

function readColumns(from: ByteReader, entities: EntityTable, highest: number): void {
  entities.reserve(highest)
  entities.highest = highest
  for (const name of columnNames) {
    const column = entities[name]
    const bytes = from.bytes((highest + 1) * column.BYTES_PER_ELEMENT)
    new Uint8Array(column.buffer).set(bytes)
  }
}

/** Reads what everything is called; answers the accounts of the avatars. */
function readTexts(entities: EntityTable, bytes: Uint8Array<ArrayBuffer>): Map<number, string> {
  const accounts = new Map<number, string>()
  let inUse = 0
  for (let id = 1; id <= entities.highest; id++) inUse += entities.textLength[id] ?? 0
  check(inUse <= bytes.byteLength, `${inUse} bytes of texts in ${bytes.byteLength}`)
  const read = entities.texts.load(bytes, inUse)
  for (let id = 1; id <= entities.highest; id++) {
    const kind = entities.kind[id] ?? FREE
    if (kind > CREATURE) throw corrupt(`entity ${id} of kind ${kind}`)
    entities.touch(id)
    entities.label[id] = ''
    entities.name[id] = ''
    if (kind === FREE) continue
    const { label, name, account } = read(entities.textAt[id] ?? 0, entities.textLength[id] ?? 0)
    if (kind === AVATAR) accounts.set(id, account)
    entities.label[id] = label
    entities.name[id] = name
    if (kind === ITEM) {
      if (entities.items.has(label)) throw corrupt(`item ${label} twice`)
      entities.items.set(label, id)
    }
    entities.hashTexts(id)
  }
  return accounts
}

/** The list of freed slots must hold each of them once. */
function checkFreeList(entities: EntityTable): void {
  let free = 0
  for (let id = 1; id <= entities.highest; id++) if (entities.kind[id] === FREE) free++
  check(free === entities.freeCount, `${entities.freeCount} freed ids, but ${free} free slots`)
  let last = 0
  let id = entities.freeHead
  for (let left = free; left > 0; left--) {
    check(id >= 1 && id <= entities.highest && entities.kind[id] === FREE, `a freed id ${id} in use`)
    last = id
    id = entities.owner[id] ?? 0
  }
  check(id === 0 && last === entities.freeTail, 'a list of freed ids that does not end')
}

/** Every avatar is a resident's, every carried item in one inventory. */
function checkOwners(state: LayerState): void {
  const { entities } = state
  let carried = 0
  for (let id = 1; id <= entities.highest; id++) {
    if (entities.kind[id] === AVATAR) check(state.residents[id] !== undefined, `an avatar ${id} of nobody`)
    if (entities.kind[id] === ITEM && entities.owner[id] !== 0) carried++
  }
  for (const { inventory } of state.players.values()) carried -= new Set(inventory).size
  check(carried === 0, 'an item in no inventory, or in one twice')
}

function bytesOf(column: { readonly buffer: ArrayBuffer; readonly BYTES_PER_ELEMENT: number }, length: number): Uint8Array {
  return new Uint8Array(column.buffer, 0, length * column.BYTES_PER_ELEMENT)
}
