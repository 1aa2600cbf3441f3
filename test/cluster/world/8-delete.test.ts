import { beforeAll, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { layerId } from '../../../core/ids.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { newPlayer } from './player.ts'
import { game, inPhase, square, useWorld, type World } from './release.ts'

let world: World

beforeAll(async () => {
  world = await useWorld()
})

describe('7. going away', () => {
  it.each(['Retain', 'Delete'] as const)('kubectl delete zone: final snapshot, finalizer gone, retention %s applied', async (retention) => {
    const name = `gone-${retention.toLowerCase()}`
    await world.applyZone(name, { activation: 'Always', bounds: square(100), snapshotEvery: '1h', retention })
    await inPhase(world, name, 'Running')
    const ann = await newPlayer(world, 'ann')
    await ann.join(`${game}/${name}`)
    const status = ann.session?.ended
    await world.deleteZone(name)
    await expect(world.zone(name)).rejects.toThrow(/not found/i)
    const store = createMongoStore({ url: world.cluster.mongoUrl, database: 'bailiwick' })
    try {
      const entries = await store.read(chains.layer(layerId(`${game}/${name}`, 0)), 1, 1_000)
      const kinds = entries.map(({ kind }) => kind)
      if (retention === 'Retain') expect(kinds.slice(-2)).toEqual(['snapshot', 'close'])
      else expect(kinds).toEqual(['erased'])
    } finally {
      await store.close()
    }
    // The player was checked in before the zone went.
    expect((await ann.client.characters.get(ann.character)).location.state).toBe('Offline')
    await ann.session?.close()
    await status
  })
})
