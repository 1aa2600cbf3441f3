import type { ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { smallZone } from '../../zone-settings.ts'

const fleet = 'game/zone-servers'
const incarnation = 'bench'
const LAYERS_PER_HOST = 50
const zoneOf = (at: number): ZoneId => `game/zone-${at}`

export interface World {
  /** The zone's layer is served in the next epoch: what clients hear of after a crash. */
  change(zone: number): Promise<void>
}

/** Zones, each served by one of some hosts. */
export async function populate(index: ZoneIndex, zones: number): Promise<World> {
  const epochs = Array.from({ length: zones }, () => 1)
  const placed: { readonly host: string; readonly generation: number }[] = []
  for (let host = 0; host < zones / LAYERS_PER_HOST; host++) {
    const endpoints = [`203.0.113.${host % 250}:7012`]
    await index.registerHost(fleet, { name: `zone-servers-${host}`, incarnation, node: 'n1', endpoints, capacity: LAYERS_PER_HOST })
  }
  const report = async (zone: number): Promise<void> => {
    const { host, generation } = placed[zone] as { host: string; generation: number }
    const layer = {
      layer: `${zoneOf(zone)}/0` as const,
      generation,
      epoch: epochs[zone] ?? 1,
      state: 'Serving',
      players: 7,
      dataSafe: true,
    } as const
    await index.heartbeat(fleet, { host, incarnation, outdated: false, layers: [layer] })
  }
  for (let zone = 0; zone < zones; zone++) {
    await index.putZone(smallZone({ zone: zoneOf(zone), uid: `uid-${zone}`, fleet }))
    const { host, generation } = await index.placeLayer(fleet, `${zoneOf(zone)}/0`)
    if (host === undefined) throw new Error(`no room for zone ${zone}`)
    placed.push({ host, generation })
    await report(zone)
  }
  return {
    async change(zone) {
      epochs[zone] = (epochs[zone] ?? 1) + 1
      await report(zone)
    },
  }
}
