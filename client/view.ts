import { MM_PER_M } from '../core/geometry.ts'
import { cellOf, inView } from '../core/protocol/cells.ts'
import type { ServerMessage } from '../core/protocol/frame.ts'
import type { StateFrame } from '../core/protocol/state-frame.ts'

type Body<C extends NonNullable<ServerMessage['body']['case']>> = Extract<ServerMessage['body'], { case: C }>['value']
export type Welcome = Body<'welcome'>
export type ItemNotice = Body<'inventory'>['items'][number]

/** 0 to 100 each; with health 0 the character is down until it respawns. */
export interface Stats {
  readonly health: number
  readonly energy: number
}

export interface ViewedEntity {
  readonly id: number
  /** `avatar`, `item`, `prop` or `creature`. */
  readonly kind: string
  /** An avatar's character name, else the kind of item, prop or creature. */
  readonly name: string
  /** Millimetres. */
  readonly x: number
  readonly y: number
  /** 1/256 of a turn, counter-clockwise from the x axis. */
  readonly heading: number
}

export interface ViewedItem {
  readonly id: string
  readonly kind: string
}

/** What a state frame changed in what is in view. */
export interface ViewChange {
  readonly appeared: readonly ViewedEntity[]
  readonly vanished: readonly ViewedEntity[]
}

/** What one player sees of a layer, kept from the server's messages. No I/O. */
export class ZoneView {
  #welcome: Welcome | undefined
  #entities = new Map<number, ViewedEntity>()
  #inventory: readonly ViewedItem[] = []
  #stats: Stats | undefined
  #epoch = 0
  #tick = 0

  /** The last Welcome; undefined before the first. */
  get welcome(): Welcome | undefined {
    return this.#welcome
  }

  get entities(): ReadonlyMap<number, ViewedEntity> {
    return this.#entities
  }

  /** The player's own avatar, once it was seen. */
  get me(): ViewedEntity | undefined {
    return this.#welcome === undefined ? undefined : this.#entities.get(this.#welcome.entity)
  }

  get inventory(): readonly ViewedItem[] {
    return this.#inventory
  }

  /** Of the newest state that was taken over. */
  get epoch(): number {
    return this.#epoch
  }

  get tick(): number {
    return this.#tick
  }

  /** False when the welcome is of an older owner of the same layer than one already seen: then nothing is taken over. */
  welcomed(welcome: Welcome): boolean {
    const sameLayer = this.#welcome?.layer === welcome.layer
    if (sameLayer && welcome.epoch < this.#epoch) return false
    // A new owner may begin at the tick of its snapshot; within an epoch ticks only rise.
    this.#tick = sameLayer && welcome.epoch === this.#epoch ? Math.max(this.#tick, welcome.tick) : welcome.tick
    this.#epoch = welcome.epoch
    this.#welcome = welcome
    this.#inventory = welcome.inventory.map(itemOf)
    this.#entities.clear()
    return true
  }

  /**
   * Takes a state frame over, as state-frame.md says: what left goes first, then what is told is put in, then what lies outside the view goes. Answers what came and
   * what went; undefined, and nothing changes, when the frame is of a lower (epoch, tick) than one already taken over.
   */
  state(frame: StateFrame): ViewChange | undefined {
    if (frame.epoch < this.#epoch || (frame.epoch === this.#epoch && frame.tick < this.#tick)) return undefined
    this.#epoch = frame.epoch
    this.#tick = frame.tick
    const gone = new Map<number, ViewedEntity>()
    const appeared: ViewedEntity[] = []
    if (frame.fresh) for (const entity of this.#entities.values()) this.#remove(entity, gone)
    for (const id of frame.left) {
      const entity = this.#entities.get(id)
      if (entity !== undefined) this.#remove(entity, gone)
    }
    for (const { id, kind, name, x, y, heading } of frame.full) {
      const entity = { id, kind, name, x, y, heading }
      const before = gone.get(id)
      // Told anew, it is the same, unless its id names another by now.
      if (before !== undefined && before.kind === kind && before.name === name) gone.delete(id)
      else if (!this.#entities.has(id)) appeared.push(entity)
      this.#entities.set(id, entity)
    }
    for (const { id, x, y, heading } of frame.updates) {
      const known = this.#entities.get(id)
      if (known !== undefined) this.#entities.set(id, { ...known, x, y, heading })
    }
    this.#dropFar(frame, gone)
    return { appeared, vanished: [...gone.values()] }
  }

  #remove(entity: ViewedEntity, gone: Map<number, ViewedEntity>): void {
    gone.set(entity.id, entity)
    this.#entities.delete(entity.id)
  }

  /** Takes out what lies outside the nine cells around the centre. */
  #dropFar({ column, row }: StateFrame, gone: Map<number, ViewedEntity>): void {
    for (const entity of this.#entities.values()) if (!inView(cellOf(entity.x), cellOf(entity.y), column, row)) this.#remove(entity, gone)
  }

  /** How the character is; undefined before it was told. */
  get stats(): Stats | undefined {
    return this.#stats
  }

  statsChanged({ health, energy }: Stats): Stats {
    this.#stats = { health, energy }
    return this.#stats
  }

  inventoryChanged(items: readonly ItemNotice[]): readonly ViewedItem[] {
    this.#inventory = items.map(itemOf)
    return this.#inventory
  }
}

function itemOf(item: ItemNotice): ViewedItem {
  return { id: item.id, kind: item.kind }
}

/** `(12.3, -4.0)` metres of a point in millimetres. */
export function describePosition(point: { readonly x: number; readonly y: number }): string {
  return `(${(point.x / MM_PER_M).toFixed(1)}, ${(point.y / MM_PER_M).toFixed(1)})`
}
