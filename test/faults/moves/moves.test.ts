import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LayerId, ZoneId } from '../../../core/ids.ts'
import { OUTDATED_ANNOTATION } from '../../../core/ports/game-server-port.ts'
import { FLEET, type HostUnderTest, until, World, zone } from '../../unit/zone-server/world-kit.ts'
import { extent } from '../extent.ts'
import { type Mover, startMover } from './mover.ts'

/** One layer and one walking player each. */
const ZONES = extent({ quick: 6, usual: 50, full: 50 })
const HOSTS = 3
const CAPACITY = Math.ceil(ZONES / 2.5)
/** They walk so fast, mm/s, and turn round so often, ms: nobody gets further than SPAN from where it was last seen, mm, before its layer closed. */
const SPEED = 700
const TURN_EVERY = 1_000
const SPAN = 3_000

const layers = Array.from({ length: ZONES }, (_, n): LayerId => `game/moving-${n}/0`)
let world: World
let movers: readonly Mover[]
let walking: NodeJS.Timeout
let born = 0

const bear = (count: number): Promise<HostUnderTest[]> =>
  Promise.all(Array.from({ length: count }, () => world.host(`host-${++born}`, { capacity: CAPACITY })))

/** Ms: sorted, the one that so many percent are not above. */
function percentile(values: readonly number[], percent: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil((values.length * percent) / 100) - 1] ?? Number.NaN
}

/** Waits until every old host is over and everybody plays elsewhere, and checks that nothing was lost on the way and that everybody moved once. */
async function moved(what: string, old: readonly HostUnderTest[]): Promise<void> {
  await Promise.all(old.map(({ server }) => server.done))
  await until(() => movers.every(({ session, moves }) => session.playing && moves.length > 0))
  const moves = movers.flatMap((mover) => mover.moves)
  expect(moves.map(({ layer }) => layer).toSorted()).toEqual(layers.toSorted())
  for (const { layer, before, after } of moves) {
    expect([layer, after.tick >= before.tick, after.acknowledged >= before.acknowledged]).toEqual([layer, true, true])
    expect([layer, Math.hypot(after.x - before.x, after.y - before.y) < SPAN]).toEqual([layer, true])
  }
  const away = moves.map(({ awayMs }) => awayMs)
  console.log(
    `measured: ${what} of ${ZONES} zones: a client is without state frames for ${percentile(away, 50).toFixed(0)} ms (p50), ${percentile(away, 99).toFixed(0)} ms (p99)`,
  )
}

/** The most layers that were on their way at once, looked at with every change. */
function watchMoving(): () => number {
  let most = 0
  const stop = new AbortController()
  void world.index.watchFleet(
    FLEET,
    () => {
      void world.index.fleetView(FLEET).then(({ layers: views }) => {
        most = Math.max(most, views.filter(({ state, closeRequested }) => state !== 'Serving' || closeRequested !== undefined).length)
      })
    },
    stop.signal,
  )
  return () => {
    stop.abort()
    return most
  }
}

beforeEach(async () => {
  // As the real ones, but for waits that are no part of a move.
  world = await World.create({ outdatedSettle: 200, hostWarmAfter: 200 })
  await world.index.deleteZone('game/meadow', 'uid-1')
  await bear(HOSTS)
  await until(async () => (await world.index.fleetView(FLEET)).hosts.length === HOSTS)
  for (const layer of layers) {
    const name: ZoneId = `game/${layer.split('/')[1] ?? ''}`
    await world.index.putZone(zone({ zone: name, tickRateHz: 10, snapshotEveryMs: 3_600_000 }))
    await world.index.placeLayer(FLEET, layer)
  }
  movers = await Promise.all(layers.map(async (layer, n) => startMover(world, layer, await world.character(`mover${n}`))))
  await Promise.all(movers.map(({ session }) => session.ready()))
  let turns = 0
  walking = setInterval(() => {
    turns += 1
    for (const { session } of movers) session.move(turns % 2 === 0 ? SPEED : -SPEED, 0)
  }, TURN_EVERY)
  await until(() => movers.every(({ session }) => session.view.tick > 0))
}, 60_000)

afterEach(async () => {
  clearInterval(walking)
  await Promise.all(movers.map(({ session }) => session.close()))
  await world.end()
})

describe('every host of a fleet is emptied while people walk about', () => {
  it('because its node is cordoned: one layer of a host at a time, at most eight of the fleet', { timeout: 120_000 }, async () => {
    const old = (await world.index.fleetView(FLEET)).hosts.map(({ name }) => name)
    const most = watchMoving()
    await world.index.cordonNode(FLEET, 'node-1', true)
    await bear(HOSTS)
    await moved(
      'a drain',
      world.hosts.filter(({ gameServer }) => old.includes(gameServer.view.name)),
    )
    expect(most()).toBeLessThanOrEqual(HOSTS)
  })

  it('because its template is outdated: one host after another', { timeout: 180_000 }, async () => {
    const old = [...world.hosts]
    await bear(HOSTS)
    await until(async () => (await world.index.fleetView(FLEET)).hosts.length === HOSTS * 2)
    const most = watchMoving()
    for (const { gameServer } of old) gameServer.become({ annotations: { [OUTDATED_ANNOTATION]: 'true' } })
    await moved('a fleet update', old)
    // The next one begins when the last layer of the one before has left it, and is about to be served.
    expect(most()).toBeLessThanOrEqual(2)
  })
})
