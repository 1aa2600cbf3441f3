import { KUBERNETES_CALL_DEADLINE } from '../../core/timing.ts'
import { orUndefined, unreachable } from './errors.ts'
import { acceptOf, isKubernetesObject, isRecord, type KubernetesObject, type Query, type Resource, resourcePath } from './objects.ts'
import type { Endpoint } from './plain-endpoint.ts'
import { type ApiRequest, send } from './transport.ts'

/** Names us in managedFields, so that server-side apply knows which fields are ours. */
const FIELD_MANAGER = 'bailiwick-operator'

export interface Page {
  readonly items: readonly KubernetesObject[]
  readonly resourceVersion: string
  readonly continue: string | undefined
}

export interface PatchOptions {
  readonly subresource?: string
}

/**
 * The Kubernetes API, one request a method. Each has a deadline (KUBERNETES_CALL_DEADLINE) and throws KubernetesUnavailable, KubernetesConflict, KubernetesGone,
 * KubernetesRefused or NotFound; nothing is tried twice here.
 */
export class KubernetesClient {
  readonly endpoint: Endpoint

  readonly #deadlineMs: number

  constructor(endpoint: Endpoint, deadlineMs = KUBERNETES_CALL_DEADLINE) {
    this.endpoint = endpoint
    this.#deadlineMs = deadlineMs
  }

  /** The same, with another deadline for each call. */
  withDeadline(deadlineMs: number): KubernetesClient {
    return new KubernetesClient(this.endpoint, deadlineMs)
  }

  /** The object, or undefined when there is none. */
  async get(resource: Resource, name: string): Promise<KubernetesObject | undefined> {
    return orUndefined(this.#object({ method: 'GET', path: resourcePath(resource, name) }))
  }

  /** One page of the collection; `query` may hold limit and continue. */
  async list(resource: Resource, query: Query = {}, signal?: AbortSignal): Promise<Page> {
    const request: ApiRequest = {
      method: 'GET',
      path: resourcePath(resource),
      query,
      accept: acceptOf(resource, 'List'),
      deadlineMs: this.#deadlineMs,
      ...(signal === undefined ? {} : { signal }),
    }
    const answer = await send(this.endpoint, request)
    const metadata = isRecord(answer) && isRecord(answer['metadata']) ? answer['metadata'] : {}
    const items = isRecord(answer) ? (answer['items'] ?? []) : undefined
    const version = metadata['resourceVersion']
    if (!Array.isArray(items) || !items.every(isKubernetesObject) || typeof version !== 'string') {
      throw unreachable(request, new Error('the answer is no list of objects'))
    }
    const next = metadata['continue']
    return { items, resourceVersion: version, continue: typeof next === 'string' && next !== '' ? next : undefined }
  }

  async create(resource: Resource, body: unknown): Promise<KubernetesObject> {
    return this.#object({ method: 'POST', path: resourcePath(resource), body })
  }

  /** Replaces the object; the body's resourceVersion makes it conditional. */
  async replace(resource: Resource, name: string, body: unknown): Promise<KubernetesObject> {
    return this.#object({ method: 'PUT', path: resourcePath(resource, name), body })
  }

  /** Changes the named fields only. With metadata.resourceVersion in the body: only if the object is still that version. */
  async mergePatch(resource: Resource, name: string, body: unknown, options: PatchOptions = {}): Promise<KubernetesObject> {
    return this.#object({
      method: 'PATCH',
      path: resourcePath(resource, name, options.subresource),
      body,
      contentType: 'application/merge-patch+json',
    })
  }

  /** Carries out the operations of RFC 6902, all or none. */
  async jsonPatch(resource: Resource, name: string, operations: readonly object[], options: PatchOptions = {}): Promise<KubernetesObject> {
    return this.#object({
      method: 'PATCH',
      path: resourcePath(resource, name, options.subresource),
      body: operations,
      contentType: 'application/json-patch+json',
    })
  }

  /** Server-side apply: the fields of the body become ours, those we had and left out go. */
  async apply(resource: Resource, name: string, body: unknown): Promise<KubernetesObject> {
    return this.#object({
      method: 'PATCH',
      path: resourcePath(resource, name),
      query: { fieldManager: FIELD_MANAGER, force: true },
      body,
      contentType: 'application/apply-patch+yaml',
    })
  }

  /** Deletes the object if it is there; with a uid only that very one, with a resource version only as it was then. Dependants go in the background. */
  async delete(resource: Resource, name: string, uid?: string, resourceVersion?: string): Promise<void> {
    const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) }
    const body = { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions }) }
    await orUndefined(send(this.endpoint, { method: 'DELETE', path: resourcePath(resource, name), body, deadlineMs: this.#deadlineMs }))
  }

  close(): void {
    this.endpoint.close()
  }

  async #object(request: ApiRequest): Promise<KubernetesObject> {
    const answer = await send(this.endpoint, { deadlineMs: this.#deadlineMs, ...request })
    if (!isKubernetesObject(answer)) throw unreachable(request, new Error('the answer is no object'))
    return answer
  }
}
