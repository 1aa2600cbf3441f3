import type { Timers } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import { HEARTBEAT_EVERY, HELLO_ASK_EVERY, HELLO_HOLD_LIMIT, HELLO_UNHEARD_LIMIT } from '../core/timing.ts'
import { banned } from './redeem.ts'

/** So many hellos may wait for layers of which this host has not heard: they have shown no ticket that counts. */
const MAX_UNHEARD = 1_024

/** How long a hello is held, ms. */
export interface HelloLimits {
  /** For a layer that is being claimed here. Default: HELLO_HOLD_LIMIT. */
  readonly claimed: number
  /** For a layer of which this host has not heard. Default: HELLO_UNHEARD_LIMIT. */
  readonly unheard: number
}

const standardLimits: HelloLimits = { claimed: HELLO_HOLD_LIMIT, unheard: HELLO_UNHEARD_LIMIT }

export interface HeldHellosDeps {
  readonly timers: Timers
  readonly helloLimits?: HelloLimits | undefined
  /** The index should be asked what is this host's. */
  readonly ask: () => void
}

export interface Claim {
  readonly layer: LayerId
  readonly generation: number
}

/** A client that said hello before its layer is served here. */
export interface HeldHello<Served> {
  /** For which it waits, as its client named it. */
  readonly layer: string
  /** The layer is being claimed here. Rejects with the refusal. */
  readonly claimed: Promise<Claim>
  /** The layer is served here. Rejects with the refusal. */
  readonly served: Promise<Served>
  /** Whose it is, once that is known. */
  account: string | undefined
  /** It waits no longer. */
  end(): void
}

interface Held<Served> extends HeldHello<Served> {
  /** False: this host has not heard that the layer is its own. */
  heard: boolean
  begin(claim: Claim): void
  open(served: Served): void
  refuse(error: BailiwickError): void
  /** Stops what runs until it may wait no longer. */
  cancel: () => void
}

/**
 * Hellos of clients that were sent here while their layer is still being claimed: tickets are given with the placement. Each is held until the layer is served or its claim is over, HELLO_HOLD_LIMIT at the longest, or
 * until its client is gone. One that comes before this host heard of the assignment makes it ask the index, which settles it with the next answer.
 */
export class HeldHellos<Served> {
  readonly #deps: HeldHellosDeps
  readonly #held = new Set<Held<Served>>()
  readonly #limits: HelloLimits
  #askedAt = Number.NEGATIVE_INFINITY
  /** From one ask to the next, ms: longer while nothing comes of them. */
  #askEvery = HELLO_ASK_EVERY
  /** An ask that was put off; undefined: none. */
  #askingLater: (() => void) | undefined

  constructor(deps: HeldHellosDeps) {
    this.#deps = deps
    this.#limits = deps.helloLimits ?? standardLimits
  }

  get count(): number {
    return this.#held.size
  }

  /** Those of whose layers this host has not heard. */
  unheard(): readonly HeldHello<Served>[] {
    return [...this.#held].filter(({ heard }) => !heard)
  }

  /** Holds one until the layer is served; `claim`: it is being claimed already. Throws LayerLost when too many wait for layers that nobody has heard of. */
  hold(layer: string, claim: Claim | undefined, signal: AbortSignal): HeldHello<Served> {
    signal.throwIfAborted()
    if (claim === undefined && this.unheard().length >= MAX_UNHEARD) throw notHere(layer)
    const held = this.#add(layer, signal)
    if (claim !== undefined) held.begin(claim)
    else {
      held.cancel = this.#deps.timers.after(this.#limits.unheard, () => held.refuse(notHere(layer)))
      this.#ask()
    }
    return held
  }

  /** A claim begins here. */
  begun(claim: Claim): void {
    for (const held of this.#of(claim.layer)) held.begin(claim)
  }

  /** The layer is served here. */
  served(layer: LayerId, served: Served): void {
    for (const held of this.#of(layer)) held.open(served)
  }

  /** Its claim here is over, or nothing comes of it. */
  over(layer: LayerId, error: BailiwickError): void {
    for (const held of this.#of(layer)) held.refuse(error)
  }

  /** The index was asked when these waited for layers that this host had not heard of; it still has not, but for those of which that is said here. */
  answered(asked: readonly HeldHello<Served>[], isOurs: (layer: string) => boolean): void {
    if (asked.length === 0) return
    // Heartbeats come so often anyway: hellos of strangers bring the index next to nothing.
    this.#askEvery = asked.some(({ layer }) => isOurs(layer)) ? HELLO_ASK_EVERY : Math.min(this.#askEvery * 2, HEARTBEAT_EVERY)
    const waited = new Set(asked)
    for (const held of this.#held) if (!held.heard && waited.has(held) && !isOurs(held.layer)) held.refuse(notHere(held.layer))
  }

  /** Those of barred accounts, as far as it is known whose they are. */
  expel(isBarred: (account: string) => boolean): void {
    for (const held of this.#held) if (held.account !== undefined && isBarred(held.account)) held.refuse(banned(held.layer))
  }

  /** Nobody is served any more. */
  refuseAll(): void {
    this.#askingLater?.()
    this.#askingLater = undefined
    for (const held of this.#held) held.refuse(notHere(held.layer))
  }

  #of(layer: LayerId): readonly Held<Served>[] {
    return [...this.#held].filter((held) => held.layer === layer)
  }

  #add(layer: string, signal: AbortSignal): Held<Served> {
    const { timers } = this.#deps
    const claimed = Promise.withResolvers<Claim>()
    const served = Promise.withResolvers<Served>()
    // Whoever waits for one of them hears of it.
    for (const { promise } of [claimed, served]) promise.catch(() => undefined)
    const gone = (): void => held.refuse(new BailiwickError('SessionEnded', { asked: layer.slice(0, 200), found: 'the client is gone' }))
    const end = (): void => {
      held.cancel()
      signal.removeEventListener('abort', gone)
      this.#held.delete(held)
    }
    const held: Held<Served> = {
      ...{ layer, claimed: claimed.promise, served: served.promise, account: undefined, heard: false, cancel: () => undefined, end },
      begin: (claim) => {
        held.cancel()
        held.heard = true
        held.cancel = timers.after(this.#limits.claimed, () => held.refuse(stillWaking(claim.layer, this.#limits.claimed)))
        claimed.resolve(claim)
      },
      open: (layer) => {
        end()
        served.resolve(layer)
      },
      refuse: (error) => {
        end()
        claimed.reject(error)
        served.reject(error)
      },
    }
    signal.addEventListener('abort', gone, { once: true })
    this.#held.add(held)
    return held
  }

  /** Whoever likes can say hello: what that asks of the index is bounded. One that comes too early is put off, all that do together. */
  #ask(): void {
    if (this.#askingLater !== undefined) return
    const { timers, ask } = this.#deps
    const now = timers.now()
    // The clock may jump.
    const passed = Math.abs(now - this.#askedAt)
    if (passed >= this.#askEvery) {
      this.#askedAt = now
      ask()
      return
    }
    this.#askingLater = timers.after(this.#askEvery - passed, () => {
      this.#askingLater = undefined
      if (this.unheard().length > 0) this.#ask()
    })
  }
}

/** The refusal of a layer that is not this host's. */
export function notHere(layer: string): BailiwickError {
  return new BailiwickError('LayerLost', {
    asked: layer.slice(0, 200),
    found: 'a host that does not serve it',
    todo: 'join through the allocator',
  })
}

/** The refusal of a layer that could not be brought back here: it is tried again, here or elsewhere. */
export function notClaimed(layer: LayerId): BailiwickError {
  return waking(layer, 'a host that had to give it up')
}

function stillWaking(layer: LayerId, afterMs: number): BailiwickError {
  return waking(layer, `a layer that is not open after ${afterMs} ms`)
}

function waking(layer: LayerId, found: string): BailiwickError {
  return new BailiwickError('ZoneWaking', { asked: layer, found, todo: 'join again through the allocator' })
}
