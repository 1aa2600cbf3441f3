import type { Log } from '../../core/ports/log-port.ts'
import type { NodeSource } from '../../core/ports/node-source-port.ts'
import type { KubernetesClient } from './client.ts'
import { isRecord, type KubernetesObject } from './objects.ts'
import { watchResource } from './watch-resource.ts'

const resource = { group: '', version: 'v1', plural: 'nodes' } as const

/** The nodes of a cluster: of each only whether it is cordoned. */
export class KubernetesNodes implements NodeSource {
  readonly #options: { readonly client: KubernetesClient; readonly log: Log }
  /** Whether each is cordoned. */
  readonly #nodes = new Map<string, boolean>()

  constructor(options: { readonly client: KubernetesClient; readonly log: Log }) {
    this.#options = options
  }

  watchNodes(onChange: () => void, signal: AbortSignal): void {
    watchResource({
      ...this.#options,
      resource,
      signal,
      select: withUnschedulableOnly,
      onChange: ({ object, removed }) => {
        const { name } = object.metadata
        const before = this.#nodes.get(name) ?? false
        if (removed) this.#nodes.delete(name)
        else this.#nodes.set(name, isUnschedulable(object))
        if (before !== (this.#nodes.get(name) ?? false)) onChange()
      },
    })
  }

  isCordoned(node: string): boolean | undefined {
    return this.#nodes.get(node)
  }
}

function isUnschedulable(object: KubernetesObject): boolean {
  return isRecord(object['spec']) && object['spec']['unschedulable'] === true
}

/** A node reports its state all the time, and has much of it. */
function withUnschedulableOnly(object: KubernetesObject): KubernetesObject {
  const { name, uid, resourceVersion } = object.metadata
  return {
    metadata: { name, uid: uid ?? '', resourceVersion: resourceVersion ?? '' },
    spec: { unschedulable: isUnschedulable(object) },
  }
}
