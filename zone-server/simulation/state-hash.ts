import { ByteWriter } from './bytes.ts'
import { hashBytes, Lanes } from './hash.ts'
import { writeSettings } from './settings-bytes.ts'
import type { LayerState, Player } from './state.ts'

/** What is remembered of a state's hash from one tick to the next, so that a tick costs only what it changed. Follows from the state: in no snapshot. */
export class HashMemory {
  readonly lanes = new Lanes()
  /** The hash of each entity's record, as it stands in the sums. */
  one = new Int32Array(64)
  two = new Int32Array(64)
  sumOne = 0
  sumTwo = 0
  /** The settings whose hash is known. */
  settings: LayerState['settings'] | undefined
  settingsHash = ''
}

/**
 * The hash of a state, 16 hexadecimal digits: equal states, equal hashes, on every machine and whatever happened before. The sum of the hashes of all records
 * (each with its id mixed in), in which only what was touched since the last call is exchanged, and the few small parts.
 */
export function stateHash(state: LayerState): string {
  const { entities, hashMemory: memory } = state
  const { touched, touchedCount } = entities
  if (memory.one.length < entities.kind.length) {
    memory.one = wider(memory.one, entities.kind.length)
    memory.two = wider(memory.two, entities.kind.length)
  }
  for (let i = 0; i < touchedCount; i++) {
    const id = touched[i] ?? 0
    recordHash(state, id, memory.lanes)
    const { one, two } = memory.lanes
    memory.sumOne = (memory.sumOne - (memory.one[id] ?? 0) + one) | 0
    memory.sumTwo = (memory.sumTwo - (memory.two[id] ?? 0) + two) | 0
    memory.one[id] = one
    memory.two[id] = two
  }
  entities.settleTouched()
  return combined(state, memory)
}

/** The same hash, computed from nothing but the state: what the incremental one is checked against. */
export function stateHashFromNothing(state: LayerState): string {
  const memory = new HashMemory()
  for (let id = 1; id <= state.entities.highest; id++) {
    recordHash(state, id, memory.lanes)
    memory.sumOne = (memory.sumOne + memory.lanes.one) | 0
    memory.sumTwo = (memory.sumTwo + memory.lanes.two) | 0
  }
  return combined(state, memory)
}

function recordHash(state: LayerState, id: number, lanes: Lanes): void {
  state.entities.hash(lanes, id)
  const player = state.residents[id]
  if (player !== undefined) playerHash(player, lanes)
  lanes.finish()
}

function playerHash({ version, createdAt, inputSequence, linkDeadSince, inventory }: Player, lanes: Lanes): void {
  lanes.word(version)
  lanes.word(createdAt)
  lanes.word(Math.floor(createdAt / 0x1_0000_0000))
  lanes.word(inputSequence)
  lanes.word(linkDeadSince)
  for (let i = 0; i < inventory.length; i++) lanes.word(inventory[i] ?? 0)
}

function combined(state: LayerState, memory: HashMemory): string {
  const { lanes } = memory
  const { entities, outbox, random } = state
  if (memory.settings !== state.settings) {
    memory.settings = state.settings
    memory.settingsHash = settingsHash(state)
  }
  lanes.begin(state.tick)
  for (const word of random) lanes.word(word)
  for (const word of [entities.highest, entities.freeHead, entities.freeTail, entities.freeCount, state.players.size, outbox.size])
    lanes.word(word)
  for (const word of [memory.sumOne, memory.sumTwo, outbox.one, outbox.two]) lanes.word(word)
  for (let i = 0; i < memory.settingsHash.length; i += 8) lanes.word(Number.parseInt(memory.settingsHash.slice(i, i + 8), 16))
  lanes.finish()
  return lanes.hex()
}

function settingsHash(state: LayerState): string {
  const to = new ByteWriter()
  to.text(state.layer)
  writeSettings(to, state.settings)
  return hashBytes(to.finish())
}

function wider(column: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(capacity)
  grown.set(column)
  return grown
}
