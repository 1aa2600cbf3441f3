// The same game as ours for a crowd, written as Colyseus' documentation recommends: a schema of small fixed-size numbers, one StateView a client, and
// a grid that adds to and removes from views only what a step over a cell's border changes.
import { type Client, Room } from '@colyseus/core'
import { type SchemaType, StateView, schema } from '@colyseus/schema'
import { CELL, TICK_RATE } from '../kit/world.ts'

const PERIOD = 1_000 / TICK_RATE
/** Millimetres a second. */
const MAX_SPEED = 6_000
/** So far beyond a border, in millimetres, one counts as in the next cell. */
const HYSTERESIS = 2_000
/** Seconds; a whole crowd reserves before it connects. */
const SEATS_KEPT = 60
/** Positions go out in centimetres: two bytes reach 655 m. */
const MM_PER_UNIT = 10

export const Avatar = schema({ name: 'string', x: 'uint16', y: 'uint16', heading: 'uint8' })
export type Avatar = SchemaType<typeof Avatar>
export const World = schema({ avatars: { map: Avatar, view: true } })

interface Walker {
  readonly avatar: Avatar
  readonly view: StateView
  x: number
  y: number
  vx: number
  vy: number
  column: number
  row: number
}

interface Join {
  readonly name: string
  /** Millimetres. */
  readonly x: number
  readonly y: number
}

/** Millimetres: the side of the square world. */
let side = 0

export function setSide(millimetres: number): void {
  if (millimetres / MM_PER_UNIT > 65_535) throw new Error(`a world of ${millimetres} mm does not fit into two bytes of centimetres`)
  side = millimetres
}

export class CrowdRoom extends Room {
  override state = new World()
  /** Patches go out with each tick. Its own two intervals drift by up to a millisecond a turn, and would lose frames by that alone. */
  override patchRate = null
  override autoDispose = false
  override seatReservationTimeout = SEATS_KEPT
  readonly #walkers = new Map<string, Walker>()
  readonly #cells = new Map<number, Set<Walker>>()

  override messages = {
    move: (client: Client, { vx, vy }: { vx: number; vy: number }) => {
      const walker = this.#walkers.get(client.sessionId)
      if (walker === undefined || vx * vx + vy * vy > MAX_SPEED * MAX_SPEED) return
      walker.vx = vx
      walker.vy = vy
    },
  }

  override onCreate(): void {
    let next = performance.now()
    const turn = (): void => {
      this.#tick()
      this.broadcastPatch()
      // Late turns are caught up one by one; what is more than a turn late stays lost.
      next = Math.max(next + PERIOD, performance.now() - PERIOD)
      setTimeout(turn, Math.max(0, next - performance.now()))
    }
    turn()
  }

  override onJoin(client: Client, { name, x, y }: Join): void {
    const avatar = new Avatar()
    avatar.name = name
    const walker: Walker = { avatar, view: new StateView(), x, y, vx: 0, vy: 0, column: cellOf(x), row: cellOf(y) }
    show(walker)
    client.view = walker.view
    this.state.avatars.set(client.sessionId, avatar)
    this.#walkers.set(client.sessionId, walker)
    walker.view.add(avatar)
    for (const other of this.#around(walker.column, walker.row)) meet(walker, other)
    this.#cell(walker.column, walker.row).add(walker)
  }

  override onLeave(client: Client): void {
    const walker = this.#walkers.get(client.sessionId)
    if (walker === undefined) return
    this.#cell(walker.column, walker.row).delete(walker)
    for (const other of this.#around(walker.column, walker.row)) other.view.remove(walker.avatar)
    this.#walkers.delete(client.sessionId)
    this.state.avatars.delete(client.sessionId)
  }

  #tick(): void {
    for (const walker of this.#walkers.values()) {
      walker.x = clamp(walker.x + (walker.vx * PERIOD) / 1_000)
      walker.y = clamp(walker.y + (walker.vy * PERIOD) / 1_000)
      show(walker)
      const column = cellAfter(walker.x, walker.column)
      const row = cellAfter(walker.y, walker.row)
      if (column !== walker.column || row !== walker.row) this.#cross(walker, column, row)
    }
  }

  /** Over a border: the cells that came into sight and those that went. Sight is mutual. */
  #cross(walker: Walker, column: number, row: number): void {
    this.#cell(walker.column, walker.row).delete(walker)
    for (const other of this.#around(walker.column, walker.row)) if (!near(other, column, row)) part(walker, other)
    for (const other of this.#around(column, row)) if (!near(other, walker.column, walker.row)) meet(walker, other)
    walker.column = column
    walker.row = row
    this.#cell(column, row).add(walker)
  }

  *#around(column: number, row: number): Generator<Walker> {
    for (let c = column - 1; c <= column + 1; c++) for (let r = row - 1; r <= row + 1; r++) yield* this.#cell(c, r)
  }

  #cell(column: number, row: number): Set<Walker> {
    const key = (column + 1) * 65_536 + row + 1
    let cell = this.#cells.get(key)
    if (cell === undefined) {
      cell = new Set()
      this.#cells.set(key, cell)
    }
    return cell
  }
}

function meet(a: Walker, b: Walker): void {
  a.view.add(b.avatar)
  b.view.add(a.avatar)
}

function part(a: Walker, b: Walker): void {
  a.view.remove(b.avatar)
  b.view.remove(a.avatar)
}

function near(walker: Walker, column: number, row: number): boolean {
  return Math.abs(walker.column - column) <= 1 && Math.abs(walker.row - row) <= 1
}

function show({ avatar, x, y, vx, vy }: Walker): void {
  avatar.x = Math.floor(x / MM_PER_UNIT)
  avatar.y = Math.floor(y / MM_PER_UNIT)
  avatar.heading = Math.round((Math.atan2(vy, vx) / (2 * Math.PI)) * 256) & 255
}

const cellOf = (coordinate: number): number => Math.floor(coordinate / CELL)

function cellAfter(coordinate: number, cell: number): number {
  const inside = coordinate >= cell * CELL - HYSTERESIS && coordinate <= (cell + 1) * CELL + HYSTERESIS
  return inside ? cell : cellOf(coordinate)
}

function clamp(coordinate: number): number {
  return Math.min(Math.max(coordinate, 0), side)
}
