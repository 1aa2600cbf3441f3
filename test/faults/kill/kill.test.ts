import { expect, test } from 'vitest'
import { webSocketConnect } from '../../../client/connection.ts'
import { tcpConnect } from '../../../client/tcp.ts'
import { extent, givenSeed } from '../extent.ts'
import { randomOf } from '../simulator/random.ts'
import { KillWorld, pause } from './world.ts'

const KILLS = extent({ quick: 5, usual: 60, full: 1_000 })
const seed = givenSeed ?? Date.now() % 1_000_000

test(`${KILLS} kills of the owner's process under load: nothing confirmed is lost, nothing done twice (BAILIWICK_SEED=${seed})`, async () => {
  const random = randomOf(seed)
  const world = await KillWorld.create({
    connect: random() < 0.5 ? tcpConnect : webSocketConnect(WebSocket),
    random,
    characters: 4,
    hosts: 3,
  })
  try {
    for (let kills = 0; kills < KILLS; kills++) {
      const welcomed = world.players.map(({ welcomes }) => welcomes)
      if (kills % 5 !== 4) await world.until(() => world.players.every(({ session }) => session.playing))
      await pause(random() * 300)
      const owner = await world.patiently(() => world.owner())
      if (owner === undefined) continue
      await world.kill(owner)
      world.bear()
      if (kills % 10 === 9) {
        await world.redis.kill()
        await world.redis.start()
      }
      await world.until(() => world.players.some(({ welcomes }, i) => welcomes > (welcomed[i] ?? 0)))
    }
    await world.until(() => world.players.every(({ session }) => session.playing))
    world.quiet()
    await world.check()
    expect(world.history.count).toBeGreaterThan(0)
    console.log(
      KILLS,
      'kills',
      world.history.count,
      'ticks',
      world.players.reduce((sum, { heard }) => sum + heard.size, 0),
      'heard',
    )
  } catch (error) {
    console.error(world.lines.slice(-30).join('\n'))
    throw error
  } finally {
    await world.end()
  }
}, 1_200_000)
