import type { Clock } from '../core/clock.ts'
import { BailiwickError, describeError, isCode } from '../core/errors.ts'
import type { ServerMessage } from '../core/protocol/frame.ts'
import { CLIENT_LEAVE_DEADLINE, CLIENT_PATIENCE, CLIENT_RECONNECT_MAX } from '../core/timing.ts'
import type { JoinAnswer } from './answers.ts'
import { pause, retryDelay } from './backoff.ts'
import type { Connect } from './connection.ts'
import { Conversation, type Outcome } from './conversation.ts'
import { endError, type SessionEnd, type SessionStatus, type ZoneHandlers } from './handlers.ts'
import type { Input } from './inputs.ts'
import { takeMessage } from './messages.ts'
import { Sender } from './sender.ts'
import { PendingTells, type TellOutcome } from './tells.ts'
import { verdictOf } from './verdict.ts'
import { type Welcome, ZoneView } from './view.ts'

export type Unreached = Pick<JoinAnswer, 'layer' | 'epoch' | 'generation'>

export interface ZoneSessionDeps {
  /** Asks the allocator for a place and a ticket; `unreached` is the place it gave before, where nobody answered. */
  readonly join: (unreached: Unreached | undefined, signal: AbortSignal) => Promise<JoinAnswer>
  readonly connect: Connect
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
}

/** What a host ends a connection with that may keep up the next time: its machine or network had too much to do. */
const comesBack: ReadonlySet<string> = new Set(['TooSlow'])

/**
 * A character's stay in a zone, over as many connections as it takes: joins again by itself, with jittered back-off, when a connection is lost or redirected,
 * until leave(), close(), the host's goodbye or a refusal that trying again can't change.
 */
export class ZoneSession {
  /** What the character sees now. */
  readonly view = new ZoneView()
  /** Settles when the session is over, and never rejects. */
  readonly ended: Promise<SessionEnd>
  readonly #deps: ZoneSessionDeps
  readonly #handlers: ZoneHandlers
  readonly #sender: Sender
  readonly #tells: PendingTells
  readonly #stop = new AbortController()
  readonly #firstWelcome = Promise.withResolvers<Welcome>()
  #conversation: Conversation | undefined
  #playing = false
  #leaving = false
  #end: SessionEnd | undefined
  /** Where the last connection was tried; undefined when the host spoke. */
  #unreached: Unreached | undefined
  #attempt = 0
  #impatientSince: number | undefined

  constructor(deps: ZoneSessionDeps, handlers: ZoneHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#sender = new Sender(deps.clock)
    this.#tells = new PendingTells(Math.floor(deps.random() * 2 ** 32))
    // Who does not ask for ready() hears of a failure by `ended`.
    this.#firstWelcome.promise.catch(() => undefined)
    this.ended = this.#run()
  }

  /** The first welcome. Rejects with what the session ended with, if it ended before. */
  ready(): Promise<Welcome> {
    return this.#firstWelcome.promise
  }

  /** True while a host has welcomed us and the connection stands. */
  get playing(): boolean {
    return this.#playing
  }

  /** Inputs that the server has not acknowledged. */
  get unacknowledged(): number {
    return this.#sender.inputs.size
  }

  /** Wanted velocity in millimetres a second, held until the next; (0, 0) stands still. A character whose connection was lost stands still when it is back. */
  move(vx: number, vy: number): void {
    this.#push({ case: 'move', value: { vx: Math.round(vx), vy: Math.round(vy) } })
  }

  say(text: string): void {
    this.#push({ case: 'say', value: { text } })
  }

  /** `unknown`: there is nobody of that name in the zone, or no answer came in time or before the session ended. */
  tell(to: string, text: string): Promise<TellOutcome> {
    const { id, outcome } = this.#tells.begin()
    try {
      this.#push({ case: 'tell', value: { to, text, id } })
    } catch (error) {
      this.#tells.settle(id, 'unknown')
      throw error
    }
    return outcome
  }

  /** An item on the ground, by its entity's id. */
  pickUp(entity: number): void {
    this.#push({ case: 'pickUp', value: { entity } })
  }

  /** An item of the inventory, by its id. */
  drop(item: string): void {
    this.#push({ case: 'drop', value: { item } })
  }

  /** An item of the inventory, by its id, to an avatar within reach, by its entity's id. */
  give(item: string, to: number): void {
    this.#push({ case: 'give', value: { item, to } })
  }

  /** A gesture that everybody near sees; which number is which is written in bailiwick.proto. */
  emote(emote: number): void {
    this.#push({ case: 'emote', value: { emote } })
  }

  look(): void {
    this.#push({ case: 'look', value: {} })
  }

  ping(): void {
    this.#conversation?.ping()
  }

  /** Leaves the zone: the character is checked in. Without a connection it ends at once; the host then notices the absence by itself. */
  leave(): Promise<SessionEnd> {
    if (this.#leaving || this.#end !== undefined) return this.ended
    this.#leaving = true
    if (!this.#playing) this.#finish({ reason: 'left' })
    else {
      const limit = setTimeout(() => this.#finish({ reason: 'left' }), CLIENT_LEAVE_DEADLINE)
      void this.ended.then(() => clearTimeout(limit))
      this.#push({ case: 'leave', value: {} })
    }
    return this.ended
  }

  /** Ends the session here and now, as a broken connection would. */
  close(): Promise<SessionEnd> {
    this.#finish({ reason: 'closed' })
    return this.ended
  }

  async #run(): Promise<SessionEnd> {
    // The constructor returns first, so that handlers find the session.
    await Promise.resolve()
    while (this.#end === undefined) {
      try {
        await this.#next(await this.#once())
      } catch (error) {
        if (this.#end === undefined) await this.#failed(error)
      }
    }
    this.#tells.end()
    this.#firstWelcome.reject(endError(this.#end))
    this.#status({ state: 'ended', end: this.#end })
    return this.#end
  }

  /** One join and one connection, to its end. */
  async #once(): Promise<Outcome> {
    this.#status({ state: 'joining' })
    const join = await this.#join()
    this.#unreached = placeOf(join)
    let welcomedAt: number | undefined
    const conversation = new Conversation(
      join,
      {
        onWelcome: (welcome) => {
          welcomedAt = this.#deps.clock.now()
          return this.#onWelcome(welcome)
        },
        onMessage: (body) => this.#onMessage(body),
        onState: (frame) => {
          this.#sender.inputs.acknowledged(frame.acknowledged)
          const change = this.view.state(frame)
          if (change === undefined) return
          if (change.vanished.length > 0) this.#call(() => this.#handlers.vanished?.(change.vanished))
          if (change.appeared.length > 0) this.#call(() => this.#handlers.appeared?.(change.appeared))
          this.#call(() => this.#handlers.state?.(frame))
        },
        seen: () => this.view.tick,
      },
      this.#deps.clock,
    )
    this.#conversation = conversation
    try {
      return await conversation.run(this.#deps.connect, this.#stop.signal)
    } finally {
      this.#playing = false
      this.#sender.end()
      if (conversation.heard) this.#unreached = undefined
      this.#conversation = undefined
      // A host that takes us and drops us at once must not be asked without pause.
      if (welcomedAt !== undefined && this.#deps.clock.now() - welcomedAt >= CLIENT_RECONNECT_MAX) this.#attempt = 0
    }
  }

  /** An allocator of an earlier release refuses a place that is told with more than it knows of: then it is left untold. */
  async #join(): Promise<JoinAnswer> {
    try {
      return await this.#deps.join(this.#unreached, this.#stop.signal)
    } catch (error) {
      if (this.#unreached === undefined || !isCode(error, 'InvalidInput')) throw error
      this.#unreached = undefined
      return await this.#deps.join(undefined, this.#stop.signal)
    }
  }

  async #next(outcome: Outcome): Promise<void> {
    if (this.#leaving) {
      if (outcome.kind === 'goodbye') this.#call(() => this.#handlers.goodbye?.(outcome.reason))
      this.#finish({ reason: 'left' })
    } else if (outcome.kind === 'goodbye' && !comesBack.has(outcome.reason)) {
      this.#call(() => this.#handlers.goodbye?.(outcome.reason))
      this.#finish({ reason: 'goodbye', said: outcome.reason })
    } else if (outcome.kind === 'redirect') {
      this.#call(() => this.#handlers.redirect?.(outcome.reason))
      await this.#wait(outcome.retryAfterMs, `redirected: ${outcome.reason}`)
    } else {
      await this.#wait(undefined, `${outcome.kind === 'goodbye' ? 'ended by the host' : 'connection lost'}: ${outcome.reason}`)
    }
  }

  async #failed(error: unknown): Promise<void> {
    const known = error instanceof BailiwickError ? error : new BailiwickError('Internal', { found: describeError(error), cause: error })
    const verdict = verdictOf(error, this.view.welcome !== undefined)
    const now = this.#deps.clock.now()
    if (verdict === 'patient') this.#impatientSince ??= now
    const outOfPatience = verdict === 'patient' && now - (this.#impatientSince ?? now) > CLIENT_PATIENCE
    if (verdict === 'final' || outOfPatience) this.#finish({ reason: 'refused', error: known })
    else await this.#wait(known.retryAfterMs, known.message, known)
  }

  async #wait(retryAfterMs: number | undefined, because: string, error?: BailiwickError): Promise<void> {
    const forMs = retryDelay(this.#attempt++, retryAfterMs, this.#deps.random())
    this.#status({ state: 'waiting', forMs, because, ...(error === undefined ? {} : { error }) })
    await pause(forMs, this.#stop.signal)
  }

  #onWelcome(welcome: Welcome): boolean {
    if (!this.view.welcomed(welcome)) return false
    this.#impatientSince = undefined
    this.#playing = true
    this.#firstWelcome.resolve(welcome)
    this.#status({ state: 'playing' })
    this.#call(() => this.#handlers.welcome?.(welcome))
    this.#sender.begin(welcome.acknowledged, {
      send: (frame) => this.#conversation?.send(frame),
      seen: () => this.view.tick,
    })
    return true
  }

  #onMessage(body: ServerMessage['body']): void {
    const handle = takeMessage(body, { view: this.view, inputs: this.#sender.inputs, tells: this.#tells }, this.#handlers)
    if (handle !== undefined) this.#call(handle)
  }

  #push(input: Input): void {
    if (this.#end !== undefined)
      throw new BailiwickError('InvalidInput', { asked: input.case, found: 'a session that has ended', todo: 'join again' })
    this.#sender.push(input)
  }

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#stop.abort(new BailiwickError('SessionEnded', { found: `the stay in the zone is over: ${end.reason}` }))
  }

  #status(status: SessionStatus): void {
    this.#call(() => this.#handlers.status?.(status))
  }

  #call(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** What the allocator knows the place again by. Who never says Waking knows no generation. */
function placeOf({ layer, state, epoch, generation }: JoinAnswer): Unreached {
  return state === 'Waking' && generation !== undefined ? { layer, epoch, generation } : { layer, epoch }
}
