import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { MM_PER_CM, MM_PER_M } from '../../../core/geometry.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { newPlayer, type Player, sees, standing } from './player.ts'
import { game, inPhase, report, square, useWorld, type World } from './release.ts'

let world: World
const players: Player[] = []
const player = async (prefix?: string): Promise<Player> => {
  const made = await newPlayer(world, prefix)
  players.push(made)
  return made
}

beforeAll(async () => {
  world = await useWorld()
  await world.applyZone('meadow', { activation: 'Always', bounds: square(500), snapshotEvery: '1s' })
  await world.applyZone('cave', { activation: 'OnDemand', idleAfter: '3s', bounds: square(200), snapshotEvery: '1s' })
  await inPhase(world, 'meadow', 'Running')
})

afterAll(async () => {
  await Promise.all(players.map((each) => each.leave()))
})

describe('2. players meet', () => {
  it('two log in, make characters, join, see each other move, talk', async () => {
    const [ann, ben] = await Promise.all([player('ann'), player('ben')])
    for (const zone of [`${game}/meadow`, `${game}/cave`]) {
      const began = Date.now()
      const [first, second] = await Promise.all([ann.join(zone), ben.join(zone)])
      report(`two joins of ${zone} until welcome`, Date.now() - began, 'no goal')
      expect(first.layer).toBe(`${zone}/0`)
      expect(second.epoch).toBe(first.epoch)
      await world.cluster.waitFor(
        'both to see each other',
        async () => sees(ann, ben.name) !== undefined && sees(ben, ann.name) !== undefined,
        {
          timeoutMs: 10_000,
        },
      )
      const before = await standing(ann)
      ann.session?.move(4_000, 0)
      await world.cluster.waitFor('ben to see ann move', async () => (sees(ben, ann.name)?.x ?? 0) > before.x + 2_000, {
        timeoutMs: 10_000,
        everyMs: 50,
      })
      const after = await standing(ann)
      await world.cluster.waitFor('ben to see ann where she stands', async () => sees(ben, ann.name)?.x === after.x, {
        timeoutMs: 5_000,
        everyMs: 50,
      })

      ann.session?.say(`hello from ${zone}`)
      await world.cluster.waitFor('ben to hear ann', async () => ben.heard.includes(`${ann.name}: hello from ${zone}`), {
        timeoutMs: 5_000,
        everyMs: 50,
      })
      expect(await ben.session?.tell(ann.name, 'just for you')).toBe('delivered')
      expect(await ben.session?.tell('nobody-here', 'hello?')).toBe('unknown')
      await world.cluster.waitFor('ann to hear ben', async () => ann.heard.includes(`${ben.name} tells: just for you`), {
        timeoutMs: 5_000,
        everyMs: 50,
      })

      const located = await ann.client.characters.get(ann.character)
      expect(located.location).toEqual({ state: 'InZone', zone, layer: `${zone}/0` })
      expect(await Promise.all([ann.leave(), ben.leave()])).toEqual([{ reason: 'left' }, { reason: 'left' }])
      await world.cluster.waitFor(
        'ann to be checked in where she left',
        async () => {
          const { location, zone: last, position } = await ann.client.characters.get(ann.character)
          return location.state === 'Offline' && last === zone && Math.abs((position?.x ?? 0) * MM_PER_M - after.x) <= MM_PER_CM
        },
        { timeoutMs: 10_000 },
      )
    }
    expect(ann.refusals.concat(ben.refusals)).toEqual([])
  })

  it('20 joins of a sleeping zone at once wake it once', async () => {
    await inPhase(world, 'cave', 'Sleeping')
    const crowd = await Promise.all(Array.from({ length: 20 }, () => player('crowd')))
    const store = createMongoStore({ url: world.cluster.mongoUrl, database: 'bailiwick' })
    const closed = await store.head(chains.layer(`${game}/cave/0`))
    const began = Date.now()
    const welcomes = await Promise.all(crowd.map((each) => each.join(`${game}/cave`)))
    report('20 joins of a sleeping zone until the last welcome', Date.now() - began, 'no goal')
    expect(new Set(welcomes.map(({ layer, epoch }) => `${layer} ${epoch}`)).size).toBe(1)
    // The record behind the last close: nobody else opened the layer in between.
    expect(welcomes[0]?.epoch).toBe((closed?.n ?? 0) + 1)
    await store.close()
    await world.cluster.waitFor(
      'everybody to see everybody',
      async () => crowd.every((each) => crowd.every((other) => sees(each, other.name) !== undefined)),
      {
        timeoutMs: 20_000,
      },
    )
    await world.cluster.waitFor('the zone to show its players', async () => (await world.zone('cave')).status?.phase === 'Running', {
      timeoutMs: 10_000,
    })
    await Promise.all(crowd.map((each) => each.leave()))
  })
})
