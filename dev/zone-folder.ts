import { randomUUID } from 'node:crypto'
import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { ZoneId } from '../core/ids.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { ConfigMapId, ZoneEvent, ZoneSource } from '../core/ports/zone-source-port.ts'
import { FOLDER_POLL_EVERY, FOLDER_SETTLE } from '../core/timing.ts'
import { idOfZone, ZONE_FINALIZER, type Zone, type ZoneStatus } from '../core/zone.ts'
import { validateZone } from '../core/zone-validation.ts'
import { parseManifests } from '../platform/yaml/index.ts'
import { FolderContents, readConfigMap } from './folder-contents.ts'

/** What one look at the folder found. */
export interface FolderReading {
  readonly zones: ReadonlyMap<ZoneId, Zone>
  readonly configMaps: ReadonlyMap<ConfigMapId, Readonly<Record<string, string>>>
  /** One sentence a problem, beginning with the file's name. */
  readonly problems: readonly string[]
  /** Files that could not be read as manifests: what they held before is neither changed nor deleted. */
  readonly unreadable: boolean
}

/** Reads every Zone and ConfigMap manifest of the files (name → text). Pure; `known` are the zones as they are, which rules about changes need. */
function readManifests(files: ReadonlyMap<string, string>, known: ReadonlyMap<ZoneId, Zone>): FolderReading {
  const zones = new Map<ZoneId, Zone>()
  const configMaps = new Map<ConfigMapId, Readonly<Record<string, string>>>()
  const problems: string[] = []
  let unreadable = false
  for (const [name, text] of files) {
    let manifests: readonly unknown[]
    try {
      manifests = parseManifests(text, name)
    } catch (error) {
      problems.push(describeError(error))
      unreadable = true
      continue
    }
    for (const manifest of manifests) {
      if (isRecord(manifest) && manifest['kind'] === 'ConfigMap') {
        const read = readConfigMap(manifest)
        if (typeof read === 'string') problems.push(`${name}: ${read}`)
        else if (configMaps.has(read.id)) problems.push(`${name}: ConfigMap ${read.id} is in another file too, this one is left out`)
        else configMaps.set(read.id, read.files)
        continue
      }
      const metadata = isRecord(manifest) && isRecord(manifest['metadata']) ? manifest['metadata'] : {}
      const old = known.get(`${metadata['namespace'] ?? 'default'}/${String(metadata['name'])}`)
      const wrong = validateZone(manifest, old)
      if (wrong.length > 0) {
        problems.push(...wrong.map(({ message }) => `${name}: ${message}`))
        // A refused change leaves what was there.
        if (old !== undefined) zones.set(idOfZone(old), old)
        continue
      }
      const zone = manifest as Zone
      if (zones.has(idOfZone(zone))) problems.push(`${name}: ${idOfZone(zone)} is in another file too, this one is left out`)
      else zones.set(idOfZone(zone), zone)
    }
  }
  return { zones, configMaps, problems, unreadable }
}

/**
 * A folder of Zone manifests, and of ConfigMaps with their content, as a source of zones: a saved file is an apply, a removed one a delete. It keeps what an API server would: uid, generation, status and
 * finalizer, in memory. A bad manifest is said and changes nothing.
 */
export class ZoneFolder implements ZoneSource {
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #zones = new Map<ZoneId, Zone>()
  readonly contents = new FolderContents()
  #said = new Set<string>()
  #onChange: (zone: ZoneId) => void = () => undefined

  constructor(folder: string, clock: Clock, log: Log) {
    this.#folder = folder
    this.#clock = clock
    this.#log = log
  }

  async watch(onChange: (zone: ZoneId) => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange
    this.look()
    let settle: NodeJS.Timeout | undefined
    const soon = () => {
      clearTimeout(settle)
      settle = setTimeout(() => this.look(), FOLDER_SETTLE)
    }
    // Not every file system tells of changes, so it is looked at from time to time as well.
    const poll = setInterval(() => this.look(), FOLDER_POLL_EVERY)
    let watcher: FSWatcher | undefined
    try {
      watcher = watch(this.#folder, soon)
      watcher.on('error', (error) =>
        this.#log.warn({ folder: this.#folder, error: describeError(error) }, 'folder can not be watched, it is polled'),
      )
    } catch (error) {
      this.#log.warn({ folder: this.#folder, error: describeError(error) }, 'folder can not be watched, it is polled')
    }
    signal.addEventListener('abort', () => {
      clearTimeout(settle)
      clearInterval(poll)
      watcher?.close()
    })
  }

  get(zone: ZoneId): Zone | undefined {
    return this.#zones.get(zone)
  }

  list(): readonly Zone[] {
    return [...this.#zones.values()]
  }

  async refresh(zone: ZoneId): Promise<Zone | undefined> {
    return this.#zones.get(zone)
  }

  async writeStatus(zone: Zone, status: ZoneStatus): Promise<void> {
    this.#change(zone, (current) => ({ ...current, status }))
  }

  async setFinalizer(zone: Zone, present: boolean): Promise<void> {
    this.#change(zone, (current) => {
      const others = (current.metadata.finalizers ?? []).filter((each) => each !== ZONE_FINALIZER)
      const finalizers = present ? [...others, ZONE_FINALIZER] : others
      if (finalizers.length === 0 && current.metadata.deletionTimestamp !== undefined) return undefined
      return { ...current, metadata: { ...current.metadata, finalizers } }
    })
  }

  event(zone: Zone, event: ZoneEvent): void {
    this.#log[event.type === 'Warning' ? 'warn' : 'info']({ zone: idOfZone(zone), reason: event.reason }, event.message)
  }

  /** One look at the folder. */
  look(): void {
    let files: Map<string, string>
    try {
      const names = readdirSync(this.#folder)
        .filter((name) => /\.ya?ml$/.test(name))
        .sort()
      files = new Map(names.map((name) => [name, readFileSync(join(this.#folder, name), 'utf8')]))
    } catch (error) {
      this.#say([`${this.#folder}: ${describeError(error)}`])
      return
    }
    const { zones, configMaps, problems, unreadable } = readManifests(files, this.#zones)
    this.#say(problems)
    this.contents.replace(configMaps, unreadable)
    for (const [id, zone] of zones) this.#apply(id, zone)
    for (const [id, zone] of this.#zones) if (!zones.has(id) && !unreadable) this.#delete(id, zone)
  }

  #apply(id: ZoneId, wanted: Zone): void {
    const current = this.#zones.get(id)
    if (current?.metadata.deletionTimestamp !== undefined) return
    if (current === undefined) {
      const metadata = { ...wanted.metadata, namespace: wanted.metadata.namespace ?? 'default' }
      const creationTimestamp = new Date(this.#clock.now()).toISOString()
      this.#zones.set(id, { ...wanted, metadata: { ...metadata, uid: randomUUID(), generation: 1, creationTimestamp } })
    } else if (JSON.stringify(current.spec) === JSON.stringify(wanted.spec)) return
    else
      this.#zones.set(id, {
        ...current,
        spec: wanted.spec,
        metadata: { ...current.metadata, generation: (current.metadata.generation ?? 1) + 1 },
      })
    this.#onChange(id)
  }

  #delete(id: ZoneId, zone: Zone): void {
    if (zone.metadata.deletionTimestamp !== undefined) return
    if ((zone.metadata.finalizers ?? []).length === 0) this.#zones.delete(id)
    else this.#zones.set(id, { ...zone, metadata: { ...zone.metadata, deletionTimestamp: new Date(this.#clock.now()).toISOString() } })
    this.#onChange(id)
  }

  /** Changes the zone if it is still the same object (uid); `undefined` removes it. */
  #change(zone: Zone, change: (current: Zone) => Zone | undefined): void {
    const id = idOfZone(zone)
    const current = this.#zones.get(id)
    if (current === undefined || current.metadata.uid !== zone.metadata.uid) return
    const next = change(current)
    if (next === undefined) this.#zones.delete(id)
    else this.#zones.set(id, next)
    this.#onChange(id)
  }

  /** Says each problem once, until it is gone. */
  #say(problems: readonly string[]): void {
    for (const problem of problems) if (!this.#said.has(problem)) this.#log.error({ folder: this.#folder }, problem)
    this.#said = new Set(problems)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
