import type { StateFrame } from '../../../core/protocol/state-frame.ts'
import { newPlayer, type Player, patiently, type Told } from './player.ts'
import { game, type World } from './release.ts'

/** One change of owner as a client lived through it. */
export interface Move {
  readonly zone: string
  /** From the last state frame of one epoch to the first of the next. */
  readonly awayMs: number
  readonly before: Told
  readonly after: Told
}

/** A crowd of one walking character in each zone. */
export interface Movers {
  readonly moves: readonly Move[]
  /** Why a session ended that should not have. */
  readonly ended: readonly string[]
  /** How many are in a zone just now. */
  playing(): number
  /** What each carries, by zone. */
  carried(): Readonly<Record<string, string>>
  leave(): Promise<void>
}

/** So many characters an account may have. */
const CHARACTERS = 8
/** They turn round so often, ms, and walk this fast, mm/s. */
const TURN_EVERY = 1_000
const SPEED = 700

/** Joins one character to each zone and keeps it walking; resolves when all are in. */
export async function startMovers(world: World, zones: readonly string[]): Promise<Movers> {
  const moves: Move[] = []
  const ended: string[] = []
  const mine: { readonly zone: string; readonly session: NonNullable<Player['session']> }[] = []
  let leaving = false
  for (let from = 0; from < zones.length; from += CHARACTERS) {
    const owner = await newPlayer(world, 'mover')
    for (const [n, zone] of zones.slice(from, from + CHARACTERS).entries()) {
      const character = n === 0 ? owner.character : (await patiently(() => owner.client.characters.create(`${owner.name}-${n}`))).id
      const watch = frameWatch(zone, moves)
      const session = owner.client.joinZone(`${game}/${zone}`, character, {
        state: (frame) => watch(frame, session.view.me),
      })
      void session.ended.then((end) => leaving || ended.push(`${zone}: ${JSON.stringify(end)}`))
      mine.push({ zone, session })
    }
  }
  await Promise.all(mine.map(({ session }) => session.ready()))
  let turns = 0
  const walk = setInterval(() => {
    turns += 1
    for (const { session } of mine) session.move(turns % 2 === 0 ? SPEED : -SPEED, 0)
  }, TURN_EVERY)
  return {
    moves,
    ended,
    playing: () => mine.filter(({ session }) => session.playing).length,
    carried: () => Object.fromEntries(mine.map(({ zone, session }) => [zone, session.view.inventory.map(({ id }) => id).join()])),
    async leave() {
      leaving = true
      clearInterval(walk)
      await Promise.all(mine.map(({ session }) => session.leave()))
    },
  }
}

/** Sees when frames of a new epoch follow those of an old one. */
function frameWatch(zone: string, moves: Move[]): (frame: StateFrame, me: { readonly x: number; readonly y: number } | undefined) => void {
  let last: { readonly at: number; readonly epoch: number; readonly told: Told } | undefined
  return ({ epoch, tick, acknowledged }, me) => {
    if (me === undefined) return
    const told = { tick, acknowledged, x: me.x, y: me.y }
    const at = performance.now()
    if (last !== undefined && last.epoch !== epoch) moves.push({ zone, awayMs: at - last.at, before: last.told, after: told })
    last = { at, epoch, told }
  }
}

/** The value below which so many percent of the values lie. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}
