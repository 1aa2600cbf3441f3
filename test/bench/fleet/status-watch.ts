import { silentLog } from '../../../core/ports/log-port.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { watchResource } from '../../../platform/kubernetes/watch-resource.ts'
import { zones } from '../../api-server/objects.ts'

/** What the statuses say, as a watch of its own hears of them. */
export class StatusWatch {
  readonly #over = new AbortController()
  /** Of which generation each status is. */
  readonly #observed = new Map<string, number>()
  readonly #waiting = new Set<{ readonly uid: string; readonly generation: number; readonly said: () => void }>()
  readonly synced: Promise<void>
  /** Zones whose status is about their spec as it is. */
  readonly current = new Set<string>()

  constructor(client: KubernetesClient) {
    const onChange = ({ object, removed }: { object: KubernetesObject; removed: boolean }): void => {
      if (!removed) this.#changed(object)
    }
    const signal = this.#over.signal
    this.synced = watchResource({ client, resource: zones(), log: silentLog, signal, onChange, select: withGenerationsOnly }).synced
    this.synced.catch(() => {})
  }

  #changed({ status, metadata }: KubernetesObject): void {
    const uid = metadata.uid ?? ''
    const observed = (status as { observedGeneration?: number } | undefined)?.observedGeneration ?? 0
    if (observed === metadata.generation) this.current.add(uid)
    else this.current.delete(uid)
    for (const waiting of [...this.#waiting]) {
      if (waiting.uid !== uid || waiting.generation > observed) continue
      this.#waiting.delete(waiting)
      waiting.said()
    }
    this.#observed.set(uid, observed)
  }

  /** Resolves when the status of an object says that it is about this generation. */
  says(uid: string, generation: number): Promise<void> {
    return new Promise((said) => {
      if ((this.#observed.get(uid) ?? 0) >= generation) said()
      else this.#waiting.add({ uid, generation, said })
    })
  }

  stop(): void {
    this.#over.abort()
  }
}

/** A copy of all of ten thousand zones would be a load of its own. */
function withGenerationsOnly({ metadata, status }: KubernetesObject): KubernetesObject {
  const { name, namespace = '', uid = '', resourceVersion = '', generation = 0 } = metadata
  const observed = (status as { observedGeneration?: number } | undefined)?.observedGeneration
  const kept = { name, namespace, uid, resourceVersion, generation }
  return observed === undefined ? { metadata: kept } : { metadata: kept, status: { observedGeneration: observed } }
}
