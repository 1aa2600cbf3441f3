import { setTimeout as delay } from 'node:timers/promises'
import type { World } from './changes.ts'

/** Milliseconds. */
const CHANGE_EVERY = 100
/** The zone whose changes are watched; every other change is one of it. */
export const WATCHED = 0

/** Changes a zone every CHANGE_EVERY, and notes how long it takes until those who watch one of them hear of it, while the server is loaded. */
export class Visible {
  /** Where the times go, ms; undefined: they do not count. */
  into: number[] | undefined
  readonly #world: World
  readonly #zones: number
  readonly #stop = new AbortController()
  #changing: Promise<void> = Promise.resolve()
  #changedAt: number | undefined

  constructor(world: World, zones: number) {
    this.#world = world
    this.#zones = zones
  }

  async watch(url: string): Promise<void> {
    const answer = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: this.#stop.signal })
    void this.#read(answer)
    this.#changing = this.#change()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#changing
  }

  async #read(answer: Response): Promise<void> {
    try {
      for await (const part of answer.body ?? []) {
        if (!Buffer.from(part).includes('event: zone')) continue
        if (this.#changedAt !== undefined) this.into?.push(performance.now() - this.#changedAt)
        this.#changedAt = undefined
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    }
  }

  async #change(): Promise<void> {
    for (let turn = 1; !this.#stop.signal.aborted; turn++) {
      const watched = turn % 2 === 0
      if (watched) this.#changedAt = performance.now()
      await this.#world.change(watched ? WATCHED : turn % this.#zones || 1)
      await delay(CHANGE_EVERY)
    }
  }
}
