import { randomUUID } from 'node:crypto'
import { keyOf, ObjectCache } from '../cache.ts'
import { type KubeClient, type Query, resourcePath } from '../kube.ts'
import { AGONES_GROUP, AUTOSCALING_GROUP, ROLE_LABEL } from '../names.ts'
import { startReflector } from '../reflector.ts'
import type { Fleet, FleetAutoscaler, GameServer, GameServerSet, KubeObject, Node, Pod } from '../types.ts'

interface Kind {
  group: string
  version: string
  plural: string
  query?: Query
}

const KINDS = {
  fleets: { group: AGONES_GROUP, version: 'v1', plural: 'fleets' },
  sets: { group: AGONES_GROUP, version: 'v1', plural: 'gameserversets' },
  servers: { group: AGONES_GROUP, version: 'v1', plural: 'gameservers' },
  autoscalers: { group: AUTOSCALING_GROUP, version: 'v1', plural: 'fleetautoscalers' },
  pods: { group: '', version: 'v1', plural: 'pods', query: { labelSelector: `${ROLE_LABEL}=gameserver` } },
  nodes: { group: '', version: 'v1', plural: 'nodes' },
} satisfies Record<string, Kind>

/** One kind of objects: what is known of them, and how they are written. An own write is known at once. */
export interface Store<T extends KubeObject> {
  cache: ObjectCache<T>
  create(object: T): Promise<T>
  /** Replaces the object; a conflict when it has changed since it was read. */
  update(object: T): Promise<T>
  updateStatus(object: T): Promise<T>
  /** Reads past the cache. */
  read(namespace: string, name: string): Promise<T>
  /** Deletes this very object, not a later one of its name. */
  remove(object: T): Promise<void>
}

export interface World {
  fleets: Store<Fleet>
  sets: Store<GameServerSet>
  servers: Store<GameServer>
  autoscalers: Store<FleetAutoscaler>
  pods: Store<Pod>
  nodes: Store<Node>
  /** Writes an Event about an object; a failure is only logged. */
  tell(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void
  /** Resolves when every kind has been listed once. */
  synced: Promise<unknown>
}

function createStore<T extends KubeObject>(client: KubeClient, kind: Kind): Store<T> {
  const cache = new ObjectCache<T>()
  const path = (object: T, sub?: string) =>
    resourcePath({
      ...kind,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      ...(sub === undefined ? {} : { sub }),
    })
  async function write(method: string, target: string, object: T): Promise<T> {
    const written = await client.request<T>(method, target, { body: object })
    cache.observe(written)
    return written
  }
  return {
    cache,
    create: (object) => write('POST', resourcePath({ ...kind, namespace: object.metadata.namespace }), object),
    update: (object) => write('PUT', path(object), object),
    updateStatus: (object) => write('PUT', path(object, 'status'), object),
    read: (namespace, name) => client.request<T>('GET', resourcePath({ ...kind, namespace, name })),
    async remove(object) {
      const body = { propagationPolicy: 'Background', preconditions: { uid: object.metadata.uid } }
      await client.request('DELETE', path(object), { body })
    },
  }
}

function eventBody(about: KubeObject, type: string, reason: string, message: string): object {
  const { namespace, name, uid, resourceVersion } = about.metadata
  const now = new Date().toISOString()
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name: `${name}.${randomUUID().slice(0, 13)}` },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion },
    type,
    reason,
    message: message.slice(0, 1024),
    source: { component: 'agones-emulator' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  }
}

/** Opens the view of the cluster that every controller shares, and starts to fill it. */
export function openWorld(client: KubeClient, log: (message: string) => void): World {
  const syncs: Promise<void>[] = []
  function store<T extends KubeObject>(kind: Kind): Store<T> {
    const made = createStore<T>(client, kind)
    const path = resourcePath(kind)
    const onError = (error: unknown) => log(`${kind.plural}: listing again after ${String(error)}`)
    syncs.push(startReflector<T>({ client, path, query: kind.query ?? {}, cache: made.cache, onError }).synced)
    return made
  }
  const world = {
    fleets: store<Fleet>(KINDS.fleets),
    sets: store<GameServerSet>(KINDS.sets),
    servers: store<GameServer>(KINDS.servers),
    autoscalers: store<FleetAutoscaler>(KINDS.autoscalers),
    pods: store<Pod>(KINDS.pods),
    nodes: store<Node>(KINDS.nodes),
  }
  return {
    ...world,
    synced: Promise.all(syncs),
    tell(about, type, reason, message) {
      const path = resourcePath({ group: '', version: 'v1', plural: 'events', namespace: about.metadata.namespace })
      const body = eventBody(about, type, reason, message)
      client.request('POST', path, { body }).catch((error: unknown) => log(`event about ${keyOf(about)}: ${String(error)}`))
    },
  }
}

/** Gives the objects of a list that the given one controls. */
export function controlledBy<T extends KubeObject>(owner: KubeObject, objects: readonly T[]): T[] {
  const uid = owner.metadata.uid
  return objects.filter((object) =>
    object.metadata.ownerReferences?.some((reference) => reference.controller === true && reference.uid === uid),
  )
}

/** Gives the key of an object's controller in its namespace; undefined when it has none of that kind. */
export function controllerKey(object: KubeObject, kind: string): string | undefined {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true && reference.kind === kind)
  return owner === undefined ? undefined : `${object.metadata.namespace}/${owner.name}`
}
