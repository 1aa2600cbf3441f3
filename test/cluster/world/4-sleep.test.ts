import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newPlayer, type Player } from './player.ts'
import { fleet, game, inPhase, report, square, useWorld, type World } from './release.ts'

let world: World
let ann: Player

beforeAll(async () => {
  world = await useWorld()
  await world.applyZone('meadow', { activation: 'Always', bounds: square(500), snapshotEvery: '1s' })
  await world.applyZone('cave', { activation: 'OnDemand', idleAfter: '3s', bounds: square(200), snapshotEvery: '1s' })
  await inPhase(world, 'meadow', 'Running')
  ann = await newPlayer(world, 'ann')
})

afterAll(async () => {
  await ann.leave()
  await world.annotateFleet({ 'bailiwick.dev/spare': '1' })
  await world.cluster.kubectl('-n', game, 'patch', 'zone', 'meadow', '--type=merge', '-p', '{"spec":{"suspend":false}}')
})

/** Waits until exactly so many game servers exist, none of them on its way out. */
const servers = (count: number) =>
  world.cluster.waitFor(
    `${count} game servers`,
    async () => {
      const now = (await world.gameServers()).map(({ metadata, status }) => `${metadata.name} ${status?.state}`)
      if (now.length === count) return true
      throw new Error(`there are ${now.join(', ') || 'none'}`)
    },
    { timeoutMs: 90_000, everyMs: 250 },
  )

describe('4. asleep when empty', () => {
  it('after the last player left the zone sleeps, its host is retired, the fleet shrinks to its spare', async () => {
    await ann.join(`${game}/cave`)
    await inPhase(world, 'cave', 'Running')
    // The meadow's host, or one of its own, serves the cave; one spare beside.
    const began = Date.now()
    await ann.leave()
    await inPhase(world, 'cave', 'Sleeping')
    report('Sleeping after the last leave (idleAfter 3 s)', Date.now() - began, 'no goal')
    await servers(2)
  })

  it('a join at any moment of falling asleep succeeds', async () => {
    for (const pause of [0, 1_500, 2_800, 3_000, 3_100, 3_300, 4_000]) {
      const welcome = await ann.join(`${game}/cave`)
      expect(welcome.layer).toBe(`${game}/cave/0`)
      await ann.leave()
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  })

  it('shrinks to 0 without a spare, and a join wakes the first host again', async () => {
    await world.annotateFleet({ 'bailiwick.dev/spare': '0' })
    await world.cluster.kubectl('-n', game, 'patch', 'zone', 'meadow', '--type=merge', '-p', '{"spec":{"suspend":true}}')
    await inPhase(world, 'meadow', 'Suspended')
    await inPhase(world, 'cave', 'Sleeping')
    await servers(0)
    const scale = await world.cluster.kubectlJson<{ spec: { replicas?: number } }>('-n', game, 'get', 'fleet', fleet)
    expect(scale.spec.replicas ?? 0).toBe(0)
    const began = Date.now()
    await ann.join(`${game}/cave`)
    report('join of a sleeping zone with no host at all until welcome', Date.now() - began, 'one pod start and the webhook poll')
    await ann.leave()
    await inPhase(world, 'cave', 'Sleeping')
    // While the host is being retired: it is taken back, or another one comes.
    for (const pause of [1_500, 3_000]) {
      await new Promise((resolve) => setTimeout(resolve, pause))
      await ann.join(`${game}/cave`)
      await ann.leave()
      await inPhase(world, 'cave', 'Sleeping')
    }
    await servers(0)
  })
})
