import { hasFreePlace, nearestFree } from './collision.ts'
import { CREATURE, PROP } from './entities.ts'
import { randomBetween } from './random.ts'
import type { SimulationSettings } from './settings.ts'
import type { LayerState } from './state.ts'

/** The settings, without a map that leaves nowhere to stand within the bounds: a zone whose bounds and map don't fit is open ground, not a trap. */
export function habitable(settings: SimulationSettings): SimulationSettings {
  const { content, bounds } = settings
  if (content?.map === undefined || hasFreePlace(content.map, bounds)) return settings
  const { map: _none, ...rest } = content
  return { ...settings, content: rest }
}

/** Puts the content's props and creatures into the world; what there is no room for is left out. */
export function populate(state: LayerState): void {
  const { entities, random } = state
  const { content } = state.settings
  if (content === undefined) return
  for (const { kind, at, heading } of content.props) {
    const id = entities.add(PROP, '', kind, state.tick)
    if (id === 0) return
    place(state, id, at)
    entities.heading[id] = heading
  }
  for (const [index, { kind, home, count, wanderMm }] of content.creatures.entries()) {
    for (let i = 0; i < count; i++) {
      const id = entities.add(CREATURE, '', kind, state.tick)
      if (id === 0) return
      entities.population[id] = index + 1
      const near = { x: home.x + randomBetween(random, -wanderMm, wanderMm), y: home.y + randomBetween(random, -wanderMm, wanderMm) }
      place(state, id, near)
    }
  }
}

/** Takes away what `populate` put there. */
export function depopulate({ entities, tick }: LayerState): void {
  for (let id = 1; id <= entities.highest; id++) {
    const kind = entities.kind[id]
    if (kind === PROP || kind === CREATURE) entities.remove(id, tick)
  }
}

/** Puts an entity at the free place nearest to the one given. */
export function place({ entities, settings }: LayerState, id: number, at: { readonly x: number; readonly y: number }): void {
  const { x, y } = nearestFree(settings.content?.map, settings.bounds, at)
  if (x === entities.x[id] && y === entities.y[id]) return
  entities.x[id] = x
  entities.y[id] = y
  entities.show(id)
}
