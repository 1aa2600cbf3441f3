import { CREATURE } from '../entities.ts'
import { headingOf } from '../heading.ts'
import type { Outputs } from '../output.ts'
import { randomBetween } from '../random.ts'
import type { Population } from '../settings.ts'
import type { LayerState, Player } from '../state.ts'
import { isWithinReach } from './inventory.ts'
import { hurt } from './vitals.ts'

/** The sixteen directions that a creature takes, in thousandths. */
const directions = [
  [1000, 0],
  [924, 383],
  [707, 707],
  [383, 924],
  [0, 1000],
  [-383, 924],
  [-707, 707],
  [-924, 383],
  [-1000, 0],
  [-924, -383],
  [-707, -707],
  [-383, -924],
  [0, -1000],
  [383, -924],
  [707, -707],
  [924, -383],
] as const
/** A creature decides anew after so many seconds, at least and at most. */
const DECIDES_AFTER = { least: 1, most: 4 }
/** One decision in so many is to stand still. */
const STANDS_ONE_IN = 3

/** Creatures whose time has come take another direction: any one, or none, or homewards when they have strayed. */
export function decideCreatures(state: LayerState): void {
  const populations = state.settings.content?.creatures ?? []
  if (populations.length === 0) return
  const { entities, random, tick } = state
  const { tickRateHz } = state.settings
  for (let id = 1; id <= entities.highest; id++) {
    if (entities.kind[id] !== CREATURE || (entities.until[id] ?? 0) > tick) continue
    const population = populations[(entities.population[id] ?? 0) - 1]
    if (population === undefined) continue
    entities.until[id] = tick + randomBetween(random, DECIDES_AFTER.least * tickRateHz, DECIDES_AFTER.most * tickRateHz)
    const [vx, vy] = wish(state, id, population)
    entities.vx[id] = vx
    entities.vy[id] = vy
    entities.touch(id)
    if (vx === 0 && vy === 0) continue
    entities.heading[id] = headingOf(vx, vy)
    entities.show(id)
  }
}

/** Once a second a creature that bites bites one of the avatars within reach: the one with the lowest id. */
export function bite(state: LayerState, out: Outputs): void {
  const populations = state.settings.content?.creatures ?? []
  if (!populations.some((population) => population.bite > 0)) return
  const { entities, tick } = state
  const { tickRateHz } = state.settings
  for (let id = 1; id <= entities.highest; id++) {
    if (entities.kind[id] !== CREATURE || (tick + id) % tickRateHz !== 0) continue
    const damage = populations[(entities.population[id] ?? 0) - 1]?.bite ?? 0
    if (damage === 0) continue
    const victim = victimOf(state, id)
    if (victim !== undefined) hurt(state, victim, damage, out)
  }
}

function wish({ entities, random }: LayerState, id: number, { home, wanderMm, speed }: Population): readonly [number, number] {
  const dx = home.x - (entities.x[id] ?? 0)
  const dy = home.y - (entities.y[id] ?? 0)
  if (Math.abs(dx) > wanderMm || Math.abs(dy) > wanderMm) {
    const distance = Math.abs(dx) + Math.abs(dy)
    return [Math.trunc((dx * speed) / distance), Math.trunc((dy * speed) / distance)]
  }
  if (randomBetween(random, 1, STANDS_ONE_IN) === 1) return [0, 0]
  const [x, y] = directions[randomBetween(random, 0, directions.length - 1)] ?? [0, 0]
  return [Math.trunc((x * speed) / 1_000), Math.trunc((y * speed) / 1_000)]
}

function victimOf(state: LayerState, creature: number): Player | undefined {
  const { health } = state.entities
  let victim: Player | undefined
  for (const player of state.players.values()) {
    const { entity } = player
    if (health[entity] === 0 || !isWithinReach(state, creature, entity)) continue
    if (victim === undefined || entity < victim.entity) victim = player
  }
  return victim
}
