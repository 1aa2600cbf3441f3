import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError, type ErrorCode, isCode } from '../core/errors.ts'
import type { Log } from '../core/ports/log-port.ts'
import { type ClientMessage, decodeClientFrame, INPUT_BURST, INPUT_RATE, PROTOCOL_VERSION } from '../core/protocol/frame.ts'
import { type MoveFrame, readMove } from '../core/protocol/move-frame.ts'
import { MESSAGE_WAIT, REDIRECT_RETRY_AFTER, TOO_MANY_TOLD_EVERY } from '../core/timing.ts'
import type { Spectator } from './audience.ts'
import { playerBody } from './client-input.ts'
import { goodbyeFrame, pongFrame, redirectFrame, refusedFrame } from './outgoing.ts'
import type { PlayerBody } from './simulation/input.ts'
import { type BrokenReason, CLOSE, type Connection, type ConnectionHandler } from './transport/connection.ts'
import { TokenBucket } from './transport/token-bucket.ts'

/** A seat in a layer: where a session's inputs go. */
export interface Seating {
  input(sequence: number, body: PlayerBody): void
  /** The connection is gone. */
  leave(): void
}

/** What sessions count; codes and reasons are the program's own, so few. */
export interface SessionMeters {
  /** Something that a client sent was refused. */
  refused(code: ErrorCode): void
  /** This side ended a connection. */
  ended(reason: string): void
}

export interface SessionDeps {
  readonly timers: Timers
  readonly log: Log
  readonly meters?: SessionMeters
  /** Lets the client in by its ticket; the signal aborts when it is gone. Throws the refusal. */
  readonly admit: (layer: string, ticket: string, session: Spectator, signal: AbortSignal) => Promise<Seating>
}

/** So many messages may wait for the next state frame; with one more they go at once. */
const MAX_WAITING = 64
const noFrames: readonly Uint8Array[] = []
/** The move that is being read: inputs are taken over one at a time. */
const move: MoveFrame = { sequence: 0, vx: 0, vy: 0, seen: 0 }

/** One client's connection from hello to goodbye. Whatever it sends, it is answered or ended, and nobody else notices. */
export class Session implements ConnectionHandler, Spectator {
  readonly #connection: Connection
  readonly #deps: SessionDeps
  readonly #bucket: TokenBucket
  #greeted = false
  #ended = false
  #gone = false
  #seating: Seating | undefined
  /** Aborts when the client is gone before it is let in. */
  #comingIn: AbortController | undefined
  #toldTooManyAt = Number.NEGATIVE_INFINITY
  #seen = 0
  /** Undefined: none. */
  #waiting: Uint8Array[] | undefined
  #waits = false
  #flushDue: () => void = () => undefined

  constructor(connection: Connection, deps: SessionDeps) {
    this.#connection = connection
    this.#deps = deps
    this.#bucket = new TokenBucket(INPUT_RATE, INPUT_BURST, deps.timers.now())
  }

  get seen(): number {
    return this.#seen
  }

  get ready(): boolean {
    return !this.#ended && this.#connection.ready
  }

  frame(bytes: Uint8Array, from: number, to: number): void {
    if (this.#ended || (this.#greeted && !this.#mayGoOn(bytes, from, to))) return
    if (this.#seating !== undefined && readMove(bytes, from, to, move)) {
      this.#seen = move.seen
      if (move.sequence > 0) {
        this.#seating.input(move.sequence, { kind: 'move', vx: move.vx, vy: move.vy })
        return
      }
    }
    try {
      const message = decodeClientFrame(bytes.subarray(from, to))
      if (!this.#greeted) this.#hello(message)
      else this.#message(message)
    } catch (error) {
      this.#refuse(error)
      // Who does not speak the protocol at all is not listened to any longer.
      if (!this.#greeted) this.#end('Refused', CLOSE.policyViolation)
    }
  }

  late(): void {
    this.#refuse(new BailiwickError('HelloExpected', { found: 'nothing' }))
    this.#end('Refused', CLOSE.policyViolation)
  }

  broken(reason: BrokenReason, detail: string): void {
    this.#refuse(new BailiwickError(reason, { found: detail }))
    this.#flush()
  }

  closed(): void {
    this.#gone = true
    this.#ended = true
    this.#seating?.leave()
    this.#comingIn?.abort(new BailiwickError('SessionEnded', { found: 'the client is gone' }))
  }

  /** Before it is seated at once; then with the next state frame, or by themselves when none comes within MESSAGE_WAIT. */
  send(frames: readonly Uint8Array[]): void {
    if (this.#ended) return
    this.#waiting ??= []
    this.#waiting.push(...frames)
    if (this.#seating === undefined || this.#waiting.length > MAX_WAITING) this.#flush()
    else if (!this.#waits) {
      this.#waits = true
      this.#deps.timers.after(MESSAGE_WAIT, () => {
        this.#waits = false
        this.#flush()
      })
    }
  }

  takeWaiting(): readonly Uint8Array[] {
    const waiting = this.#waiting
    if (waiting === undefined) return noFrames
    this.#waiting = undefined
    return waiting
  }

  state(buffer: Buffer, from: number, to: number): boolean {
    return !this.#ended && this.#connection.sendInPlace(buffer, from, to)
  }

  beforeEnd(flush: () => void): void {
    this.#flushDue = flush
  }

  goodbye(reason: string): void {
    if (this.#ended) return
    this.#flushDue()
    this.#end(reason, CLOSE.normal)
  }

  redirect(reason: string): void {
    if (this.#ended) return
    this.#flushDue()
    // A layer that moves is opened elsewhere as soon as it is closed here: the allocator lets those wait who ask for it.
    this.send([redirectFrame(reason, reason === 'Drain' ? 0 : REDIRECT_RETRY_AFTER)])
    this.#flush()
  }

  #flush(): void {
    if (!this.#ended) this.#connection.send(this.takeWaiting())
  }

  #hello(message: ClientMessage): void {
    if (message.body.case !== 'hello') throw new BailiwickError('HelloExpected', { found: message.body.case ?? 'nothing' })
    const { layer, ticket, protocol } = message.body.value
    if (protocol !== PROTOCOL_VERSION) {
      throw new BailiwickError('ProtocolUnsupported', {
        found: `a client of protocol ${protocol}`,
        todo: `this host speaks protocol ${PROTOCOL_VERSION}: use a client of the same release`,
      })
    }
    this.#greeted = true
    const comingIn = new AbortController()
    this.#comingIn = comingIn
    this.#deps.admit(layer, ticket, this, comingIn.signal).then(
      (seating) => {
        this.#comingIn = undefined
        this.#seating = seating
        this.#connection.keep()
        if (this.#gone) seating.leave()
      },
      (error: unknown) => {
        // It is not let in because it is gone. Whatever else went wrong is told to those who run the host, if to nobody else.
        if (this.#gone && isCode(error, 'SessionEnded')) return
        this.#refuse(error)
        this.#end('Refused', CLOSE.policyViolation)
      },
    )
  }

  #message(message: ClientMessage): void {
    const { sequence, body } = message
    this.#seen = message.seen
    if (body.case === 'ack') return
    if (body.case === 'ping') {
      this.send([pongFrame(body.value.nonce)])
      return
    }
    try {
      if (this.#seating === undefined)
        throw new BailiwickError('HelloExpected', { found: body.case ?? 'nothing', todo: 'wait for the welcome' })
      if (sequence === 0)
        throw new BailiwickError('FrameInvalid', { found: 'an input without a sequence number', todo: 'number inputs from 1 on' })
      this.#seating.input(sequence, playerBody(message))
    } catch (error) {
      this.#refuse(error, sequence)
    }
  }

  /** False when it sends too fast: then it is told so now and then, and what it sent is not even looked at. */
  #mayGoOn(bytes: Uint8Array, from: number, to: number): boolean {
    const now = this.#deps.timers.now()
    if (this.#bucket.take(now)) return true
    if (now - this.#toldTooManyAt >= TOO_MANY_TOLD_EVERY) {
      this.#toldTooManyAt = now
      this.#refuse(
        new BailiwickError('TooManyRequests', { todo: `send at most ${INPUT_RATE} messages a second` }),
        sequenceOf(bytes.subarray(from, to)),
      )
    }
    return false
  }

  #refuse(error: unknown, sequence = 0): void {
    this.#deps.meters?.refused(error instanceof BailiwickError ? error.code : 'Internal')
    if (error instanceof BailiwickError) {
      this.send([refusedFrame(error, sequence)])
      return
    }
    this.#deps.log.error({ error, detail: describeError(error) }, 'a client could not be served')
    this.send([refusedFrame(new BailiwickError('Internal'), sequence)])
  }

  #end(reason: string, code: number): void {
    if (this.#ended) return
    this.#deps.meters?.ended(reason)
    this.#waiting ??= []
    this.#waiting.push(goodbyeFrame(reason))
    this.#flush()
    this.#ended = true
    this.#connection.close(code, reason)
  }
}

function sequenceOf(bytes: Uint8Array): number {
  try {
    return decodeClientFrame(bytes).sequence
  } catch {
    // What can't be read has no number.
    return 0
  }
}
