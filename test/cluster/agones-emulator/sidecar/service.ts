import { setTimeout as sleep } from 'node:timers/promises'
import { ObjectCache } from '../cache.ts'
import { type KubeClient, resourcePath } from '../kube.ts'
import { AGONES_GROUP, SDK_WRITE_DELAY_MS } from '../names.ts'
import { startReflector } from '../reflector.ts'
import type { GameServer, GameServerState } from '../types.ts'
import { HealthCount } from './health.ts'
import { keyProblem, labelValueProblem } from './metadata.ts'
import { Session, type Write } from './session.ts'

/** What the caller asked for is not possible: INVALID_ARGUMENT of gRPC, 400 of HTTP. */
export class InvalidArgument extends Error {}

export type Watcher = (server: GameServer) => void

export interface SdkService {
  /** Remembers the wish and writes it later: the answer says nothing about the outcome. `seconds` goes with Reserved; 0 is for ever. */
  wish(state: GameServerState, seconds?: number): void
  ping(): void
  gameServer(): GameServer
  setLabel(key: string, value: string): void
  setAnnotation(key: string, value: string): void
  /** Gives the current server at once and every later version; call the result to stop. */
  watch(watcher: Watcher): () => void
  /** What the kubelet's probe of the game container asks; the first call starts the health timer. */
  probe(): boolean
}

export interface ServiceOptions {
  client: KubeClient
  namespace: string
  name: string
  log: (message: string) => void
}

/** Connects to the API server and serves one game server's SDK calls. Resolves when the server is known. */
export async function createService({ client, namespace, name, log }: ServiceOptions): Promise<SdkService> {
  const collection = { group: AGONES_GROUP, version: 'v1', plural: 'gameservers', namespace }
  const cache = new ObjectCache<GameServer>()
  const watchers = new Set<Watcher>()
  const session = new Session()
  const planned = new Set<Write>()
  let reserveTimer: NodeJS.Timeout | undefined
  let known: GameServer | undefined
  let healthTimer: NodeJS.Timeout | undefined

  cache.onChange((_key, current) => {
    if (current === undefined) return
    const first = known === undefined
    known = current
    if (!first) for (const watcher of watchers) watcher(current)
  })
  const query = { fieldSelector: `metadata.name=${name}` }
  const onError = (error: unknown) => log(`watching again after ${String(error)}`)
  await startReflector({ client, path: resourcePath(collection), query, cache, onError }).synced

  function gameServer(): GameServer {
    if (known === undefined) throw new Error(`could not retrieve GameServer ${namespace}/${name}`)
    return known
  }

  async function writeNow(write: Write): Promise<void> {
    const patch = session.patch(write, gameServer(), new Date())
    if (patch === undefined) return
    const path = resourcePath({ ...collection, name })
    cache.observe(await client.request<GameServer>('PATCH', path, { body: patch, contentType: 'application/json-patch+json' }))
    const reservedForMs = session.reservedForMs
    if (write === 'state' && reservedForMs !== undefined) {
      clearTimeout(reserveTimer)
      reserveTimer = setTimeout(() => wish('RequestReady'), reservedForMs)
    }
  }

  function plan(write: Write): void {
    if (planned.has(write)) return
    planned.add(write)
    void (async () => {
      await sleep(SDK_WRITE_DELAY_MS)
      planned.delete(write)
      await writeNow(write)
    })().catch((error: unknown) => {
      log(`writing ${write} again after ${String(error)}`)
      plan(write)
    })
  }

  function wish(state: GameServerState, seconds = 0): void {
    clearTimeout(reserveTimer)
    session.wish(state, seconds * 1000)
    plan('state')
  }

  const health = new HealthCount(gameServer().spec.health ?? {}, performance.now())

  function check(): void {
    health.check(performance.now())
    if (!health.healthy) wish('Unhealthy')
  }

  function refuse(what: string, key: string, problem: string | undefined): void {
    if (problem !== undefined) throw new InvalidArgument(`invalid ${what} ${JSON.stringify(key)}: ${problem}`)
  }

  return {
    wish,
    gameServer,
    ping: () => health.ping(performance.now()),
    setLabel(key, value) {
      refuse('label key', key, keyProblem(key))
      refuse(`label value ${JSON.stringify(value)} for key`, key, labelValueProblem(value))
      session.setLabel(key, value)
      plan('labels')
    },
    setAnnotation(key, value) {
      refuse('annotation key', key, keyProblem(key))
      session.setAnnotation(key, value)
      plan('annotations')
    },
    watch(watcher) {
      watcher(gameServer())
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    probe() {
      if (healthTimer === undefined && gameServer().spec.health?.disabled !== true) {
        check()
        healthTimer = setInterval(check, health.periodMs)
      }
      return health.healthy
    },
  }
}
