import type { Api, Seen } from './api.ts'

export interface SeenServer extends Seen {
  spec: {
    container?: string
    ports?: { name?: string; portPolicy?: string; protocol?: string; hostPort?: number; containerPort?: number }[]
    health?: { periodSeconds?: number; failureThreshold?: number; initialDelaySeconds?: number }
    sdkServer?: { grpcPort?: number; httpPort?: number }
    eviction?: { safe?: string }
    scheduling?: string
    [field: string]: unknown
  }
  status?: {
    state?: string
    address?: string
    nodeName?: string
    ports?: { name?: string; port: number }[] | null
  }
}

export interface SeenSet extends Seen {
  spec: { replicas: number; template: { metadata?: { labels?: Record<string, string> } } }
  status?: { replicas?: number; readyReplicas?: number; reservedReplicas?: number; allocatedReplicas?: number; shutdownReplicas?: number }
}

export interface SeenFleet extends Seen {
  spec: { replicas?: number; scheduling?: string; strategy?: { type?: string; rollingUpdate?: unknown }; [field: string]: unknown }
  status?: { replicas?: number; readyReplicas?: number; reservedReplicas?: number; allocatedReplicas?: number }
}

export interface SeenContainer {
  name: string
  restartPolicy?: string
  env?: { name: string; value?: string }[]
  ports?: { containerPort: number; hostPort?: number; protocol?: string }[]
  volumeMounts?: { name: string; mountPath: string }[]
  livenessProbe?: {
    httpGet?: { path?: string; port?: number }
    initialDelaySeconds?: number
    periodSeconds?: number
    failureThreshold?: number
  }
}

export interface SeenPod extends Seen {
  spec: {
    nodeName?: string
    restartPolicy?: string
    serviceAccountName?: string
    initContainers?: SeenContainer[]
    containers: SeenContainer[]
    volumes?: { name: string; emptyDir?: object }[]
  }
  status?: {
    phase?: string
    podIP?: string
    conditions?: { type: string; status: string }[]
    containerStatuses?: { name: string; state?: { running?: { startedAt: string }; terminated?: { startedAt: string } } }[]
  }
}

export interface SeenAutoscaler extends Seen {
  status?: { ableToScale?: boolean; desiredReplicas?: number; currentReplicas?: number; lastScaleTime?: string | null }
}

/** What has been seen of one kind since the suite began: the newest version of each object, and all of them in order. */
export class Kept<T extends Seen> {
  readonly alive = new Map<string, T>()
  readonly gone = new Set<string>()
  /** Versions in the order in which they came, with the time of their arrival in milliseconds. */
  readonly log: { at: number; object: T; gone: boolean }[] = []

  take(object: T, gone: boolean): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`
    this.log.push({ at: performance.now(), object, gone })
    if (gone) {
      this.alive.delete(key)
      this.gone.add(object.metadata.uid)
    } else {
      this.alive.set(key, object)
    }
  }

  get(namespace: string, name: string): T | undefined {
    return this.alive.get(`${namespace}/${name}`)
  }

  /** Gives all that there are now, by name. */
  all(which: (object: T) => boolean): T[] {
    return [...this.alive.values()].filter(which).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  /** Gives every version that was seen of the object of a uid, oldest first. */
  versions(uid: string): { at: number; object: T; gone: boolean }[] {
    return this.log.filter(({ object }) => object.metadata.uid === uid)
  }
}

/** Everything that happens to the slice's objects while the suite runs. */
export interface History {
  servers: Kept<SeenServer>
  sets: Kept<SeenSet>
  fleets: Kept<SeenFleet>
  pods: Kept<SeenPod>
  autoscalers: Kept<SeenAutoscaler>
  stop(): void
}

/** Starts to follow the kinds of the slice in all namespaces. Resolves when it follows them all. */
export async function recordHistory(api: Api): Promise<History> {
  const agones = '/apis/agones.dev/v1'
  const kept = {
    servers: new Kept<SeenServer>(),
    sets: new Kept<SeenSet>(),
    fleets: new Kept<SeenFleet>(),
    pods: new Kept<SeenPod>(),
    autoscalers: new Kept<SeenAutoscaler>(),
  }
  const following = [
    api.follow<SeenServer>(`${agones}/gameservers`, (object, gone) => kept.servers.take(object, gone)),
    api.follow<SeenSet>(`${agones}/gameserversets`, (object, gone) => kept.sets.take(object, gone)),
    api.follow<SeenFleet>(`${agones}/fleets`, (object, gone) => kept.fleets.take(object, gone)),
    api.follow<SeenPod>('/api/v1/pods', (object, gone) => kept.pods.take(object, gone)),
    api.follow<SeenAutoscaler>('/apis/autoscaling.agones.dev/v1/fleetautoscalers', (object, gone) => kept.autoscalers.take(object, gone)),
  ]
  await Promise.all(following.map(({ synced }) => synced))
  const stop = () => {
    for (const each of following) each.stop()
  }
  return { ...kept, stop }
}

/** Gives the states that a server went through, each once in a row. */
export function statesOf(history: History, uid: string): string[] {
  const states = history.servers.versions(uid).map(({ object }) => object.status?.state ?? '')
  return states.filter((state, index) => state !== states[index - 1])
}
