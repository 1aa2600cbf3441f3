/** The controller of the Agones emulator: a test double of the slice of Agones 1.57 that Bailiwick uses. */

import http from 'node:http'
import { keyOf } from './cache.ts'
import { autoscalerController } from './controller/autoscalers.ts'
import { concernsSet, isResized } from './controller/changes.ts'
import { fleetController } from './controller/fleets.ts'
import { gameServerController } from './controller/servers.ts'
import { setController } from './controller/sets.ts'
import { controllerKey, openWorld, type World } from './controller/world.ts'
import { inClusterClient, KubeError } from './kube.ts'
import { HEALTH_PORT, QUEUE_DELAY_MS, RESYNC_EVERY_MS } from './names.ts'
import { createQueue, type KeyQueue } from './queue.ts'
import type { GameServer } from './types.ts'

interface Queues {
  fleets: KeyQueue
  sets: KeyQueue
  servers: KeyQueue
  autoscalers: KeyQueue
}

function log(message: string): void {
  console.log(`${new Date().toISOString()} ${message}`)
}

function failure(kind: string): (key: string, error: unknown) => void {
  return (key, error) => {
    // Changed or gone since it was read: the next try sees it as it is.
    if (error instanceof KubeError && (error.code === 409 || error.code === 404)) return
    log(`${kind} ${key}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function createQueues(world: World, image: string): Queues {
  const queues: Queues = {
    fleets: createQueue(fleetController(world), failure('fleet')),
    sets: createQueue(
      setController(world, () => queues.sets),
      failure('set'),
    ),
    servers: createQueue(gameServerController(world, image), failure('game server')),
    autoscalers: createQueue(
      autoscalerController(world, () => queues.autoscalers),
      failure('autoscaler'),
    ),
  }
  return queues
}

function route(world: World, queues: Queues): void {
  const toldOfServer = (server: GameServer | undefined) => {
    const key = server === undefined ? undefined : controllerKey(server, 'GameServerSet')
    if (key !== undefined) queues.sets.add(key)
  }
  world.fleets.cache.onChange((key) => queues.fleets.addAfter(key, QUEUE_DELAY_MS))
  world.sets.cache.onChange((key, current, previous) => {
    if (isResized(current, previous)) queues.sets.addAfter(key, QUEUE_DELAY_MS)
    const set = current ?? previous
    const fleet = set === undefined ? undefined : controllerKey(set, 'Fleet')
    if (fleet !== undefined) queues.fleets.addAfter(fleet, QUEUE_DELAY_MS)
  })
  world.servers.cache.onChange((key, current, previous) => {
    queues.servers.add(key)
    if (concernsSet(current)) toldOfServer(current ?? previous)
  })
  world.pods.cache.onChange((key) => queues.servers.add(key))
  world.nodes.cache.onChange((_key, _current, previous) => {
    if (previous === undefined) for (const server of world.servers.cache.list()) queues.servers.add(keyOf(server))
  })
  world.autoscalers.cache.onChange((key) => queues.autoscalers.addAfter(key, QUEUE_DELAY_MS))
  setInterval(() => {
    for (const fleet of world.fleets.cache.list()) queues.fleets.add(keyOf(fleet))
    for (const server of world.servers.cache.list().filter(concernsSet)) toldOfServer(server)
  }, RESYNC_EVERY_MS)
}

async function main(): Promise<void> {
  const image = process.env['SIDECAR_IMAGE']
  if (image === undefined) throw new Error('SIDECAR_IMAGE is not set: it names the image that holds the sidecar')
  const world = openWorld(inClusterClient(), log)
  const queues = createQueues(world, image)
  await world.synced
  route(world, queues)
  for (const fleet of world.fleets.cache.list()) queues.fleets.add(keyOf(fleet))
  for (const set of world.sets.cache.list()) queues.sets.add(keyOf(set))
  for (const server of world.servers.cache.list()) queues.servers.add(keyOf(server))
  for (const autoscaler of world.autoscalers.cache.list()) queues.autoscalers.add(keyOf(autoscaler))
  http.createServer((_request, response) => response.end('ok')).listen(HEALTH_PORT)
  log('the Agones emulator (a test double) is running')
  process.once('SIGTERM', () => process.exit(0))
}

await main()
