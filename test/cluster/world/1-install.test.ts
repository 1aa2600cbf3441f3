import { beforeAll, describe, expect, it } from 'vitest'
import { game, inPhase, report, square, useWorld, type World } from './release.ts'

let world: World

beforeAll(async () => {
  world = await useWorld()
})

describe('1. helm install and two zones', () => {
  it('installs, and every pod is ready', async () => {
    if (world.installedInMs !== undefined) report('helm install --wait', world.installedInMs, 'no goal')
    const pods = await world.cluster.kubectlJson<{ items: { metadata: { name: string }; status: { phase: string } }[] }>(
      '-n',
      'bailiwick',
      'get',
      'pods',
    )
    expect(pods.items.filter(({ status }) => status.phase !== 'Running').map(({ metadata }) => metadata.name)).toEqual([])
    expect(pods.items.length).toBeGreaterThanOrEqual(5)
  })

  it('Always is Running with an endpoint', async () => {
    const began = Date.now()
    await world.applyZone('meadow', { activation: 'Always', bounds: square(500), snapshotEvery: '1s' })
    const zone = await inPhase(world, 'meadow', 'Running')
    report('Always zone Running after kubectl apply', Date.now() - began, 'asked: 15 s')
    const [layer] = zone.status?.layers ?? []
    expect(layer).toMatchObject({ index: 0, state: 'Serving' })
    expect(layer?.endpoints?.[0]).toMatch(/^[^:]+:(7\d\d\d|8000)$/)
    expect(layer?.epoch).toBeGreaterThan(0)
  })

  it('OnDemand is Sleeping and holds no host', async () => {
    await world.applyZone('cave', { activation: 'OnDemand', idleAfter: '3s', bounds: square(200), snapshotEvery: '1s' })
    const zone = await inPhase(world, 'cave', 'Sleeping')
    expect(zone.status?.layers ?? []).toEqual([])
    expect(zone.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
    // One host for the meadow, one warm spare: none for the cave.
    await world.cluster.waitFor(
      'one host and one spare',
      async () => {
        const servers = await world.gameServers()
        if (servers.length === 2 && servers.every(({ status }) => status?.state === 'Allocated')) return true
        throw new Error(`there are ${servers.map(({ metadata, status }) => `${metadata.name} ${status?.state}`).join(', ') || 'none'}`)
      },
      { timeoutMs: 60_000 },
    )
  })

  it('kubectl get zones shows true columns', async () => {
    const table = await world.cluster.kubectl('-n', game, 'get', 'zones')
    console.log(table)
    expect(table.split('\n')[0]?.trim().split(/\s+/)).toEqual(['NAME', 'PHASE', 'PLAYERS', 'LAYERS', 'FLEET', 'ENDPOINT', 'AGE'])
    const endpoint = (await world.zone('meadow')).status?.layers?.[0]?.endpoints?.[0] ?? ''
    const row = (name: string) => table.split('\n').find((line) => line.startsWith(name)) ?? ''
    expect(row('meadow').trim().split(/\s+/).slice(0, 6)).toEqual(['meadow', 'Running', '0', '1', 'zone-servers', endpoint])
    expect(row('cave').trim().split(/\s+/).slice(0, 5)).toEqual(['cave', 'Sleeping', '0', '0', 'zone-servers'])
    const wide = await world.cluster.kubectl('-n', game, 'get', 'zones', '-o', 'wide')
    expect(wide.split('\n')[0]?.trim().split(/\s+/).slice(7)).toEqual(['READY', 'HOSTED', 'ACCEPTED', 'DATA-SAFE'])
    expect(wide).toMatch(/^meadow .* True +Serving +Valid +NoFailure$/m)
    expect(await world.cluster.kubectl('-n', game, 'get', 'zn', '-o', 'name')).toContain('zone.bailiwick.dev/meadow')
    const story = await world.cluster.kubectl('-n', game, 'describe', 'zone', 'meadow')
    expect(story).toMatch(/Events:\s+Type\s+Reason/)
  })
})
