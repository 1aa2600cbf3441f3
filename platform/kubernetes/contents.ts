import type { ConfigMapFiles, ConfigMapId, ContentSource } from '../../core/ports/zone-source-port.ts'
import { isRecord, type KubernetesObject, keyOf } from './objects.ts'
import { type WatchedResource, watchResource } from './watch-resource.ts'
import { type KubernetesSourceOptions, resources } from './zones.ts'

/** The ConfigMaps of a cluster: watched by their metadata alone, read whole one by one. */
export class KubernetesContents implements ContentSource {
  readonly #options: KubernetesSourceOptions
  #watched: readonly (WatchedResource & { readonly namespace: string | undefined })[] = []

  constructor(options: KubernetesSourceOptions) {
    this.#options = options
  }

  async watch(onChange: (configMap: ConfigMapId) => void, signal: AbortSignal): Promise<void> {
    const { client, log, namespaces } = this.#options
    this.#watched = resources('', 'v1', 'configmaps', namespaces).map((resource) => ({
      namespace: resource.namespace,
      ...watchResource({
        client,
        resource: { ...resource, metadataOnly: true },
        log,
        signal,
        select: withVersionOnly,
        onChange: ({ object }) => onChange(keyOf(object) as ConfigMapId),
      }),
    }))
    // Without the right to list them the operator is of use all the same, to every zone that has no content.
    await Promise.all(this.#watched.map((one) => one.answered))
  }

  versionOf(configMap: ConfigMapId): string | undefined {
    for (const { cache } of this.#watched) {
      const found = cache.get(configMap)
      if (found !== undefined) return versionOf(found)
    }
    return undefined
  }

  refusalOf(configMap: ConfigMapId): string | undefined {
    const own = this.#watched.filter(({ namespace }) => namespace === undefined || configMap.startsWith(`${namespace}/`))
    return own.map((one) => one.refusal()).find((refusal) => refusal !== undefined)
  }

  async read(configMap: ConfigMapId): Promise<ConfigMapFiles | undefined> {
    const slash = configMap.indexOf('/')
    const resource = { group: '', version: 'v1', plural: 'configmaps', namespace: configMap.slice(0, slash) }
    const object = await this.#options.client.get(resource, configMap.slice(slash + 1))
    if (object === undefined) return undefined
    const { data, binaryData } = object
    const texts = Object.entries(isRecord(data) ? data : {}).map(([key, text]) => [key, String(text)] as const)
    const binary = Object.keys(isRecord(binaryData) ? binaryData : {}).map((key) => [key, ''] as const)
    return { version: versionOf(object), files: Object.fromEntries([...binary, ...texts]) }
  }
}

/** An object that was deleted and made anew is another one. */
function versionOf({ metadata }: KubernetesObject): string {
  return `${metadata.uid}/${metadata.resourceVersion}`
}

/** A namespace may be full of ConfigMaps that are none of ours. */
function withVersionOnly({ metadata }: KubernetesObject): KubernetesObject {
  const { name, namespace = '', uid = '', resourceVersion = '' } = metadata
  return { metadata: { name, namespace, uid, resourceVersion } }
}
