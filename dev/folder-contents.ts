import type { ConfigMapFiles, ConfigMapId, ContentSource } from '../core/ports/zone-source-port.ts'

/** Checks a ConfigMap manifest as far as Bailiwick reads it; answers its id and files, or what is wrong with it. */
export function readConfigMap(
  manifest: Readonly<Record<string, unknown>>,
): { readonly id: ConfigMapId; readonly files: Readonly<Record<string, string>> } | string {
  const metadata = isRecord(manifest['metadata']) ? manifest['metadata'] : {}
  const { name, namespace = 'default' } = metadata
  if (manifest['apiVersion'] !== 'v1') return 'apiVersion of a ConfigMap must be v1'
  if (typeof name !== 'string' || name === '' || typeof namespace !== 'string') return 'metadata.name of a ConfigMap is required'
  const data = manifest['data'] ?? {}
  if (!isRecord(data)) return `ConfigMap ${name}: data must be an object of texts`
  const files: Record<string, string> = {}
  for (const [key, text] of Object.entries(data)) {
    if (typeof text !== 'string') return `ConfigMap ${name}: data.${key} must be a text, write | after the colon`
    files[key] = text
  }
  return { id: `${namespace}/${name}`, files }
}

/** The ConfigMaps of the embedded world's folder. */
export class FolderContents implements ContentSource {
  #all: ReadonlyMap<ConfigMapId, ConfigMapFiles> = new Map()
  #versions = 0
  #onChange: (configMap: ConfigMapId) => void = () => undefined

  async watch(onChange: (configMap: ConfigMapId) => void): Promise<void> {
    this.#onChange = onChange
  }

  versionOf(configMap: ConfigMapId): string | undefined {
    return this.#all.get(configMap)?.version
  }

  refusalOf(): undefined {
    return undefined
  }

  async read(configMap: ConfigMapId): Promise<ConfigMapFiles | undefined> {
    return this.#all.get(configMap)
  }

  /** These are all that there are; with `keep`, those that are not among them stay. */
  replace(found: ReadonlyMap<ConfigMapId, Readonly<Record<string, string>>>, keep: boolean): void {
    const before = this.#all
    const next = new Map(keep ? before : [])
    const changed = new Set<ConfigMapId>(keep ? [] : [...before.keys()].filter((id) => !found.has(id)))
    for (const [id, files] of found) {
      const known = before.get(id)
      const isSame = known !== undefined && JSON.stringify(known.files) === JSON.stringify(files)
      next.set(id, isSame ? known : { version: String(++this.#versions), files })
      if (!isSame) changed.add(id)
    }
    this.#all = next
    for (const id of changed) this.#onChange(id)
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
