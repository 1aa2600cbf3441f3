import { beforeAll, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { layerId } from '../../../core/ids.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { newPlayer } from './player.ts'
import { game, inPhase, release, releaseNamespace, square, useWorld, type World } from './release.ts'

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

  it('helm upgrade changes no host', async () => {
    const before = (await world.gameServers()).map(({ metadata }) => metadata.name).sort()
    await world.helmInstall()
    expect((await world.gameServers()).map(({ metadata }) => metadata.name).sort()).toEqual(before)
  })

  it('helm uninstall leaves nothing but what it says', async () => {
    await world.applyZone('meadow', { activation: 'Always', bounds: square(500), snapshotEvery: '1s' })
    await inPhase(world, 'meadow', 'Running')
    const said = await world.cluster.helm('uninstall', release, '-n', releaseNamespace, '--wait', '--timeout', '180s')
    console.log(said)
    expect(said).toMatch(/kept due to the resource policy[\s\S]*zones\.bailiwick\.dev/)
    // The definition and the zones are kept, and nothing of them hangs.
    expect(await world.cluster.kubectl('get', 'crd', 'zones.bailiwick.dev', '-o', 'name')).toContain('zones.bailiwick.dev')
    const meadow = await world.zone('meadow')
    expect(meadow.metadata.finalizers ?? []).toEqual([])
    await world.cluster.waitFor(
      'every object of the release to be gone',
      async () => {
        const kinds =
          'all,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,leases,fleets,fleetautoscalers,gameservers'
        const left = (await world.cluster.kubectl('get', kinds, '-A', '-l', `app.kubernetes.io/instance=${release}`, '-o', 'name')).trim()
        const rights = (
          await world.cluster.kubectl(
            'get',
            'clusterroles,clusterrolebindings',
            '-l',
            `app.kubernetes.io/instance=${release}`,
            '-o',
            'name',
          )
        ).trim()
        const pods = (await world.cluster.kubectl('-n', releaseNamespace, 'get', 'pods', '-o', 'name')).trim()
        const hosts = (await world.cluster.kubectl('-n', game, 'get', 'gameservers,pods', '-o', 'name')).trim()
        const everything = [left, rights, pods, hosts].filter((text) => text !== '').join(' ')
        if (everything === '') return true
        throw new Error(`there are ${everything}`)
      },
      { timeoutMs: 150_000, everyMs: 500 },
    )
    // Installed again, the world is as it was.
    await world.helmInstall()
    await inPhase(world, 'meadow', 'Running')
  })
})
