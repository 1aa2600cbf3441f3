import { ZoneView } from '../../../client/view.ts'
import { CELL, cellOf, inView } from '../../../core/protocol/cells.ts'
import { decodeServerMessage, decodeServerPayload, type ServerMessage } from '../../../core/protocol/frame.ts'
import { decodeStateFrame, type StateFrame } from '../../../core/protocol/state-frame.ts'
import { ENTITY_KINDS } from '../../../core/protocol/state-writer.ts'
import { HYSTERESIS } from '../../../zone-server/interest/interest.ts'
import type { Spectator } from '../../../zone-server/seat.ts'
import type { LayerState } from '../../../zone-server/simulation/state.ts'

/** Nobody is told later than this, millimetres: at full speed, the ticks that a crowd of a few hundred takes. */
const LAG = 3_000

/** A client that keeps its view from its frames alone, by the client library's own reading of them, and can tell where that view differs from the truth. */
export class CheckedClient implements Spectator {
  readonly view = new ZoneView()
  readonly said: ServerMessage['body'][] = []
  readonly frames: StateFrame[] = []
  /** Bytes of state frames. */
  bytes = 0
  /** What was wrong with frames themselves. */
  readonly faults: string[] = []
  ended: string | undefined
  redirected: string | undefined
  /** False: the connection takes nothing. */
  ready = true
  /** False: what comes is taken over, but not acknowledged. */
  acknowledges = true
  #seen = 0
  #waiting: Uint8Array[] = []
  #flush: () => void = () => undefined

  get seen(): number {
    return this.#seen
  }

  get last(): StateFrame | undefined {
    return this.frames.at(-1)
  }

  send(frames: readonly Uint8Array[]): void {
    this.#waiting.push(...frames)
  }

  takeWaiting(): readonly Uint8Array[] {
    return this.#waiting.splice(0)
  }

  state(buffer: Buffer, from: number, to: number): boolean {
    this.bytes += to - from
    const frame = decodeStateFrame(buffer.slice(from, to))
    for (const message of frame.messages) this.#hear(decodeServerPayload(message).body)
    if (!frame.fresh) {
      const known = new Set([...this.view.entities.keys(), ...frame.full.map(({ id }) => id)])
      for (const { id } of frame.updates)
        if (!known.has(id)) this.faults.push(`tick ${frame.tick}: an update of ${id}, which it does not know`)
    }
    if (this.view.state(frame) === undefined) this.faults.push(`tick ${frame.tick} came after tick ${this.view.tick}`)
    this.frames.push(frame)
    if (this.acknowledges) this.#seen = frame.tick
    return false
  }

  beforeEnd(flush: () => void): void {
    this.#flush = flush
  }

  goodbye(reason: string): void {
    this.#flush()
    for (const frame of this.takeWaiting()) this.#hear(decodeServerMessage(frame).body)
    this.ended ??= reason
  }

  redirect(reason: string): void {
    this.#flush()
    this.redirected = reason
  }

  #hear(body: ServerMessage['body']): void {
    if (body.case === 'welcome') this.view.welcomed(body.value)
    this.said.push(body)
  }

  /** How the view differs from what is around the avatar. `mayLag`: those whose place may be an older one, a few metres off (crowded cells). */
  differences({ entities, players }: LayerState, character: string, mayLag: (id: number) => boolean = () => false): string[] {
    const found = [...this.faults]
    const { last } = this
    const own = players.get(character)?.entity ?? 0
    if (last === undefined) return [...found, 'no frame']
    for (const [coordinate, cell] of [
      [entities.x[own] ?? 0, last.column],
      [entities.y[own] ?? 0, last.row],
    ] as const)
      if (coordinate < cell * CELL - HYSTERESIS || coordinate >= (cell + 1) * CELL + HYSTERESIS)
        found.push(`sees from ${cell}, stands at ${coordinate}`)
    const rest = new Set(this.view.entities.keys())
    for (let id = 1; id <= entities.highest; id++) {
      const x = entities.x[id] ?? 0
      const y = entities.y[id] ?? 0
      if (!entities.isPlaced(id) || !inView(cellOf(x), cellOf(y), last.column, last.row)) continue
      rest.delete(id)
      const expected = {
        id,
        kind: ENTITY_KINDS[entities.kind[id] ?? 0],
        name: entities.name[id],
        x: toCm(x),
        y: toCm(y),
        heading: entities.heading[id],
      }
      const seen = this.view.entities.get(id)
      const same = JSON.stringify(seen) === JSON.stringify(expected)
      const lags =
        seen !== undefined && seen.name === expected.name && Math.abs(seen.x - x) < LAG && Math.abs(seen.y - y) < LAG && mayLag(id)
      if (!same && !lags) found.push(`${id} is ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`)
    }
    for (const id of rest) found.push(`${id} is seen and not there`)
    return found
  }
}

function toCm(millimetres: number): number {
  return Math.floor(millimetres / 10) * 10
}
