import { isCode } from '../../../core/errors.ts'
import type { LayerId } from '../../../core/ids.ts'
import { decodeServerMessage, FRAME_MESSAGE } from '../../../core/protocol/frame.ts'
import { decodeStateFrame } from '../../../core/protocol/state-frame.ts'
import { ticketText } from '../../../core/ticket.ts'
import type { Spectator } from '../../../zone-server/audience.ts'
import type { Seating } from '../../../zone-server/session.ts'
import type { PlayerBody } from '../../../zone-server/simulation/input.ts'
import { inventoryOf } from '../../../zone-server/simulation/state.ts'
import { ACCOUNT } from './characters.ts'
import type { LayerHistory } from './history.ts'
import type { SimulatedHost } from './host.ts'
import type { IndexServer } from './index-server.ts'
import type { Kernel } from './kernel.ts'
import type { Placement } from './placement.ts'

/** Frames between client and host take up to so long, milliseconds. */
const TRIP = 20
/** A client that hears nothing for so long joins anew. */
const SILENCE = 2_500
const JOIN_PATIENCE = 6_000
/** Inputs that wait for their acknowledgement. */
const MAX_PENDING = 40

export interface PlayerDeps {
  readonly kernel: Kernel
  readonly index: IndexServer
  readonly placement: Placement
  readonly histories: ReadonlyMap<LayerId, LayerHistory>
  readonly layers: readonly LayerId[]
  readonly onViolation: (error: unknown) => void
  /** Milliseconds between two thoughts. */
  readonly pace: number
}

interface Connection {
  readonly host: SimulatedHost
  readonly layer: LayerId
  seating: Seating | undefined
  over: boolean
  /** The tick of the newest state frame. */
  seen: number
  flush: () => void
  heardAt: number
  /** Frames of one connection arrive in order. */
  lastArrival: number
  /** Aborts when the host sees it end. */
  readonly gone: AbortController
}

/** Somebody who plays: joins, walks, picks up, drops, gives, talks, leaves, goes elsewhere, loses the connection, and sends again what was not acknowledged. */
export class Player {
  readonly character: string
  readonly #deps: PlayerDeps
  #connection: Connection | undefined
  #layer: LayerId
  #sequence = 0
  #pending: { readonly sequence: number; readonly body: PlayerBody }[] = []
  #stopped = false
  #tickets = 0
  /** The newest input that a host said was applied. */
  acknowledged = 0
  /** How often it was let in. */
  joins = 0
  inputs = 0

  constructor(character: string, layer: LayerId, deps: PlayerDeps) {
    this.character = character
    this.#layer = layer
    this.#deps = deps
    this.#think()
  }

  stop(): void {
    this.#stopped = true
  }

  #think(): void {
    const { kernel, pace } = this.#deps
    if (this.#stopped) return
    kernel.after(kernel.between(pace / 2, pace * 1.5), () => this.#think())
    const connection = this.#connection
    if (connection === undefined) this.#join()
    else if (
      !connection.host.process.alive ||
      kernel.now - connection.heardAt > (connection.seating === undefined ? JOIN_PATIENCE : SILENCE)
    )
      this.#cut(connection)
    else if (connection.seating !== undefined) this.#act(connection)
  }

  #join(): void {
    const { kernel, index, placement, layers } = this.#deps
    if (kernel.chance(0.05)) this.#layer = kernel.pick(layers) ?? this.#layer
    // Now and then it is sent to a host that had the layer once.
    const host = kernel.chance(0.05) ? kernel.pick(placement.hosts) : placement.hostOf(this.#layer)
    if (host === undefined) return
    const ticket = `ticket-${this.character}-${++this.#tickets}`
    index.ticket(ticket, ACCOUNT, this.character)
    const connection: Connection = {
      ...{
        host,
        layer: this.#layer,
        seating: undefined,
        over: false,
        seen: 0,
        flush: () => undefined,
        heardAt: kernel.now,
        lastArrival: 0,
        gone: new AbortController(),
      },
    }
    this.#connection = connection
    this.#toHost(connection, () => this.#admit(connection, ticket))
  }

  #admit(connection: Connection, ticket: string): void {
    const { kernel } = this.#deps
    const { host, layer } = connection
    host.layers.door.admit(layer, ticketText(layer, ticket), this.#spectatorOf(connection), connection.gone.signal).then(
      (seating) => {
        if (connection.over) seating.leave()
        else {
          this.joins++
          connection.seating = seating
          connection.heardAt = kernel.now
          for (const { sequence, body } of this.#pending) this.#toHost(connection, () => seating.input(sequence, body))
        }
      },
      (error: unknown) => {
        kernel.note(`${this.character} is not let into ${layer}: ${isCode(error, 'CharacterElsewhere') ? error.found : error}`)
        if (isCode(error, 'CharacterElsewhere')) this.#layer = this.#named(error.found) ?? this.#layer
        this.#over(connection)
      },
    )
  }

  /** The layer of the zone that a refusal names: that is where the character is. */
  #named(found: string | undefined): LayerId | undefined {
    const [, zone] = /^zone (\S+)$/.exec(found ?? '') ?? []
    return this.#deps.layers.find((layer) => layer === `${zone}/0`)
  }

  #spectatorOf(connection: Connection): Spectator {
    const { kernel, histories, onViolation } = this.#deps
    const hear = (frame: Uint8Array): void => {
      connection.heardAt = kernel.now
      try {
        this.#hear(frame, histories.get(connection.layer), connection)
      } catch (error) {
        onViolation(error)
      }
    }
    return {
      get seen() {
        return connection.seen
      },
      ready: true,
      send: (frames) => frames.forEach(hear),
      takeWaiting: () => [],
      state: (buffer, from, to) => {
        hear(buffer.subarray(from, to))
        return false
      },
      beforeEnd: (flush) => {
        connection.flush = flush
      },
      goodbye: () => {
        connection.flush()
        this.#over(connection)
      },
      redirect: () => undefined,
    }
  }

  #hear(frame: Uint8Array, history: LayerHistory | undefined, connection: Connection): void {
    if (frame[0] === FRAME_MESSAGE) {
      const { body } = decodeServerMessage(frame)
      if (body.case !== 'welcome') return
      history?.left(body.value.epoch, body.value.tick)
      this.#applied(body.value.acknowledged)
    } else {
      const { epoch, tick, acknowledged } = decodeStateFrame(frame)
      history?.left(epoch, tick)
      connection.seen = tick
      this.#applied(acknowledged)
    }
  }

  #applied(sequence: number): void {
    this.acknowledged = Math.max(this.acknowledged, sequence)
    this.#pending = this.#pending.filter((input) => input.sequence > sequence)
  }

  #act(connection: Connection): void {
    const { kernel, layers } = this.#deps
    const roll = kernel.random()
    if (roll < 0.05) this.#cut(connection)
    else if (roll < 0.15) {
      this.#send(connection, { kind: 'leave' })
      this.#layer = kernel.pick(layers) ?? this.#layer
    } else this.#send(connection, this.#wish(roll))
  }

  /** Something to do, by what is true in the layer: so that it mostly works. */
  #wish(roll: number): PlayerBody {
    const { kernel, histories } = this.#deps
    const state = histories.get(this.#layer)?.state
    const self = state?.players.get(this.character)
    if (state !== undefined && self !== undefined) {
      const carried = kernel.pick(inventoryOf(state, self))
      const near = kernel.pick([...state.players.values()].filter((other) => other !== self))
      if (roll < 0.3 && carried !== undefined && near !== undefined) return { kind: 'give', item: carried.id, to: near.entity }
      if (roll < 0.45 && carried !== undefined) return { kind: 'drop', item: carried.id }
      const lying: number[] = []
      for (let id = 1; id <= state.entities.highest; id++) if (state.entities.onGround(id)) lying.push(id)
      const item = kernel.pick(lying)
      if (roll < 0.7 && item !== undefined) return { kind: 'pickUp', entity: item }
    }
    if (roll < 0.85) return { kind: 'move', vx: kernel.between(-3_000, 3_000), vy: kernel.between(-3_000, 3_000) }
    return { kind: 'say', text: `${this.character} ${this.#sequence + 1}` }
  }

  #send(connection: Connection, body: PlayerBody): void {
    if (this.#pending.length >= MAX_PENDING) return
    const sequence = ++this.#sequence
    this.inputs++
    this.#pending.push({ sequence, body })
    this.#toHost(connection, () => connection.seating?.input(sequence, body))
  }

  #toHost(connection: Connection, what: () => void): void {
    const { kernel } = this.#deps
    connection.lastArrival = Math.max(kernel.now + kernel.random() * TRIP, connection.lastArrival)
    kernel.after(connection.lastArrival - kernel.now, () => connection.host.process.deliver(what))
  }

  /** The connection breaks: the host notices it too. */
  #cut(connection: Connection): void {
    this.#over(connection)
    this.#toHost(connection, () => {
      connection.gone.abort()
      connection.seating?.leave()
    })
  }

  #over(connection: Connection): void {
    connection.over = true
    if (this.#connection === connection) this.#connection = undefined
  }
}
