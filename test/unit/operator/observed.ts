import type { FleetId, LayerId } from '../../../core/ids.ts'
import type { LayerView } from '../../../core/ports/index-port.ts'
import type { Fleet } from '../../../core/ports/zone-source-port.ts'
import type { Zone, ZoneSpec } from '../../../core/zone.ts'
import type { Placement } from '../../../operator/fleet-mirror.ts'
import type { FleetFacts, Observed } from '../../../operator/observe.ts'

/** Builders for observations: what a case is about is given, the rest is a zone at rest. */
export const NOW = 1_800_000_000_000
export const FLEET: FleetId = 'game/zone-servers'
const bounds = { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }

export function zone(spec: Partial<ZoneSpec> = {}, extra: Partial<Zone['metadata']> & { status?: Zone['status'] } = {}): Zone {
  const { status, ...metadata } = extra
  return {
    metadata: { name: 'meadow', namespace: 'game', uid: 'u1', generation: 3, finalizers: ['bailiwick.dev/zone'], ...metadata },
    spec: { bounds, ...spec },
    ...(status === undefined ? {} : { status }),
  }
}

export function layer(index: number, extra: Partial<LayerView> = {}): LayerView {
  const layer: LayerId = `game/meadow/${index}`
  const host = extra.state === 'Wished' || extra.state === 'Asleep' ? undefined : 'h1'
  const serving = {
    state: 'Serving',
    generation: 1,
    epoch: 4,
    host,
    node: host === undefined ? undefined : 'n1',
    endpoints: ['e:1'],
  } as const
  return { layer, ...serving, players: 0, dataSafe: true, closeRequested: undefined, since: NOW, failure: undefined, ...extra }
}

export function placement(extra: Partial<Placement> = {}): Placement {
  return { fresh: true, barred: false, layers: [], emptySince: new Map(), ...extra }
}

export function fleet(id: FleetId, extra: Partial<Fleet> = {}): Fleet {
  return { id, uid: `uid-${id}`, annotations: {}, ownerZone: undefined, deleting: false, spec: {}, ...extra }
}

export function facts(extra: Partial<FleetFacts> = {}): FleetFacts {
  const id = extra.id ?? FLEET
  return { id, fleet: fleet(id), placement: placement(), trouble: undefined, ...extra }
}

export function observed(extra: Partial<Observed> = {}): Observed {
  const wanted = extra.wanted ?? facts()
  return {
    zone: zone(),
    now: NOW,
    inUse: wanted,
    template: undefined,
    ownAutoscaler: undefined,
    leftover: undefined,
    neighbours: [],
    surplus: undefined,
    content: { state: 'none' },
    settings: undefined,
    ...extra,
    wanted,
  }
}
