import { describeError } from '../../../core/errors.ts'
import { say } from '../kit/result.ts'
import type { Side } from '../kit/side.ts'
import { held, judge, MAX_WAITED } from './rule.ts'
import { type Run, runCrowd } from './run.ts'

export interface Plan {
  /** The numbers of clients that are tried, rising. */
  readonly steps: Readonly<Record<Side, readonly number[]>>
  /** Where both sides are compared at the same number. */
  readonly equal: readonly number[]
  readonly rounds: number
  readonly measureMs: number
  /** Nothing is begun after so long, milliseconds. */
  readonly limitMs: number
}

export interface Outcome {
  readonly runs: readonly Run[]
  /** Runs that were not counted because others had the server's core. */
  readonly thrownAway: number
  readonly notes: readonly string[]
}

/** A run that was thrown away is repeated so often. */
const REPEATS = 2
/** After so many steps in a row that fail, a side is not tried with more. */
const GIVE_UP_AFTER = 2

/** First both sides rise step by step, in turn; then so many rounds, in turn, at equal numbers and at each side's edge as it is known by then. */
export class Rounds {
  readonly #plan: Plan
  readonly #sides: readonly Side[]
  readonly #runs: Run[] = []
  readonly #notes: string[] = []
  readonly #began = performance.now()
  #thrownAway = 0
  #seed = 1

  constructor(plan: Plan, sides: readonly Side[]) {
    this.#plan = plan
    this.#sides = sides
  }

  async run(): Promise<Outcome> {
    await this.#rise()
    for (let round = 1; round <= this.#plan.rounds; round++) {
      if (this.#late) {
        this.#notes.push(`the time was over before round ${round} of ${this.#plan.rounds}`)
        break
      }
      say(`round ${round} of ${this.#plan.rounds}`)
      await this.#inTurn((side) => this.#round(side))
    }
    return { runs: this.#runs, thrownAway: this.#thrownAway, notes: this.#notes }
  }

  get #late(): boolean {
    return performance.now() - this.#began > this.#plan.limitMs
  }

  async #rise(): Promise<void> {
    const failures = new Map<Side, number>()
    await this.#inTurn(
      (side) => this.#plan.steps[side],
      async (side, clients) => {
        if ((failures.get(side) ?? 0) >= GIVE_UP_AFTER) return
        const run = await this.#one(side, clients)
        failures.set(side, run !== undefined && judge(run) === 'passes' ? 0 : (failures.get(side) ?? 0) + 1)
      },
    )
  }

  /** What a side does in one round: equal numbers, its edge, and the step behind it. */
  #round(side: Side): readonly number[] {
    const steps = this.#plan.steps[side]
    const edge = held(this.#runs.filter((run) => run.side === side))
    const beyond = steps.find((step) => step > edge)
    const wanted = [...this.#plan.equal, ...(edge > 0 ? [edge] : []), ...(beyond === undefined ? [] : [beyond])]
    return [...new Set(wanted)].toSorted((a, b) => a - b)
  }

  /** A B A B …: each side's first, then each side's second, and so on. */
  async #inTurn(
    what: (side: Side) => readonly number[],
    work: (side: Side, clients: number) => Promise<unknown> = (side, clients) => this.#one(side, clients),
  ): Promise<void> {
    const lists = this.#sides.map((side) => ({ side, clients: what(side) }))
    const longest = Math.max(...lists.map(({ clients }) => clients.length))
    for (let i = 0; i < longest; i++) {
      for (const { side, clients } of lists) {
        const count = clients[i]
        if (count !== undefined && !this.#late) await work(side, count)
      }
    }
  }

  /** One run that counts; undefined when there is none. */
  async #one(side: Side, clients: number): Promise<Run | undefined> {
    for (let attempt = 0; attempt <= REPEATS; attempt++) {
      try {
        const run = await runCrowd({ side, clients, measureMs: this.#plan.measureMs, seed: this.#seed++ })
        const others = run.server.waited >= MAX_WAITED
        say(`${described(run)}${others ? ', thrown away: others had its core' : ''}`)
        if (!others) {
          this.#runs.push(run)
          return run
        }
        this.#thrownAway++
      } catch (error) {
        this.#notes.push(`${side} with ${clients} clients: ${describeError(error).split('\n')[0]}`)
        say(`${side} ${clients}: ${describeError(error).split('\n')[0]}`)
        return undefined
      }
      if (this.#late) return undefined
    }
    return undefined
  }
}

function described(run: Run): string {
  const { side, clients, gaps, arrived, due, server, headroom } = run
  const percent = (share: number): string => `${Math.round(share * 100)}%`
  const gap = `gap p50 ${gaps.p50.toFixed(1)} p99 ${gaps.p99.toFixed(1)} max ${gaps.max.toFixed(0)} ms`
  const cores = `core ${percent(server.cpu)} (waited ${percent(server.waited)}), generator ${percent(headroom.cpu)}`
  return `${side} ${clients}: ${judge(run)}; ${gap}, ${((arrived / due) * 100).toFixed(1)}% of frames, ${cores}`
}
