import { afterEach, beforeEach, expect, it } from 'vitest'
import { readJoin } from '../../../client/answers.ts'
import type { LayerId } from '../../../core/ids.ts'
import { FLEET, until, World, ZONE, zone } from '../zone-server/world-kit.ts'
import { allocatorStage } from './stage.ts'

const BEYOND: LayerId = 'game/meadow/1'
const settings = (max: number, generation: number) => zone({ generation, layers: { min: 1, max, maxPlayers: 10 } })

let world: World

beforeEach(async () => {
  world = await World.create({ hostDeadAfter: 60_000 })
  await world.character('ada')
})

afterEach(() => world.end())

it('a character whose host died in a layer that the zone may not have any more is let go there, and then joins another', async () => {
  const stage = await allocatorStage({ index: world.index })
  const joins = async () => {
    const answer = await stage.join(ZONE, 'ada')
    return answer.status === 200 ? readJoin(await answer.json(), 'join') : undefined
  }
  await world.index.putZone(settings(2, 1))
  const first = await world.host('host-1')
  await world.join('ada', 'websocket', BEYOND)
  await until(async () => (await world.index.getLocation('ada'))?.state === 'InZone')
  await world.index.requestClose(FLEET, BEYOND, 'ScaleDown')
  await world.index.putZone(settings(1, 2))
  await world.lose(first)
  await world.host('host-2')
  await until(async () => (await world.index.getLayer(FLEET, BEYOND)).state === 'Asleep')
  expect((await world.characterHead('ada'))?.data['layer']).toBe(BEYOND)

  // Nobody but an owner of that layer may let her go: so it is opened.
  let sent = await joins()
  await until(async () => {
    sent ??= await joins()
    return sent !== undefined
  })
  expect(sent?.layer).toBe(BEYOND)
  // As the operator does with a layer beyond max that is open.
  await world.index.requestClose(FLEET, BEYOND, 'ScaleDown')
  await until(async () => (await world.characterHead('ada'))?.kind === 'released')
  await until(async () => (await world.index.getLayer(FLEET, BEYOND)).state === 'Asleep')
  await until(async () => (await world.index.getLocation('ada'))?.state === 'Offline')
  expect((await joins())?.layer).toBe('game/meadow/0')
  const ada = await world.join('ada')
  await ada.until((client) => client.find('Ada') !== undefined)
}, 60_000)
