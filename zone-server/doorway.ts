import { chains } from '../core/chains.ts'
import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import { type FleetId, type LayerId, parseLayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { RELEASE_WAIT } from '../core/timing.ts'
import { type Admission, takeCharacter } from './admission.ts'
import type { Audience, Spectator } from './audience.ts'
import { withDeadline } from './deadline.ts'
import type { InputQueue } from './input-queue.ts'
import { refusedFrame } from './outgoing.ts'
import { banned, type TicketHolder } from './redeem.ts'
import type { Releases } from './releases.ts'
import { retrying } from './retry.ts'
import type { Seating } from './session.ts'
import type { LayerState } from './simulation/state.ts'

export interface DoorwayDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly fleet: FleetId
  readonly log: Log
  readonly timers: Timers
  readonly epoch: () => number
  readonly state: LayerState
  readonly inputs: InputQueue
  readonly audience: Audience
  readonly releases: Releases
  readonly signal: AbortSignal
  readonly maxPlayers: () => number
  readonly isBarred: (account: string) => boolean
  /** False from the moment the layer begins to close. */
  readonly isOpen: () => boolean
}

/** So often somebody else may leave while a character is looked up, before the join is given up. */
const ATTEMPTS = 5

/** Lets clients into a layer: ticket, character chain, seat. */
export class Doorway {
  readonly #deps: DoorwayDeps
  /** Joins under way; those of one character one after another. */
  readonly #joins = new Map<string, Promise<unknown>>()
  #busy = 0
  /** Characters on the way in, by whether their join is in the queue: they count as players already. */
  readonly #arriving = new Map<string, boolean>()
  /** How many have left this layer. */
  #departures = 0

  constructor(deps: DoorwayDeps) {
    this.#deps = deps
  }

  /** True while somebody is on the way in. */
  get busy(): boolean {
    return this.#busy > 0
  }

  /** Somebody has left the simulation. */
  departed(): void {
    this.#departures++
  }

  /** After a tick: whose join was in the queue is in by now. */
  afterTick(): void {
    for (const [character, queued] of this.#arriving) if (queued) this.#arriving.delete(character)
  }

  /** Lets a client in whose ticket is used up by `redeem`; its welcome comes with the next tick. Throws the refusal. */
  async admit(redeem: () => Promise<TicketHolder>, spectator: Spectator): Promise<Seating> {
    this.#busy++
    try {
      this.#assertOpen()
      const holder = await redeem()
      return await this.#inTurn(holder.character, () => this.#enter(holder, spectator))
    } finally {
      this.#busy--
    }
  }

  async #inTurn<T>(character: string, work: () => Promise<T>): Promise<T> {
    const before = this.#joins.get(character) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#joins.set(character, mine)
    try {
      return await mine
    } finally {
      if (this.#joins.get(character) === mine) this.#joins.delete(character)
    }
  }

  async #enter(holder: TicketHolder, spectator: Spectator): Promise<Seating> {
    const { state, inputs, audience, signal, isBarred } = this.#deps
    const { account, character } = holder
    // Before the character is held here: one that was taken comes in, and is sent away as a resident.
    if (isBarred(account)) throw banned(state.layer)
    const admission = await this.#take(holder)
    // Lost meanwhile: the character is held for this layer, whoever serves it, and adopted there. Closing meanwhile: it comes in, and out with the others.
    if (signal.aborted) throw this.#closed()
    if (admission.do === 'resident') inputs.layer({ kind: 'linkUp', character })
    else {
      // A resident of another version is a leftover of a time when the character was another's.
      if (state.players.has(character)) inputs.layer({ kind: 'forget', character })
      inputs.layer({ kind: 'join', arrival: admission.arrival })
      this.#arriving.set(character, true)
      void this.#record(account, character, admission.arrival.version, state.layer)
    }
    const seat = audience.seat(character, spectator)
    return {
      input: (sequence, body) => {
        if (!seat.seated || inputs.player(character, sequence, body)) return
        spectator.send([refusedFrame(tooManyWait(state.layer), sequence)])
      },
      leave: () => {
        if (audience.unseat(character, spectator)) inputs.layer({ kind: 'linkDead', character })
      },
    }
  }

  /** Makes the character this layer's, when what it left here before is settled and there is room. */
  async #take({ account, character, ahead }: TicketHolder): Promise<Admission> {
    const { state, store, releases, timers } = this.#deps
    const residentVersion = (): number | undefined => state.players.get(character)?.version
    // The index may not know: whoever held it died before it said so, or the index forgot. Then no join would ever be sent to where the character is.
    const onElsewhere = (layer: LayerId, version: number): void => void this.#record(account, character, version, layer)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      await withDeadline(releases.settled(character), RELEASE_WAIT, timers, () => stillLeaving(character))
      this.#assertOpen()
      this.#makeRoom(character)
      const departures = this.#departures
      try {
        const admission = await takeCharacter(
          { layer: state.layer, epoch: this.#deps.epoch(), account, character, now: timers.now(), residentVersion, onElsewhere },
          store,
          attempt === 1 ? await ahead : undefined,
        )
        // It may have left and been released since its chain was read: what was read is then a past, and must not be lived twice.
        if (admission.do === 'resident' || admission.fresh || departures === this.#departures) return admission
      } finally {
        this.#arriving.delete(character)
      }
    }
    throw stillLeaving(character)
  }

  #makeRoom(character: string): void {
    const { state } = this.#deps
    const players = state.players.size + this.#arriving.size
    if (!state.players.has(character) && players >= this.#deps.maxPlayers()) {
      throw new BailiwickError('ZoneFull', { asked: state.layer, found: `${players} players`, todo: 'join again later' })
    }
    this.#arriving.set(character, false)
  }

  /** Tells the index where the character is and drops what is behind the head of its chain. Neither may hold the join up. */
  async #record(account: string, character: string, version: number, layer: LayerId): Promise<void> {
    const { index, store, log, timers, signal } = this.#deps
    const location = { state: 'InZone', zone: parseLayerId(layer).zone, layer, account } as const
    try {
      await retrying(() => index.setLocation(character, version, location), { what: 'location', log, timers, signal, attempts: 20 })
      await store.prune(chains.character(character), version)
    } catch (error) {
      if (!signal.aborted)
        log.warn({ character, detail: describeError(error) }, 'the index was not told where a character is, or its chain not pruned')
    }
  }

  #assertOpen(): void {
    if (!this.#deps.isOpen()) throw this.#closed()
  }

  #closed(): BailiwickError {
    return new BailiwickError('LayerLost', {
      asked: this.#deps.state.layer,
      found: 'a layer that closes or is another host’s',
      todo: 'join through the allocator',
    })
  }
}

function tooManyWait(layer: string): BailiwickError {
  return new BailiwickError('DataHeld', {
    asked: `an input to ${layer}`,
    found: 'too many that wait',
    todo: 'send it again later',
    retryAfterMs: 1_000,
  })
}

function stillLeaving(character: string): BailiwickError {
  return new BailiwickError('StoreUnavailable', {
    asked: `a join of ${character}`,
    found: 'its last stay here is not stored yet',
    todo: 'join again',
    retryAfterMs: 1_000,
  })
}
