import { isDeepStrictEqual } from 'node:util'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { watchResource } from '../../../platform/kubernetes/watch-resource.ts'
import { zones } from '../../api-server/objects.ts'

/** ms. */
const WINDOW = 30_000

/** Counts changes of status as a watch of its own hears of them. */
export class StatusCounter {
  readonly #over = new AbortController()
  readonly #statuses = new Map<string, unknown>()
  readonly #at: number[] = []
  readonly #waiting = new Set<{ readonly uid: string; readonly generation: number; readonly said: () => void }>()
  readonly synced: Promise<void>
  /** Zones whose status is about their spec as it is. */
  readonly current = new Set<string>()

  constructor(client: KubernetesClient) {
    const onChange = ({ object, removed }: { object: KubernetesObject; removed: boolean }): void => {
      if (!removed) this.#changed(object)
    }
    this.synced = watchResource({ client, resource: zones(), log: silentLog, signal: this.#over.signal, onChange }).synced
    this.synced.catch(() => {})
  }

  #changed(object: KubernetesObject): void {
    const { status } = object
    const uid = object.metadata.uid ?? ''
    if ((status as { observedGeneration?: number } | undefined)?.observedGeneration === object.metadata.generation) this.current.add(uid)
    else this.current.delete(uid)
    const observed = (status as { observedGeneration?: number } | undefined)?.observedGeneration ?? 0
    for (const waiting of [...this.#waiting]) {
      if (waiting.uid !== uid || waiting.generation > observed) continue
      this.#waiting.delete(waiting)
      waiting.said()
    }
    if (status !== undefined && !isDeepStrictEqual(this.#statuses.get(uid), status)) this.#at.push(performance.now())
    this.#statuses.set(uid, status)
  }

  /** Resolves when the status of an object says that it is about this generation. */
  says(uid: string, generation: number): Promise<void> {
    return new Promise((said) => {
      const status = this.#statuses.get(uid) as { observedGeneration?: number } | undefined
      if ((status?.observedGeneration ?? 0) >= generation) said()
      else this.#waiting.add({ uid, generation, said })
    })
  }

  /** Forgets what was counted so far. */
  start(): void {
    this.#at.length = 0
  }

  /** Writes since `start`: in all, and the most in any half minute, a second. In shorter times those that were held up on the way come together with those after them. */
  rates(): { readonly total: number; readonly most: number } {
    let most = 0
    for (let first = 0, last = 0; last < this.#at.length; last++) {
      while ((this.#at[last] ?? 0) - (this.#at[first] ?? 0) > WINDOW) first++
      most = Math.max(most, last - first + 1)
    }
    return { total: this.#at.length, most: most / (WINDOW / 1_000) }
  }

  stop(): void {
    this.#over.abort()
  }
}
