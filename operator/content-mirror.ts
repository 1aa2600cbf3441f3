import { BailiwickError, describeError, isCode } from '../core/errors.ts'
import type { ZoneId } from '../core/ids.ts'
import type { ConfigMapId, ContentSource } from '../core/ports/zone-source-port.ts'
import type { Zone } from '../core/zone.ts'
import { type ReadContent, readContent } from './content-reader.ts'

/**
 * What a zone's `spec.content` names. `missing`: there is no such ConfigMap. `invalid`: its author has to correct it. `unreadable`: the API refuses to show it.
 * `unread`: not looked at yet.
 */
export type ContentFacts =
  | { readonly state: 'none' }
  | { readonly state: 'missing' | 'unread'; readonly configMap: ConfigMapId }
  | { readonly state: 'invalid' | 'unreadable'; readonly configMap: ConfigMapId; readonly why: string }
  | { readonly state: 'read'; readonly configMap: ConfigMapId; readonly hash: string }

interface Known {
  readonly version: string
  readonly facts: ContentFacts
}

/** The ConfigMap that the zone's content comes from. */
export function contentOf({ metadata, spec }: Zone): ConfigMapId | undefined {
  return spec.content === undefined ? undefined : `${metadata.namespace ?? 'default'}/${spec.content.configMap}`
}

/** What is known of the ConfigMaps that zones name, and of no other: for each its version, its hash or what is wrong with it, not its text. */
export class ContentMirror {
  readonly #source: ContentSource
  readonly #known = new Map<ConfigMapId, Known>()
  readonly #usedBy = new Map<ConfigMapId, Set<ZoneId>>()
  readonly #uses = new Map<ZoneId, ConfigMapId>()

  constructor(source: ContentSource) {
    this.#source = source
  }

  /** Takes in what the zone names now (undefined: the zone is gone). */
  zoneChanged(id: ZoneId, zone: Zone | undefined): void {
    const before = this.#uses.get(id)
    const now = zone === undefined ? undefined : contentOf(zone)
    if (before === now) return
    if (before !== undefined) {
      const users = this.#usedBy.get(before)
      users?.delete(id)
      if (users?.size === 0) {
        this.#usedBy.delete(before)
        this.#known.delete(before)
      }
    }
    this.#uses.delete(id)
    if (now === undefined) return
    this.#uses.set(id, now)
    this.#usedBy.set(now, (this.#usedBy.get(now) ?? new Set()).add(id))
  }

  /** The zones that name it. */
  usersOf(configMap: ConfigMapId): readonly ZoneId[] {
    return [...(this.#usedBy.get(configMap) ?? [])]
  }

  factsOf(zone: Zone): ContentFacts {
    const configMap = contentOf(zone)
    if (configMap === undefined) return { state: 'none' }
    if (this.#source.versionOf(configMap) === undefined) {
      const why = this.#source.refusalOf(configMap)
      return why === undefined ? { state: 'missing', configMap } : { state: 'unreadable', configMap, why }
    }
    return this.#known.get(configMap)?.facts ?? { state: 'unread', configMap }
  }

  /** Looks at what the zone names, unless it is known in its present version. Throws KubernetesUnavailable. */
  async look(zone: Zone): Promise<void> {
    const configMap = contentOf(zone)
    const version = configMap === undefined ? undefined : this.#source.versionOf(configMap)
    if (configMap === undefined || version === undefined || this.#known.get(configMap)?.version === version) return
    const known = await this.#read(configMap)
    // Nobody may name it any more, by now.
    if (this.#usedBy.has(configMap) && known !== undefined) this.#known.set(configMap, known)
  }

  /** The text of this hash. Throws Busy when the ConfigMap holds another by now, and what reading it throws. */
  async textOf(configMap: ConfigMapId, hash: string): Promise<string> {
    const found = await this.#source.read(configMap)
    const content = found === undefined ? undefined : readContent(found.files)
    if (content?.hash !== hash)
      throw new BailiwickError('Busy', { asked: `content ${hash} of ConfigMap ${configMap}`, found: 'it was changed meanwhile' })
    return content.text
  }

  async #read(configMap: ConfigMapId): Promise<Known | undefined> {
    try {
      const found = await this.#source.read(configMap)
      return found === undefined ? undefined : { version: found.version, facts: judge(configMap, found.files) }
    } catch (error) {
      if (!isCode(error, 'KubernetesRefused')) throw error
      // No version: it is tried again the next time that the zone is looked at.
      return { version: '', facts: { state: 'unreadable', configMap, why: describeError(error) } }
    }
  }
}

function judge(configMap: ConfigMapId, files: Readonly<Record<string, string>>): ContentFacts {
  let content: ReadContent
  try {
    content = readContent(files)
  } catch (error) {
    if (!(error instanceof BailiwickError) || error.code !== 'InvalidInput') throw error
    return { state: 'invalid', configMap, why: `${error.asked}: ${error.found}` }
  }
  return { state: 'read', configMap, hash: content.hash }
}
