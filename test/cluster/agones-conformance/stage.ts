import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { agonesKind, installAgones } from '../agones.ts'
import { type Cluster, useCluster } from '../harness.ts'
import { type Api, connectApi, MERGE } from './api.ts'
import { type History, recordHistory, type SeenFleet, type SeenPod, type SeenServer } from './history.ts'

/** Where the rows' game servers run. */
export const NAMESPACE = 'agones-conf'
/** A namespace that Agones was not told of: game server pods are forbidden there. */
export const FORBIDDEN_NAMESPACE = 'agones-conf-forbidden'

const CONTROL_PORT = 8000
const DEADLINE_MS = 120_000

export interface ServerOptions {
  /** Environment of the fixture, see fixtures/game-server.mjs. */
  env?: Record<string, string>
  /** Off unless given: a busy machine must not end servers in rows about other things. */
  health?: { initialDelaySeconds?: number; periodSeconds?: number; failureThreshold?: number }
  graceSeconds?: number
  /** More fields of the GameServer's spec. */
  spec?: object
  /** More fields of the pod's spec. */
  pod?: object
  labels?: Record<string, string>
}

export interface FixtureMemory {
  now: number
  events: {
    at: number
    state: string
    address: string
    deletion: number
    annotations: Record<string, string>
    labels: Record<string, string>
  }[]
  calls: { state: string; path: string; status: number }[]
  token: boolean
}

export interface CallAnswer {
  sentAt: number
  status: number
  body: string
}

export interface Stage {
  cluster: Cluster
  api: Api
  history: History
  /** Waits until the answer is neither undefined nor false. */
  until<T>(what: string, ask: () => T | undefined | false | Promise<T | undefined | false>, timeoutMs?: number): Promise<T>
  fleet(name: string, replicas: number | undefined, options?: ServerOptions, more?: object): object
  gameServer(name: string, options?: ServerOptions): object
  apply(...objects: object[]): Promise<void>
  /** Deletes objects without waiting for their end. */
  clear(objects: object[]): Promise<void>
  /** Waits until a fleet has so many Ready servers, and gives them by name. */
  ready(fleet: string, count: number): Promise<SeenServer[]>
  serversOf(fleet: string): SeenServer[]
  /** Waits until a server is in a state, and gives it. */
  inState(name: string, state: string): Promise<SeenServer>
  pod(name: string): SeenPod | undefined
  setReplicas(fleet: string, replicas: number): Promise<void>
  /** Has the game server call its SDK over HTTP. */
  call(server: string, path: string, body?: unknown, method?: string): Promise<CallAnswer>
  /** Gives any command to the fixture in a pod. */
  command<T>(pod: string, path: string, query?: Record<string, string>): Promise<T>
  memory(server: string): Promise<FixtureMemory>
  strike(): Promise<void>
}

const agones = (namespace: string, plural: string, name = '') =>
  `/apis/agones.dev/v1/namespaces/${namespace}/${plural}${name === '' ? '' : `/${name}`}`

/** Gives the path of a game server or fleet in the rows' namespace. */
export const paths = {
  server: (name = '') => agones(NAMESPACE, 'gameservers', name),
  fleet: (name = '') => agones(NAMESPACE, 'fleets', name),
  set: (name = '') => agones(NAMESPACE, 'gameserversets', name),
  pod: (name: string) => `/api/v1/namespaces/${NAMESPACE}/pods/${name}`,
}

const COLLECTIONS: Record<string, string> = {
  Fleet: '/apis/agones.dev/v1/namespaces/%/fleets/',
  GameServer: '/apis/agones.dev/v1/namespaces/%/gameservers/',
  FleetAutoscaler: '/apis/autoscaling.agones.dev/v1/namespaces/%/fleetautoscalers/',
  Pod: '/api/v1/namespaces/%/pods/',
  Service: '/api/v1/namespaces/%/services/',
}

function pathOf(object: object): string {
  const { kind, metadata } = object as { kind: string; metadata: { namespace: string; name: string } }
  const collection = COLLECTIONS[kind]
  if (collection === undefined) throw new Error(`${kind} is no kind of the rows`)
  return collection.replace('%', metadata.namespace) + metadata.name
}

function serverTemplate(image: string, options: ServerOptions): { metadata: object; spec: object } {
  const env = Object.entries(options.env ?? {}).map(([name, value]) => ({ name, value }))
  const container = {
    name: 'game',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['/fixtures/game-server.mjs'],
    env,
    // Without a share of its own the game would starve beside its sidecar when the machine is busy.
    resources: { requests: { cpu: '50m' } },
    volumeMounts: [{ name: 'fixtures', mountPath: '/fixtures' }],
  }
  const pod = {
    terminationGracePeriodSeconds: options.graceSeconds ?? 10,
    containers: [container],
    volumes: [{ name: 'fixtures', configMap: { name: 'fixtures' } }],
    ...options.pod,
  }
  return {
    metadata: { labels: { version: 'a', ...options.labels } },
    spec: {
      ports: [{ name: 'game', containerPort: CONTROL_PORT, protocol: 'TCP' }],
      health: options.health ?? { disabled: true },
      ...options.spec,
      template: { spec: pod },
    },
  }
}

function fixtures(): object {
  const read = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')
  const data = { 'game-server.mjs': read('game-server.mjs'), 'webhook.mjs': read('webhook.mjs') }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'fixtures', namespace: NAMESPACE }, data }
}

/** Installs Agones, whichever there is, prepares the namespaces and starts to record. */
export async function setStage(): Promise<Stage> {
  const cluster = await useCluster()
  await installAgones(cluster, { gameServerNamespaces: [NAMESPACE] })
  await cluster.ensureNamespace(FORBIDDEN_NAMESPACE, 'privileged')
  await cluster.applyManifest(fixtures())
  const api = await connectApi(cluster.kubeconfig)
  const history = await recordHistory(api)
  return createStage(cluster, api, history)
}

function createStage(cluster: Cluster, api: Api, history: History): Stage {
  const { bailiwick: image } = cluster.images

  const until: Stage['until'] = (what, ask, timeoutMs = DEADLINE_MS) =>
    cluster.waitFor(`${what} (${agonesKind})`, ask, { timeoutMs, everyMs: 50 })

  function serversOf(fleet: string): SeenServer[] {
    return history.servers.all(({ metadata }) => metadata.labels?.['agones.dev/fleet'] === fleet)
  }

  async function command<T>(pod: string, path: string, query: Record<string, string> = {}): Promise<T> {
    const search = new URLSearchParams(query).toString()
    // A server may be Ready before its pod's address is written; until then the API server leads nobody there.
    await until(`pod ${pod} to have an address`, () => history.pods.get(NAMESPACE, pod)?.status?.podIP)
    return api.ask<T>('GET', `${paths.pod(pod)}:${CONTROL_PORT}/proxy${path}?${search}`)
  }

  return {
    cluster,
    api,
    history,
    until,
    serversOf,
    command,
    fleet: (name, replicas, options = {}, more = {}) => ({
      apiVersion: 'agones.dev/v1',
      kind: 'Fleet',
      metadata: { name, namespace: NAMESPACE },
      spec: { ...(replicas === undefined ? {} : { replicas }), ...more, template: serverTemplate(image, options) },
    }),
    gameServer(name, options = {}) {
      const { metadata, spec } = serverTemplate(image, options)
      return { apiVersion: 'agones.dev/v1', kind: 'GameServer', metadata: { ...metadata, name, namespace: NAMESPACE }, spec }
    },
    async apply(...objects) {
      await cluster.applyManifest(objects)
    },
    async clear(objects) {
      for (const path of objects.map(pathOf)) {
        const { status, body } = await api.send('DELETE', path)
        if (status >= 300 && status !== 404) throw new Error(`DELETE ${path}: ${status} ${JSON.stringify(body)}`)
      }
    },
    ready(fleet, count) {
      return until(`${count} Ready servers of fleet ${fleet}`, () => {
        const found = serversOf(fleet).filter(
          (server) => server.status?.state === 'Ready' && server.metadata.deletionTimestamp === undefined,
        )
        return found.length === count && found
      })
    },
    inState: (name, state) =>
      until(`game server ${name} to be ${state}`, () => {
        const server = history.servers.get(NAMESPACE, name)
        return server?.status?.state === state && server
      }),
    pod: (name) => history.pods.get(NAMESPACE, name),
    async setReplicas(fleet, replicas) {
      await api.ask<SeenFleet>('PATCH', paths.fleet(fleet), { spec: { replicas } }, MERGE)
    },
    call: (server, path, body, method = 'POST') =>
      command<CallAnswer>(server, '/call', { path, method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    memory: (server) => command<FixtureMemory>(server, '/memory'),
    async strike() {
      history.stop()
      const namespaces = [NAMESPACE, FORBIDDEN_NAMESPACE]
      for (const namespace of namespaces) {
        await cluster.kubectl('-n', namespace, 'delete', 'fleetautoscalers,fleets,gameservers', '--all', '--wait=false')
        await cluster.kubectl('-n', namespace, 'delete', 'pods', '--all', '--wait=false', '--grace-period=1')
      }
      await cluster.kubectl('delete', 'namespace', ...namespaces, '--timeout=120s')
    },
  }
}
