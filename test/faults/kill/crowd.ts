import { randomUUID } from 'node:crypto'
import type { Connect } from '../../../client/connection.ts'
import { ZoneSession } from '../../../client/zone-session.ts'
import { systemClock } from '../../../core/clock.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { inventoryOf } from '../../../zone-server/simulation/state.ts'
import { ACCOUNT } from '../simulator/characters.ts'
import { type LayerHistory, Violation } from '../simulator/history.ts'
import { FLEET } from '../simulator/host.ts'

export interface CrowdDeps {
  readonly index: ZoneIndex
  readonly history: LayerHistory
  readonly connect: Connect
  readonly random: () => number
}

/** A place is asked for again after so long, milliseconds. */
const ASK_EVERY = 10

/** One who plays through the client library over a real connection, and remembers what it was told was done. */
export class Player {
  readonly character: string
  readonly session: ZoneSession
  readonly #deps: CrowdDeps
  #said = 0
  /** What it said and heard itself say: confirmed, for it left the host. */
  readonly heard = new Set<string>()
  acknowledged = 0
  welcomes = 0

  constructor(character: string, deps: CrowdDeps) {
    this.character = character
    this.#deps = deps
    const own = `${character} `
    this.session = new ZoneSession(
      {
        join: (_unreached, signal) => this.#join(signal),
        connect: deps.connect,
        clock: systemClock,
        // No back-off: what is tested is the host, and it is killed all the time.
        random: () => 0,
      },
      {
        welcome: ({ acknowledged }) => {
          this.welcomes++
          this.acknowledged = Math.max(this.acknowledged, acknowledged)
        },
        state: ({ acknowledged }) => {
          this.acknowledged = Math.max(this.acknowledged, acknowledged)
        },
        said: (_from, text) => {
          if (text.startsWith(own)) this.heard.add(text)
        },
      },
    )
  }

  /** Does something. A client with too much that is not acknowledged waits, as a person would. */
  act(): void {
    const { random, history } = this.#deps
    if (this.session.unacknowledged > 200) return
    const roll = random()
    const self = history.state.players.get(this.character)
    const carried = self === undefined ? [] : inventoryOf(history.state, self)
    if (roll < 0.4) this.session.say(`${this.character} ${++this.#said}`)
    else if (roll < 0.6) this.session.move(Math.floor(random() * 6_000) - 3_000, Math.floor(random() * 6_000) - 3_000)
    else if (roll < 0.8 && carried.length > 0) this.session.drop(carried[Math.floor(random() * carried.length)]?.id ?? '')
    else this.#pickUp()
  }

  /** What it was told was done is in the history of what was confirmed. Throws a Violation. */
  check(): void {
    const { history } = this.#deps
    for (const text of this.heard) if (!history.wasSaid(text)) throw new Violation(`"${text}" was heard, and is not in what was confirmed`)
    const applied = history.state.players.get(this.character)?.inputSequence ?? 0
    if (applied < this.acknowledged)
      throw new Violation(`${this.character} was told that input ${this.acknowledged} is applied, and ${applied} is the last one that is`)
  }

  #pickUp(): void {
    const { entities } = this.#deps.history.state
    const lying: number[] = []
    for (let id = 1; id <= entities.highest; id++) if (entities.onGround(id)) lying.push(id)
    const item = lying[Math.floor(this.#deps.random() * lying.length)]
    if (item !== undefined) this.session.pickUp(item)
  }

  /** A ticket, as the allocator would get it: waits until the layer is served. */
  async #join(signal: AbortSignal) {
    const { index, history } = this.#deps
    for (;;) {
      signal.throwIfAborted()
      const id = randomUUID()
      const ticket = { id, account: ACCOUNT, character: this.character, ttlMs: 15_000 }
      const view = await index.joinLayer(FLEET, history.layer, ticket).catch(() => undefined)
      if (view?.ticketed === true)
        return {
          layer: history.layer,
          epoch: view.epoch,
          endpoints: view.endpoints,
          ticket: `${history.layer}/${id}`,
          expiresInMs: 15_000,
        }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY))
    }
  }
}
