import type { Clock } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import {
  decodeServerMessage,
  decodeServerPayload,
  encodeClientMessage,
  FRAME_MESSAGE,
  FRAME_STATE,
  PROTOCOL_VERSION,
  type ServerMessage,
} from '../core/protocol/frame.ts'
import { decodeStateFrame, type StateFrame } from '../core/protocol/state-frame.ts'
import { CLIENT_ACK_EVERY, CLIENT_PING_AFTER, CLIENT_PONG_DEADLINE, CLIENT_WELCOME_DEADLINE } from '../core/timing.ts'
import type { JoinAnswer } from './answers.ts'
import { type Connect, type Connection, connectToAny } from './connection.ts'
import { remoteError } from './problem.ts'
import type { Welcome } from './view.ts'

/** How one connection ended. `lost`: it broke. */
export type Outcome =
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'redirect'; readonly reason: string; readonly retryAfterMs: number }
  | { readonly kind: 'goodbye'; readonly reason: string }

export interface ConversationEvents {
  /** The first message of a connection. False: this host is not to be believed, and the connection ends. */
  onWelcome(welcome: Welcome): boolean
  onMessage(body: ServerMessage['body']): void
  onState(frame: StateFrame): void
  /** The tick of the newest state that was taken over. */
  seen(): number
}

/** So often it is looked whether the other side still lives, ms. */
const WATCHDOG_EVERY = 500

/**
 * One connection to a host, from the hello to its end: watches that the host lives, reads its frames, and says how it ended. What the messages mean is the
 * session's business.
 */
export class Conversation {
  readonly #join: JoinAnswer
  readonly #events: ConversationEvents
  readonly #clock: Clock
  readonly #ended = Promise.withResolvers<Outcome>()
  #connection: Connection | undefined
  #over = false
  #welcomed = false
  #heard = false
  #openedAt = 0
  #sentAt = 0
  #heardAt = 0
  #pingedAt: number | undefined
  #nonce = 0

  constructor(join: JoinAnswer, events: ConversationEvents, clock: Clock) {
    this.#join = join
    this.#events = events
    this.#clock = clock
  }

  /** Connects, says hello and stays until the end. Throws what the host refused the hello with, Unreachable, Timeout, or the signal's reason. */
  async run(connect: Connect, signal: AbortSignal): Promise<Outcome> {
    const onAbort = (): void => this.#fail(signal.reason)
    const connection = await connectToAny(
      connect,
      this.#join.endpoints,
      { onFrame: (frame) => this.#onFrame(frame), onClose: (reason) => this.#lost(reason) },
      signal,
    )
    this.#connection = connection
    this.#openedAt = this.#clock.now()
    this.#heardAt = this.#openedAt
    signal.addEventListener('abort', onAbort)
    const watchdog = setInterval(() => this.#watch(), WATCHDOG_EVERY)
    try {
      signal.throwIfAborted()
      const { layer, ticket } = this.#join
      this.send(encodeClientMessage({ sequence: 0, body: { case: 'hello', value: { layer, ticket, protocol: PROTOCOL_VERSION } } }))
      return await this.#ended.promise
    } finally {
      clearInterval(watchdog)
      signal.removeEventListener('abort', onAbort)
      this.#over = true
      connection.close()
    }
  }

  /** False when the host never said a word, or fell silent. */
  get heard(): boolean {
    return this.#heard
  }

  /** Sends a frame, if the connection still is. */
  send(frame: Uint8Array): void {
    if (this.#over) return
    this.#sentAt = this.#clock.now()
    this.#connection?.send(frame)
  }

  ping(): void {
    this.#nonce += 1
    this.#sendPlain({ case: 'ping', value: { nonce: this.#nonce } })
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#over) return
    this.#heard = true
    this.#heardAt = this.#clock.now()
    this.#pingedAt = undefined
    try {
      if (frame[0] === FRAME_STATE) this.#onState(decodeStateFrame(frame))
      else if (frame[0] === FRAME_MESSAGE) this.#onBody(decodeServerMessage(frame).body)
      else throw new BailiwickError('FrameInvalid', { found: `first byte ${frame[0] ?? 'none'}` })
    } catch (error) {
      // Another version or not a host at all: this connection is of no use, the next may be.
      this.#lost(error instanceof Error ? error.message : 'a frame that can not be read')
    }
  }

  #onState(frame: StateFrame): void {
    // One of them may end the conversation.
    for (const message of frame.messages) if (!this.#over) this.#onBody(decodeServerPayload(message).body)
    if (!this.#welcomed || this.#over) return
    this.#events.onState(frame)
    // Not only by the watchdog: where timers are slowed down, as in a page in the background, frames still come in time.
    if (this.#clock.now() - this.#sentAt >= CLIENT_ACK_EVERY) this.#sendPlain({ case: 'ack', value: {} })
  }

  #onBody(body: ServerMessage['body']): void {
    if (body.case === 'redirect') this.#end({ kind: 'redirect', reason: body.value.reason, retryAfterMs: body.value.retryAfterMs })
    else if (body.case === 'goodbye') this.#end({ kind: 'goodbye', reason: body.value.reason })
    else if (body.case === 'welcome') this.#onWelcome(body.value)
    else if (this.#welcomed) this.#events.onMessage(body)
    else if (body.case === 'refused') this.#fail(remoteError(body.value.code, body.value.message, 'Internal'))
  }

  #onWelcome(welcome: Welcome): void {
    if (welcome.layer !== this.#join.layer || !this.#events.onWelcome(welcome)) {
      const found = `a welcome to ${welcome.layer} in epoch ${welcome.epoch}`
      this.#fail(new BailiwickError('LayerLost', { asked: this.#join.layer, found, todo: 'the allocator knows who serves it now' }))
      return
    }
    this.#welcomed = true
  }

  #watch(): void {
    const now = this.#clock.now()
    if (!this.#welcomed && now - this.#openedAt > CLIENT_WELCOME_DEADLINE) {
      this.#fail(
        new BailiwickError('Timeout', { asked: `hello to ${this.#join.layer}`, found: `no welcome in ${CLIENT_WELCOME_DEADLINE} ms` }),
      )
    } else if (this.#pingedAt !== undefined && now - this.#pingedAt > CLIENT_PONG_DEADLINE) {
      this.#heard = false
      this.#lost(`nothing heard for ${now - this.#heardAt} ms`)
    } else if (this.#welcomed && this.#pingedAt === undefined && now - this.#heardAt > CLIENT_PING_AFTER) {
      this.#pingedAt = now
      this.ping()
    } else if (this.#welcomed && now - this.#sentAt > CLIENT_ACK_EVERY - WATCHDOG_EVERY) {
      this.#sendPlain({ case: 'ack', value: {} })
    }
  }

  /** What is no input, and says what was seen. */
  #sendPlain(body: NonNullable<Parameters<typeof encodeClientMessage>[0]['body']>): void {
    this.send(encodeClientMessage({ sequence: 0, body, seen: this.#events.seen() }))
  }

  #lost(reason: string): void {
    this.#end({ kind: 'lost', reason })
  }

  #end(outcome: Outcome): void {
    this.#over = true
    this.#ended.resolve(outcome)
  }

  #fail(error: unknown): void {
    this.#over = true
    this.#ended.reject(error)
  }
}
