import { isDeepStrictEqual } from 'node:util'
import { parseLayerId, parsePair } from '../core/ids.ts'
import { withUnknown } from '../core/other-releases.ts'
import type { LayerView } from '../core/ports/index-port.ts'
import type { LayerStatus, ZoneStatus } from '../core/zone.ts'
import type { Observed } from './observe.ts'
import { conditions } from './status-conditions.ts'
import { gatherFacts } from './status-facts.ts'
import { phaseOf } from './status-phases.ts'

/** Every field of it. */
const STATUS_FIELDS: Readonly<Record<keyof ZoneStatus, true>> = {
  observedGeneration: true,
  phase: true,
  fleet: true,
  players: true,
  layerCount: true,
  layers: true,
  conditions: true,
}

/** What the CRD allows. */
const MAX_LAYERS = 100

/**
 * The whole status of a zone, from what was observed and the status before (for the times of its conditions). While the index was never read, what was said of layers
 * stays as it is. Pure.
 */
export function computeStatus(observed: Observed): ZoneStatus {
  const facts = gatherFacts(observed)
  const before = observed.zone.status ?? {}
  const generation = observed.zone.metadata.generation
  const { inUse } = observed
  const own = conditions(facts, before.conditions ?? [], observed)
  const types = new Set(own.map(({ type }) => type))
  const next: ZoneStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: phaseOf(facts, before.phase),
    ...(inUse === undefined ? {} : { fleet: parsePair(inUse.id).name }),
    ...(facts.indexRead
      ? {
          players: total(facts.open),
          layerCount: facts.open.filter(({ state }) => state !== 'Wished').length,
          layers: [...facts.open, ...facts.quarantined].slice(0, MAX_LAYERS).map(layerStatus),
        }
      : { players: before.players ?? 0, layerCount: before.layerCount ?? 0, layers: before.layers ?? [] }),
    conditions: [...own, ...(before.conditions ?? []).filter(({ type }) => !types.has(type))],
  }
  return withUnknown(STATUS_FIELDS, before, next)
}

/** Whether `next` is worth a write now, some day soon, or not at all: player counts alone can wait. */
export function compareStatus(before: ZoneStatus | undefined, next: ZoneStatus): 'same' | 'players' | 'transition' {
  if (isDeepStrictEqual(before ?? {}, next)) return 'same'
  return isDeepStrictEqual(withoutPlayers(before ?? {}), withoutPlayers(next)) ? 'players' : 'transition'
}

function layerStatus(view: LayerView): LayerStatus {
  return {
    index: parseLayerId(view.layer).index,
    epoch: view.epoch,
    state: view.state,
    ...(view.host === undefined ? {} : { host: view.host }),
    ...(view.node === undefined ? {} : { node: view.node }),
    ...(view.state === 'Serving' ? { endpoints: [...view.endpoints].slice(0, 16) } : {}),
    players: view.players,
  }
}

function total(layers: readonly LayerView[]): number {
  return layers.reduce((sum, { players }) => sum + players, 0)
}

function withoutPlayers(status: ZoneStatus): ZoneStatus {
  const { players: _all, ...rest } = status
  const layers = rest.layers?.map(({ players: _own, ...layer }): LayerStatus => layer)
  return layers === undefined ? rest : { ...rest, layers }
}
