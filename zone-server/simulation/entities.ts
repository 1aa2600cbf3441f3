/** What stands in a slot of the table. */
export const FREE = 0
export const AVATAR = 1
export const ITEM = 2

/** More than this a layer can't hold; with full inventories that is 12,000 players. */
export const MAX_ENTITIES = 1 << 18
/** An id rests so many ticks before it names another entity, so that a late frame can't be about the wrong one. */
const ID_REST_TICKS = 128

const FIRST_CAPACITY = 64

/**
 * All entities of a layer, column by column. An entity's id is its slot; 0 is nobody. Freed ids wait in a queue, oldest first. Coordinates are whole
 * millimetres; `restX`, `restY` the part of a millimetre that a move has left over, in units of 1/tickRate.
 */
export class EntityTable {
  kind = new Uint8Array(FIRST_CAPACITY)
  x = new Int32Array(FIRST_CAPACITY)
  y = new Int32Array(FIRST_CAPACITY)
  /** Millimetres a second. */
  vx = new Int32Array(FIRST_CAPACITY)
  vy = new Int32Array(FIRST_CAPACITY)
  restX = new Int32Array(FIRST_CAPACITY)
  restY = new Int32Array(FIRST_CAPACITY)
  /** 1/256 of a turn, counter-clockwise from the x axis. */
  heading = new Uint8Array(FIRST_CAPACITY)
  /** The avatar that carries an item; 0: it lies on the ground. */
  owner = new Uint32Array(FIRST_CAPACITY)
  /** An avatar's character id, an item's world-wide id. */
  label: string[] = ['']
  /** An avatar's name, an item's kind. */
  name: string[] = ['']
  /** Ids from 1 to this one are or were in use. */
  highest = 0
  /** Whose place, kind, heading or visibility changed in the last step, each once: the first `changedCount` of `changed`. */
  changed = new Uint32Array(FIRST_CAPACITY)
  changedCount = 0
  #isChanged = new Uint8Array(FIRST_CAPACITY)
  /** Freed ids, oldest first, and when they were freed. */
  readonly freed: { readonly id: number; readonly tick: number }[] = []

  /** A fresh id of this kind, everything else zero; 0 when the table is full. */
  add(kind: number, label: string, name: string, tick: number): number {
    const oldest = this.freed[0]
    let id: number
    if (oldest !== undefined && oldest.tick + ID_REST_TICKS <= tick) {
      this.freed.shift()
      id = oldest.id
    } else {
      if (this.highest + 1 >= MAX_ENTITIES) return 0
      id = ++this.highest
      this.reserve(id)
    }
    this.kind[id] = kind
    this.label[id] = label
    this.name[id] = name
    this.show(id)
    return id
  }

  /** Puts an entity among those that changed in this step. */
  show(id: number): void {
    if (this.#isChanged[id] === 1) return
    this.#isChanged[id] = 1
    this.changed[this.changedCount++] = id
  }

  /** A new step begins: nothing has changed yet. */
  beginStep(): void {
    for (let i = 0; i < this.changedCount; i++) this.#isChanged[this.changed[i] ?? 0] = 0
    this.changedCount = 0
  }

  /** Frees an id; it rests before it is given again. */
  remove(id: number, tick: number): void {
    for (const column of [this.kind, this.x, this.y, this.vx, this.vy, this.restX, this.restY, this.heading, this.owner]) column[id] = 0
    this.label[id] = ''
    this.name[id] = ''
    this.freed.push({ id, tick })
    this.show(id)
  }

  /** True for an item that lies on the ground. */
  onGround(id: number): boolean {
    return this.kind[id] === ITEM && this.owner[id] === 0
  }

  /** Makes room for ids up to `id`. */
  reserve(id: number): void {
    if (id < this.kind.length) return
    let capacity = this.kind.length
    while (capacity <= id) capacity *= 2
    this.kind = grownBytes(this.kind, capacity)
    this.heading = grownBytes(this.heading, capacity)
    this.x = grown(this.x, capacity)
    this.y = grown(this.y, capacity)
    this.vx = grown(this.vx, capacity)
    this.vy = grown(this.vy, capacity)
    this.restX = grown(this.restX, capacity)
    this.restY = grown(this.restY, capacity)
    this.#isChanged = grownBytes(this.#isChanged, capacity)
    this.owner = grownWords(this.owner, capacity)
    this.changed = grownWords(this.changed, capacity)
  }
}

function grown(column: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(capacity)
  wider.set(column)
  return wider
}

function grownBytes(column: Uint8Array<ArrayBuffer>, capacity: number): Uint8Array<ArrayBuffer> {
  const wider = new Uint8Array(capacity)
  wider.set(column)
  return wider
}

function grownWords(column: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(capacity)
  wider.set(column)
  return wider
}
