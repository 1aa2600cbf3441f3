import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { groundItems, isAt, newPlayer, type Player, standing } from './player.ts'
import { game, inPhase, report, square, useWorld, type World } from './release.ts'

let world: World
let ann: Player

beforeAll(async () => {
  world = await useWorld()
  await world.applyZone('meadow', { activation: 'Always', bounds: square(500), snapshotEvery: '1s' })
  await inPhase(world, 'meadow', 'Running')
  ann = await newPlayer(world, 'ann')
})

afterAll(async () => {
  await ann.leave()
})

const hostOf = async (): Promise<string> => (await inPhase(world, 'meadow', 'Running')).status?.layers?.[0]?.host ?? ''

describe('3. a crash loses nothing older than the last snapshot', () => {
  const ends: readonly [string, (host: string) => Promise<unknown>][] = [
    ['kill -9 of the zone server', (host) => world.cluster.killContainer(game, host, 'zone-server', 'SIGKILL')],
    ['deletion of its pod', (host) => world.cluster.kubectl('-n', game, 'delete', 'pod', host, '--grace-period=0', '--force')],
  ]

  it.each(ends)('%s', async (_name, end) => {
    const first = ann.session?.playing === true ? ann.session.view.welcome : await ann.join(`${game}/meadow`)
    // Each round has something to drop: the second one picks up what the first one left.
    const [lying] = groundItems(ann).filter(
      ({ x, y }) => Math.hypot(x - (ann.session?.view.me?.x ?? 0), y - (ann.session?.view.me?.y ?? 0)) < 2_000,
    )
    if (ann.session?.view.inventory.length === 0 && lying !== undefined) ann.session.pickUp(lying.id)
    const carried = await world.cluster.waitFor('something to drop', async () => ann.session?.view.inventory[0], {
      timeoutMs: 10_000,
      everyMs: 50,
    })
    ann.session?.move(3_000, 2_000)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const place = await standing(ann)
    ann.session?.drop(carried.id)
    const item = await world.cluster.waitFor(
      'the item to lie there',
      async () => groundItems(ann).find((lies) => lies.name === carried.kind && isAt(lies, place)),
      { timeoutMs: 10_000, everyMs: 50 },
    )
    // Longer than snapshotEvery.
    await new Promise((resolve) => setTimeout(resolve, 2_500))

    const host = await hostOf()
    const welcomes = ann.welcomes.length
    const began = Date.now()
    await end(host)
    await world.cluster.waitFor('the client to be welcomed again', async () => ann.welcomes.length > welcomes && ann.session?.playing, {
      timeoutMs: 90_000,
      everyMs: 20,
    })
    report(`${_name} until the client is welcomed again`, Date.now() - began, 'goal of a later benchmark: 2 s with a warm host')
    const again = ann.welcomes.at(-1)
    expect(again?.epoch).toBeGreaterThan(first?.epoch ?? 0)
    expect(await hostOf()).not.toBe(host)
    expect(await standing(ann)).toEqual(place)
    expect(ann.session?.view.inventory.map(({ id }) => id)).not.toContain(carried.id)
    expect(groundItems(ann).filter((lies) => lies.name === carried.kind && isAt(lies, item))).toHaveLength(1)
    const { status } = await inPhase(world, 'meadow', 'Running')
    expect(status?.layers?.[0]?.epoch).toBe(again?.epoch)
  })
})
