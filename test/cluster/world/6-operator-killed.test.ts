import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isForeign } from '../harness.ts'
import { newPlayer, type Player } from './player.ts'
import { copyFleet, game, inPhase, releaseNamespace, report, square, useWorld, type World } from './release.ts'
import { twoReleasesTests } from './two-releases.ts'

let world: World
let ann: Player

beforeAll(async () => {
  world = await useWorld()
  ann = await newPlayer(world, 'ann')
})

afterAll(async () => {
  await ann.leave()
  await world.deleteZone('killed')
})

/** The pod that holds the Lease, which must be one of the running operators. */
async function leader(): Promise<string> {
  return world.cluster.waitFor(
    'an operator to lead',
    async () => {
      const [leases, pods] = await Promise.all([
        world.cluster.kubectlJson<{ items: { spec: { holderIdentity?: string; renewTime?: string; leaseDurationSeconds: number } }[] }>(
          '-n',
          releaseNamespace,
          'get',
          'leases',
        ),
        world.cluster.kubectlJson<{ items: { metadata: { name: string; labels?: Record<string, string> } }[] }>(
          '-n',
          releaseNamespace,
          'get',
          'pods',
          '-l',
          'app.kubernetes.io/component=operator',
        ),
      ])
      const [lease] = leases.items
      const holder = lease?.spec.holderIdentity ?? ''
      const fresh = Date.parse(lease?.spec.renewTime ?? '') + (lease?.spec.leaseDurationSeconds ?? 0) * 1_000 > Date.now()
      const name = pods.items.find(({ metadata }) => holder.startsWith(metadata.name))?.metadata.name
      return fresh ? name : undefined
    },
    { timeoutMs: 60_000 },
  )
}

/** Ends the leading operator as the kernel would, and its pod with it, so that the next does not wait for kubelet's back-off. */
async function killLeader(): Promise<string> {
  const pod = await leader()
  await world.cluster.killContainer(releaseNamespace, pod, 'operator', 'SIGKILL')
  await world.cluster.kubectl('-n', releaseNamespace, 'delete', 'pod', pod, '--grace-period=0', '--force', '--wait=false')
  return pod
}

/** The newest tick of an epoch that the player was told of. */
const newestTick = (epoch: number): number => ann.told.get(epoch)?.tick ?? 0

const patch = (spec: object) => world.cluster.kubectl('-n', game, 'patch', 'zone', 'killed', '--type=merge', '-p', JSON.stringify({ spec }))

describe('6. the operator is killed in the middle', () => {
  it('of two operators one leads, and another takes over', async () => {
    const first = await leader()
    const began = Date.now()
    await killLeader()
    const second = await leader()
    report('another operator leads after kill -9', Date.now() - began, 'asked later: 15 s')
    expect(second).not.toBe(first)
  })

  const delays = [0, 100]
  it.each(delays)('of an apply (%i ms after it)', async (delay) => {
    await world.applyZone('killed', { activation: 'Always', bounds: square(100), snapshotEvery: '1s', retention: 'Delete' })
    await new Promise((resolve) => setTimeout(resolve, delay))
    await killLeader()
    const zone = await inPhase(world, 'killed', 'Running')
    expect(zone.status?.layers).toHaveLength(1)
    // Deleted in the middle as well: nothing of it may be left.
    const gone = world.deleteZone('killed')
    await new Promise((resolve) => setTimeout(resolve, delay))
    await killLeader()
    await gone
    await expect(world.zone('killed')).rejects.toThrow(/not found/i)
  })

  it('of wake, sleep, suspension, scaling and a crash of the host; players are served meanwhile', async () => {
    await world.applyZone('killed', {
      activation: 'OnDemand',
      idleAfter: '2s',
      bounds: square(100),
      snapshotEvery: '1s',
      layers: { min: 1, max: 2 },
      retention: 'Delete',
    })
    await inPhase(world, 'killed', 'Sleeping')
    await killLeader()
    // No operator leads now: the allocator wakes the zone by itself.
    await ann.join(`${game}/killed`)
    await killLeader()
    await inPhase(world, 'killed', 'Running')
    expect(ann.session?.playing).toBe(true)

    const host = (await world.zone('killed')).status?.layers?.[0]?.host ?? ''
    const welcomes = ann.welcomes.length
    await world.cluster.killContainer(game, host, 'zone-server', 'SIGKILL')
    await killLeader()
    await world.cluster.waitFor('the player to be back', async () => ann.welcomes.length > welcomes, { timeoutMs: 60_000 })
    await ann.leave()
    await killLeader()
    await inPhase(world, 'killed', 'Sleeping')

    await patch({ suspend: true })
    await killLeader()
    await inPhase(world, 'killed', 'Suspended')
    await expect(ann.join(`${game}/killed`)).rejects.toMatchObject({ code: 'ZoneSuspended' })
    await patch({ suspend: false, activation: 'Always', layers: { min: 2 } })
    await killLeader()
    const zone = await inPhase(world, 'killed', 'Running')
    expect(zone.status?.layers?.map(({ index }) => index)).toEqual([0, 1])
  })

  it('of nothing: a rolling update of both operators, which no player notices', async () => {
    const welcome = await ann.join(`${game}/killed`)
    const [welcomes, tick] = [ann.welcomes.length, newestTick(welcome.epoch)]
    const old = await leader()
    const began = Date.now()
    await world.cluster.kubectl('-n', releaseNamespace, 'rollout', 'restart', 'deployment/bailiwick-operator')
    await world.cluster.waitFor('another operator to lead', async () => (await leader()) !== old, { timeoutMs: 150_000, everyMs: 100 })
    report('another operator leads after a rolling update began', Date.now() - began, 'no goal: a pod starts first')
    await world.cluster.kubectl('-n', releaseNamespace, 'rollout', 'status', 'deployment/bailiwick-operator', '--timeout=150s')
    // The one that leads now works; the player's layer is as it was.
    await world.applyZone('updated', { activation: 'OnDemand', bounds: square(100), retention: 'Delete' })
    await inPhase(world, 'updated', 'Sleeping')
    await world.deleteZone('updated')
    expect(ann.welcomes.slice(welcomes)).toEqual([])
    expect(ann.session?.playing).toBe(true)
    expect(newestTick(welcome.epoch)).toBeGreaterThan(tick)
    await ann.leave()
  })

  it('of the wait for a fleet that does not exist, and of its appearance', async () => {
    await world.applyZone('unfleeted', { activation: 'Always', bounds: square(100), fleet: 'afterwards' })
    await killLeader()
    await world.cluster.waitFor('the condition', async () => {
      const accepted = (await world.zone('unfleeted')).status?.conditions?.find(({ type }) => type === 'Accepted')
      return accepted?.status === 'False' && accepted.reason === 'FleetNotFound'
    })
    await copyFleet(world, 'afterwards')
    await killLeader()
    expect((await inPhase(world, 'unfleeted', 'Running')).status?.fleet).toBe('afterwards')
    await world.deleteZone('unfleeted')
    await world.cluster.kubectl('-n', game, 'delete', 'fleetautoscaler/afterwards', 'fleet/afterwards')
  })
})

if (!isForeign()) twoReleasesTests()
