import { expect } from 'vitest'
import { webSocketConnect } from '../../../client/connection.ts'
import { tcpConnect } from '../../../client/tcp.ts'
import type { MongoServer } from '../../contract/mongo-server.ts'
import { randomOf } from '../simulator/random.ts'
import { KillWorld, pause } from './world.ts'

/** Play before a kill takes up to so long, milliseconds, and the life of a successor that is killed at its claim. */
const PLAY = 300
const CLAIM = 60

/**
 * Kills the owner of a layer so often, under load, at moments that the seed chooses; every fifth time the successor while it is still at its claim, every tenth time Redis too. Throws
 * a Violation when something confirmed is lost or done twice, or when the state is not that of a layer that was never killed.
 */
export async function killMany(kills: number, seed: number, mongo?: MongoServer): Promise<void> {
  const random = randomOf(seed)
  // Redis syncs each write here: it is killed at the same time as those who would remember.
  const redisSettings = ['--appendfsync', 'always']
  const connect = random() < 0.5 ? tcpConnect : webSocketConnect(WebSocket)
  const world = await KillWorld.create({ connect, random, characters: 4, hosts: 3, redisSettings, mongo })
  const playing = (): Promise<void> => world.until(() => world.players.every(({ session }) => session.playing))
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const early = kill % 5 === 0
      if (!early) await playing()
      const owner = await world.owner()
      await pause(random() * (early ? CLAIM : PLAY))
      await world.kill(owner)
      world.bear()
      if (kill % 10 !== 0) continue
      await world.redis.kill()
      await world.redis.start()
    }
    await playing()
    world.quiet()
    await world.check()
    expect(world.history.count).toBeGreaterThan(0)
    const heard = world.players.reduce((sum, player) => sum + player.heard.size, 0)
    console.log(`${kills} kills: ${world.history.count} confirmed entries, ${heard} chats heard, all of them there once`)
  } catch (error) {
    console.error(world.lines.slice(-30).join('\n'))
    throw error
  } finally {
    await world.end()
  }
}
