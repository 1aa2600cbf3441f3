import { Lanes } from './hash.ts'
import { TextArena } from './texts.ts'

/** What stands in a slot of the table. */
export const FREE = 0
export const AVATAR = 1
export const ITEM = 2
export const PROP = 3
export const CREATURE = 4

/** More than this a layer can't hold; with full inventories that is 12,000 players. */
export const MAX_ENTITIES = 1 << 18
/** An id rests so many ticks before it names another entity, so that a late frame can't be about the wrong one. */
const ID_REST_TICKS = 128

const FIRST_CAPACITY = 64

/** The columns that are state: their order is the order of a snapshot, their names docs/simulation.md's. */
const stateColumns = {
  kind: Uint8Array,
  /** 1/256 of a turn, counter-clockwise from the x axis. */
  heading: Uint8Array,
  health: Uint8Array,
  energy: Uint8Array,
  population: Uint16Array,
  vx: Int16Array,
  vy: Int16Array,
  restX: Int16Array,
  restY: Int16Array,
  x: Int32Array,
  y: Int32Array,
  owner: Uint32Array,
  until: Uint32Array,
  textAt: Uint32Array,
  textLength: Uint32Array,
} as const
export type ColumnName = keyof typeof stateColumns
export const columnNames = Object.keys(stateColumns) as readonly ColumnName[]

/**
 * All entities of a layer, column by column. An entity's id is its slot; 0 is nobody. Coordinates are whole millimetres; `restX`, `restY` the part of a millimetre that a
 * move has left over, in units of 1/tickRate. Freed slots are a list, oldest first: `x` is the tick at which it was freed, `owner` the slot freed next.
 *
 * Whoever writes to a column calls `touch` (it is part of the hash) or `show` (it is seen, too).
 */
export class EntityTable {
  kind = new Uint8Array(FIRST_CAPACITY)
  heading = new Uint8Array(FIRST_CAPACITY)
  /** Of an avatar: 0 … MAX_STAT; 0: it is down until it respawns. */
  health = new Uint8Array(FIRST_CAPACITY)
  energy = new Uint8Array(FIRST_CAPACITY)
  /** Of a creature: which of the content's populations, from 1 on. */
  population = new Uint16Array(FIRST_CAPACITY)
  /** Millimetres a second. */
  vx = new Int16Array(FIRST_CAPACITY)
  vy = new Int16Array(FIRST_CAPACITY)
  restX = new Int16Array(FIRST_CAPACITY)
  restY = new Int16Array(FIRST_CAPACITY)
  x = new Int32Array(FIRST_CAPACITY)
  y = new Int32Array(FIRST_CAPACITY)
  /** The avatar that carries an item; 0: it lies on the ground. */
  owner = new Uint32Array(FIRST_CAPACITY)
  /** The tick at which an avatar that is down respawns (0: it is up), at which a creature decides anew. */
  until = new Uint32Array(FIRST_CAPACITY)
  /** Where the texts stand in `texts`. */
  textAt = new Uint32Array(FIRST_CAPACITY)
  textLength = new Uint32Array(FIRST_CAPACITY)
  readonly texts = new TextArena()
  /** An avatar's character id, an item's world-wide id; '' for what the zone's content put there. */
  label: string[] = ['']
  /** An avatar's name; the kind of an item, a prop, a creature. */
  name: string[] = ['']
  /** Items by their world-wide id: none exists twice. */
  readonly items = new Map<string, number>()
  /** Ids from 1 to this one are or were in use. */
  highest = 0
  /** The oldest and the newest freed slot, and how many there are; 0: none. */
  freeHead = 0
  freeTail = 0
  freeCount = 0
  /** Whose place, kind, heading or visibility changed in the last step, each once: the first `changedCount` of `changed`. */
  changed = new Uint32Array(FIRST_CAPACITY)
  changedCount = 0
  /** Whose record changed since it was last hashed, each once: the first `touchedCount`. */
  touched = new Uint32Array(FIRST_CAPACITY)
  touchedCount = 0
  /** The hash of an entity's texts, which never change. */
  #textOne = new Int32Array(FIRST_CAPACITY)
  #textTwo = new Int32Array(FIRST_CAPACITY)
  #isChanged = new Uint8Array(FIRST_CAPACITY)
  #isTouched = new Uint8Array(FIRST_CAPACITY)
  readonly #lanes = new Lanes()

  /** A fresh id of this kind, everything else zero; 0 when the table is full. */
  add(kind: number, label: string, name: string, tick: number, account = ''): number {
    const id = this.#freshId(tick)
    if (id === 0) return 0
    this.kind[id] = kind
    this.label[id] = label
    this.name[id] = name
    if (kind === ITEM) this.items.set(label, id)
    const at = this.texts.add(label, name, account)
    this.textAt[id] = at
    this.textLength[id] = this.texts.length - at
    this.hashTexts(id)
    this.show(id)
    return id
  }

  /** Frees an id; it rests before it is given again. */
  remove(id: number, tick: number): void {
    if (this.kind[id] === ITEM) this.items.delete(this.label[id] ?? '')
    this.texts.remove(this.textLength[id] ?? 0)
    for (const name of columnNames) this[name][id] = 0
    this.label[id] = ''
    this.name[id] = ''
    this.#textOne[id] = 0
    this.#textTwo[id] = 0
    this.x[id] = tick
    if (this.freeTail === 0) this.freeHead = id
    else {
      this.owner[this.freeTail] = id
      this.touch(this.freeTail)
    }
    this.freeTail = id
    this.freeCount++
    this.show(id)
    if (this.texts.isWasteful) this.texts.compact(this.highest, this.textAt, this.textLength)
  }

  /** True for an item that lies on the ground. */
  onGround(id: number): boolean {
    return this.kind[id] === ITEM && this.owner[id] === 0
  }

  /** True for what has a place in the world: everything but carried items. */
  isPlaced(id: number): boolean {
    const kind = this.kind[id] ?? FREE
    return kind !== FREE && (kind !== ITEM || this.owner[id] === 0)
  }

  /** The record of an entity changed. */
  touch(id: number): void {
    if (this.#isTouched[id] === 1) return
    this.#isTouched[id] = 1
    this.touched[this.touchedCount++] = id
  }

  /** The record of an entity changed in what others see. */
  show(id: number): void {
    this.touch(id)
    if (this.#isChanged[id] === 1) return
    this.#isChanged[id] = 1
    this.changed[this.changedCount++] = id
  }

  /** A new step begins: nothing has changed yet. */
  beginStep(): void {
    for (let i = 0; i < this.changedCount; i++) this.#isChanged[this.changed[i] ?? 0] = 0
    this.changedCount = 0
  }

  /** All touched records are hashed. */
  settleTouched(): void {
    for (let i = 0; i < this.touchedCount; i++) this.#isTouched[this.touched[i] ?? 0] = 0
    this.touchedCount = 0
  }

  /** Computes the hash of an entity's texts from its bytes. */
  hashTexts(id: number): void {
    const lanes = this.#lanes
    lanes.begin(this.textLength[id] ?? 0)
    this.texts.hash(lanes, this.textAt[id] ?? 0, this.textLength[id] ?? 0)
    lanes.finish()
    this.#textOne[id] = lanes.one
    this.#textTwo[id] = lanes.two
  }

  /** Mixes an entity's record in. The places of its texts are no part of it, the texts are. */
  hash(lanes: Lanes, id: number): void {
    lanes.begin(id)
    lanes.word((this.kind[id] ?? 0) | ((this.heading[id] ?? 0) << 8) | ((this.health[id] ?? 0) << 16) | ((this.energy[id] ?? 0) << 24))
    lanes.word(this.population[id] ?? 0)
    lanes.word(((this.vx[id] ?? 0) & 0xffff) | ((this.vy[id] ?? 0) << 16))
    lanes.word(((this.restX[id] ?? 0) & 0xffff) | ((this.restY[id] ?? 0) << 16))
    lanes.word(this.x[id] ?? 0)
    lanes.word(this.y[id] ?? 0)
    lanes.word(this.owner[id] ?? 0)
    lanes.word(this.until[id] ?? 0)
    lanes.word(this.#textOne[id] ?? 0)
    lanes.word(this.#textTwo[id] ?? 0)
  }

  /** Makes room for ids up to `id`. */
  reserve(id: number): void {
    if (id < this.kind.length) return
    let capacity = this.kind.length
    while (capacity <= id) capacity *= 2
    for (const name of columnNames) this.#grow(name, capacity)
    this.changed = grown(this.changed, new Uint32Array(capacity))
    this.touched = grown(this.touched, new Uint32Array(capacity))
    this.#textOne = grown(this.#textOne, new Int32Array(capacity))
    this.#textTwo = grown(this.#textTwo, new Int32Array(capacity))
    this.#isChanged = grown(this.#isChanged, new Uint8Array(capacity))
    this.#isTouched = grown(this.#isTouched, new Uint8Array(capacity))
  }

  #freshId(tick: number): number {
    const oldest = this.freeHead
    if (oldest !== 0 && ((this.x[oldest] ?? 0) >>> 0) + ID_REST_TICKS <= tick) {
      this.freeHead = this.owner[oldest] ?? 0
      if (this.freeHead === 0) this.freeTail = 0
      this.freeCount--
      this.x[oldest] = 0
      this.owner[oldest] = 0
      return oldest
    }
    if (this.highest + 1 >= MAX_ENTITIES) return 0
    this.reserve(++this.highest)
    return this.highest
  }

  #grow(name: ColumnName, capacity: number): void {
    Object.assign(this, { [name]: grown(this[name], new stateColumns[name](capacity)) })
  }
}

function grown<T extends { set(values: ArrayLike<number>): void }>(column: ArrayLike<number>, wider: T): T {
  wider.set(column)
  return wider
}
