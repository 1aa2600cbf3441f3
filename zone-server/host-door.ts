import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError, type ErrorCode } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import type { HeartbeatAnswer } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { readTicket } from '../core/ticket.ts'
import type { Spectator } from './audience.ts'
import { type Claim, type HeldHello, HeldHellos, type HelloLimits, notClaimed, notHere } from './held-hellos.ts'
import type { Layer } from './layer.ts'
import { banned, type Redeemer, readingAhead, redeem, type TicketHolder } from './redeem.ts'
import type { Seating } from './session.ts'

export interface HostDoorDeps extends Redeemer {
  readonly store: Pick<Store, 'head'>
  readonly timers: Timers
  readonly log: Log
  readonly isBarred?: (account: string) => boolean
  readonly helloLimits?: HelloLimits | undefined
  /** What this host serves under that name. */
  readonly served: (layer: string) => Layer | undefined
  /** What it is claiming under that name. */
  readonly claimed: (layer: string) => Claim | undefined
  /** In which generation the layer ended here; 0: it never did. */
  readonly endedIn: (layer: LayerId) => number
  /** The index should be asked what is this host's. */
  readonly ask: () => void
}

/** With which a client that waits is refused: nothing went wrong. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  ...(['TicketUnknown', 'TicketUsed', 'TicketExpired', 'LayerLost', 'ZoneWaking', 'Banned', 'SessionEnded'] as const),
])

/** Lets clients into the layers of a host: into one that is served at once; into one that is being claimed as soon as it is served. */
export class HostDoor {
  readonly #deps: HostDoorDeps
  readonly #hellos: HeldHellos<Layer>

  constructor(deps: HostDoorDeps) {
    this.#deps = deps
    this.#hellos = new HeldHellos(deps)
  }

  /** Clients that wait for layers which are not served yet. */
  get waiting(): number {
    return this.#hellos.count
  }

  /**
   * Lets a client in; `signal` aborts when it is gone. Throws TicketForOtherLayer when the ticket names another layer, LayerLost when the layer is not this host's, ZoneWaking when it could not be
   * opened (in time), and what the layer refuses with.
   */
  async admit(layer: string, text: string, spectator: Spectator, signal: AbortSignal): Promise<Seating> {
    const ticket = readTicket(text)
    if (ticket.layer !== undefined && ticket.layer !== layer)
      throw new BailiwickError('TicketForOtherLayer', {
        asked: layer.slice(0, 200),
        found: `a ticket for ${ticket.layer.slice(0, 200)}`,
        todo: 'join through the allocator',
      })
    const served = this.#deps.served(layer)
    if (served === undefined) return this.#admitWhenServed(layer, ticket.id, spectator, signal)
    return served.admit(() => redeem(this.#deps, { layer: served.id, generation: served.generation }, ticket.id), spectator)
  }

  /** A claim begins. */
  begun(claim: Claim): void {
    this.#hellos.begun(claim)
  }

  /** Its claim has ended well. */
  opened(layer: Layer): void {
    this.#hellos.served(layer.id, layer)
  }

  /** It is not this host's any more; `failed`: because its claim did. */
  over(layer: LayerId, failed: boolean): void {
    this.#hellos.over(layer, failed ? notClaimed(layer) : notHere(layer))
  }

  /** The host ends. */
  shut(): void {
    this.#hellos.refuseAll()
  }

  expel(isBarred: (account: string) => boolean): void {
    this.#hellos.expel(isBarred)
  }

  /** Those who wait for layers of which this host has not heard: before the index is asked what is this host's. */
  unheard(): readonly HeldHello<Layer>[] {
    return this.#hellos.unheard()
  }

  /** What came of it for those who waited when it was asked: the layers that are not named are not this host's. */
  settle(answer: HeartbeatAnswer, asked: readonly HeldHello<Layer>[]): void {
    if (!answer.known) return
    const isOurs = (layer: string): boolean =>
      answer.layers.some((named) => named.layer === layer && named.generation > this.#deps.endedIn(named.layer))
    this.#hellos.answered(asked, isOurs)
  }

  /** What the admission needs is read while the layer is claimed; nothing is written before it is served. */
  async #admitWhenServed(layer: string, ticket: string, spectator: Spectator, signal: AbortSignal): Promise<Seating> {
    const hello = this.#hellos.hold(layer, this.#deps.claimed(layer), signal)
    const redeeming = this.#redeemAhead(hello, ticket)
    // Of what comes after it was refused, or its client is gone, nobody is told below.
    hello.served.catch(() => redeeming.catch((error: unknown) => this.#untold(layer, error)))
    const [holder, served] = await Promise.all([redeeming, hello.served])
    return served.admit(async () => holder, spectator)
  }

  /** Those who run the host hear of what went wrong, if nobody else does. */
  #untold(layer: string, error: unknown): void {
    const code = error instanceof BailiwickError ? error.code : 'Internal'
    if (refusals.has(code)) return
    this.#deps.log.error({ layer: layer.slice(0, 200), code, error, detail: describeError(error) }, 'a ticket could not be redeemed')
  }

  async #redeemAhead(hello: HeldHello<Layer>, ticket: string): Promise<TicketHolder> {
    const claim = await hello.claimed
    try {
      const holder = await redeem(this.#deps, claim, ticket)
      if (this.#deps.isBarred?.(holder.account) === true) throw banned(claim.layer)
      hello.account = holder.account
      return readingAhead(holder, this.#deps.store)
    } catch (error) {
      // It is refused, and waits no longer.
      hello.end()
      throw error
    }
  }
}
