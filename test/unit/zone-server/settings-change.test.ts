import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { LAYER, until, World, zone } from './world-kit.ts'

const FLEET = 'game/zone-servers'
let world: World
beforeEach(async () => {
  world = await World.create()
})
afterEach(() => world.end())

describe('changed settings of a zone reach a layer that runs', () => {
  it('snapshotEvery and tickRate, in the same epoch, with everybody in', async () => {
    await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    const { epoch } = await world.index.getLayer(FLEET, LAYER)
    // Not how many there are: what is behind the second-newest is dropped.
    const newest = async () => (await world.layerChain()).findLast(({ kind }) => kind === 'snapshot')?.n ?? 0
    const before = await newest()
    await world.index.putZone(zone({ generation: 2, snapshotEveryMs: 50, tickRateHz: 40 }))
    await until(async () => (await newest()) > before)
    await world.character('bob')
    const { ticket, endpoint } = await world.ticket('bob')
    const bob = await world.connect(endpoint)
    bob.hello(LAYER, ticket)
    expect(await bob.welcome()).toMatchObject({ epoch, tickRate: 40 })
    await ada.until((client) => client.find('Bob') !== undefined)
  })

  it('idleAfter and activation: one that was to stay open goes to sleep', async () => {
    await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    await world.index.putZone(zone({ generation: 2, activation: 'OnDemand', idleAfterMs: 50 }))
    ada.input({ case: 'leave', value: {} })
    await ada.next('goodbye')
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).state === 'Asleep')
  })

  it('also when they changed before it was told of any change, and after it was opened', async () => {
    const watch = Promise.withResolvers<void>()
    let reads = 0
    const index: ZoneIndex = {
      ...world.index,
      watchZones: async (...asked) => {
        await watch.promise
        return world.index.watchZones(...asked)
      },
      getZone: async (id) => {
        const settings = await world.index.getZone(id)
        reads++
        return settings
      },
    }
    await world.host('host-1', { index })
    await until(async () => (await world.index.placeLayer(FLEET, LAYER)).state === 'Serving')
    await until(() => reads >= 2)
    await world.index.putZone(zone({ generation: 2, activation: 'OnDemand', idleAfterMs: 50 }))
    watch.resolve()
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).state === 'Asleep')
  })
})
