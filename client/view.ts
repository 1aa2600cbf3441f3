import { MM_PER_M } from '../core/geometry.ts'
import type { ServerMessage } from '../core/protocol/frame.ts'
import type { StateFrame } from '../core/protocol/state-frame.ts'

type Body<C extends NonNullable<ServerMessage['body']['case']>> = Extract<ServerMessage['body'], { case: C }>['value']
export type Welcome = Body<'welcome'>
export type EntityNotice = Body<'appeared'>['entities'][number]
export type ItemNotice = Body<'inventory'>['items'][number]

export interface ViewedEntity {
  readonly id: number
  /** `avatar` or `item`. */
  readonly kind: string
  /** An avatar's character name, an item's kind. */
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

/** What one player sees of a layer, kept from the server's messages. No I/O. */
export class ZoneView {
  #welcome: Welcome | undefined
  #entities = new Map<number, ViewedEntity>()
  #inventory: readonly ViewedItem[] = []
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

  appeared(entities: readonly EntityNotice[]): readonly ViewedEntity[] {
    return entities.map((notice) => {
      const heading = this.#entities.get(notice.id)?.heading ?? 0
      const entity = { id: notice.id, kind: notice.kind, name: notice.name, x: notice.x, y: notice.y, heading }
      this.#entities.set(entity.id, entity)
      return entity
    })
  }

  /** The entities that were in view and are no more. */
  vanished(ids: readonly number[]): readonly ViewedEntity[] {
    return ids.flatMap((id) => {
      const entity = this.#entities.get(id)
      this.#entities.delete(id)
      return entity === undefined ? [] : [entity]
    })
  }

  /** False, and nothing changes, when the frame is of a lower (epoch, tick) than one already taken over. */
  state(frame: StateFrame): boolean {
    if (frame.epoch < this.#epoch || (frame.epoch === this.#epoch && frame.tick < this.#tick)) return false
    this.#epoch = frame.epoch
    this.#tick = frame.tick
    for (const { id, x, y, heading } of frame.entities) {
      const known = this.#entities.get(id)
      if (known !== undefined) this.#entities.set(id, { ...known, x, y, heading })
    }
    return true
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
