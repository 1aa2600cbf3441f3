import { BailiwickError } from '../../../../core/errors.ts'
import { type FleetId, fleetId, type ZoneId } from '../../../../core/ids.ts'
import type {
  Autoscaler,
  ConfigMapFiles,
  ConfigMapId,
  ContentSource,
  Fleet,
  FleetSource,
  Manifest,
  ServerFate,
  ZoneEvent,
  ZoneSource,
} from '../../../../core/ports/zone-source-port.ts'
import { idOfZone, ZONE_FINALIZER, type Zone, type ZoneSpec, type ZoneStatus } from '../../../../core/zone.ts'
import type { Life } from './mortal.ts'

/** Watches hear of a change this much later, ms. */
const LAG = 5

/** A test double of the API server: Zones with versions, conflicts, finalizers and deletion; Fleets with owners. Outlives the operators that use it. */
export class ApiDouble {
  readonly zones = new Map<ZoneId, Zone>()
  readonly fleets = new Map<FleetId, { fleet: Fleet; autoscaler: Autoscaler | undefined }>()
  readonly configMaps = new Map<ConfigMapId, ConfigMapFiles>()
  /** Why the operator may not see ConfigMaps. */
  configMapsRefused: string | undefined
  readonly events: string[] = []
  readonly #configMapWatchers = new Set<(configMap: ConfigMapId) => void>()
  readonly #zoneWatchers = new Set<(zone: ZoneId) => void>()
  readonly #fleetWatchers = new Set<(fleet: FleetId) => void>()
  readonly #serverWatchers = new Set<(server: ServerFate) => void>()
  #version = 100
  #uids = 0

  apply(name: string, spec: ZoneSpec, namespace = 'game'): ZoneId {
    const id: ZoneId = `${namespace}/${name}`
    const known = this.zones.get(id)
    const metadata =
      known === undefined
        ? { name, namespace, uid: `uid-${++this.#uids}`, generation: 1, creationTimestamp: new Date().toISOString() }
        : { ...known.metadata, generation: (known.metadata.generation ?? 0) + 1 }
    this.#store(id, { ...known, metadata, spec })
    return id
  }

  delete(id: ZoneId): void {
    const zone = this.#get(id)
    if ((zone.metadata.finalizers ?? []).length === 0) this.#remove(id)
    else this.#store(id, { ...zone, metadata: { ...zone.metadata, deletionTimestamp: new Date().toISOString() } })
  }

  /** Takes the finalizers away by hand, as an impatient person does. */
  force(id: ZoneId): void {
    this.#remove(id)
  }

  addFleet(id: FleetId, spec: Readonly<Record<string, unknown>> = {}, autoscaler?: Autoscaler): void {
    this.fleets.set(id, { fleet: { id, uid: `uid-${id}`, annotations: {}, ownerZone: undefined, deleting: false, spec }, autoscaler })
    this.#tellFleet(id)
  }

  /** What Agones and Kubernetes say of a game server. */
  tellServer(server: ServerFate): void {
    for (const watcher of this.#serverWatchers) watcher(server)
  }

  removeFleet(id: FleetId): void {
    this.fleets.delete(id)
    this.#tellFleet(id)
  }

  applyConfigMap(id: ConfigMapId, files: Readonly<Record<string, string>>): void {
    this.configMaps.set(id, { version: String(++this.#version), files })
    this.#tellConfigMap(id)
  }

  deleteConfigMap(id: ConfigMapId): void {
    this.configMaps.delete(id)
    this.#tellConfigMap(id)
  }

  contentSource(life: Life): ContentSource {
    return {
      watch: async (onChange, signal) => {
        const watcher = (id: ConfigMapId): void => {
          if (!signal.aborted && !life.dead) onChange(id)
        }
        this.#configMapWatchers.add(watcher)
        signal.addEventListener('abort', () => this.#configMapWatchers.delete(watcher), { once: true })
      },
      versionOf: (id) => (this.configMapsRefused === undefined ? this.configMaps.get(id)?.version : undefined),
      refusalOf: () => this.configMapsRefused,
      read: (id) => life.read(async () => this.configMaps.get(id)),
    }
  }

  zoneSource(life: Life): ZoneSource {
    const copy = new Map<ZoneId, Zone>()
    const take = (id: ZoneId): void => {
      const zone = this.zones.get(id)
      if (zone === undefined) copy.delete(id)
      else copy.set(id, zone)
    }
    return {
      watch: async (onChange, signal) => {
        for (const id of this.zones.keys()) take(id)
        const watcher = (id: ZoneId): void => {
          if (signal.aborted || life.dead) return
          take(id)
          onChange(id)
        }
        this.#zoneWatchers.add(watcher)
        signal.addEventListener('abort', () => this.#zoneWatchers.delete(watcher), { once: true })
        for (const id of copy.keys()) onChange(id)
      },
      get: (id) => copy.get(id),
      list: () => [...copy.values()],
      refresh: (id) =>
        life.read(async () => {
          take(id)
          return this.zones.get(id)
        }),
      writeStatus: (zone, status) =>
        life.write(async () => {
          const id = idOfZone(zone)
          this.#store(id, { ...this.#check(zone), status: structuredClone(status) as ZoneStatus })
          take(id)
        }),
      setFinalizer: async (zone, present) => {
        const has = zone.metadata.finalizers?.includes(ZONE_FINALIZER) ?? false
        if (has === present) return
        await life.write(async () => {
          const id = idOfZone(zone)
          const stored = this.#check(zone)
          const finalizers = present ? [ZONE_FINALIZER] : []
          if (!present && stored.metadata.deletionTimestamp !== undefined) this.#remove(id)
          else this.#store(id, { ...stored, metadata: { ...stored.metadata, finalizers } })
          take(id)
        })
      },
      event: (zone: Zone, event: ZoneEvent) => {
        if (!life.dead) this.events.push(`${idOfZone(zone)} ${event.type} ${event.reason}: ${event.message}`)
      },
    }
  }

  fleetSource(life: Life): FleetSource {
    return {
      watchFleets: async (onChange, signal) => {
        const watcher = (fleet: FleetId): void => {
          if (!signal.aborted && !life.dead) onChange(fleet)
        }
        this.#fleetWatchers.add(watcher)
        signal.addEventListener('abort', () => this.#fleetWatchers.delete(watcher), { once: true })
      },
      watchServers: async (onFate, signal) => {
        const watcher = (server: ServerFate): void => {
          if (!signal.aborted && !life.dead) onFate(server)
        }
        this.#serverWatchers.add(watcher)
        signal.addEventListener('abort', () => this.#serverWatchers.delete(watcher), { once: true })
      },
      get: (id) => this.fleets.get(id)?.fleet,
      autoscalerOf: (id) => this.fleets.get(id)?.autoscaler,
      troubleOf: () => undefined,
      serversOf: () => undefined,
      hasServer: async () => false,
      deleteServer: async () => {},
      apply: (manifest) => life.write(async () => this.#applyManifest(manifest)),
      deleteDedicated: (id, uid) =>
        life.write(async () => {
          if (this.fleets.get(id)?.fleet.ownerZone === uid) this.removeFleet(id)
        }),
    }
  }

  #applyManifest({ kind, metadata, spec }: Manifest): void {
    const id = fleetId(metadata.namespace, metadata.name)
    const known = this.fleets.get(id)
    const fleet: Fleet = {
      id,
      uid: `uid-${id}`,
      annotations: metadata.annotations ?? {},
      ownerZone: metadata.ownerReferences?.[0]?.uid,
      deleting: false,
      spec,
    }
    if (kind === 'Fleet') this.fleets.set(id, { fleet, autoscaler: known?.autoscaler })
    else if (known !== undefined) this.fleets.set(id, { ...known, autoscaler: { name: metadata.name, spec } })
    this.#tellFleet(id)
  }

  #check(zone: Zone): Zone {
    const stored = this.zones.get(idOfZone(zone))
    if (stored === undefined) throw new BailiwickError('NotFound')
    if (stored.metadata.resourceVersion !== zone.metadata.resourceVersion) throw new BailiwickError('KubernetesConflict')
    return stored
  }

  #get(id: ZoneId): Zone {
    const zone = this.zones.get(id)
    if (zone === undefined) throw new Error(`no zone ${id}`)
    return zone
  }

  #store(id: ZoneId, zone: Zone): void {
    this.zones.set(id, { ...zone, metadata: { ...zone.metadata, resourceVersion: String(++this.#version) } })
    this.#tellZone(id)
  }

  /** With its dependants, as the garbage collector does. */
  #remove(id: ZoneId): void {
    const uid = this.zones.get(id)?.metadata.uid
    this.zones.delete(id)
    for (const [fleet, { fleet: object }] of this.fleets) if (object.ownerZone === uid) this.removeFleet(fleet)
    this.#tellZone(id)
  }

  #tellZone(id: ZoneId): void {
    setTimeout(() => {
      for (const watcher of [...this.#zoneWatchers]) watcher(id)
    }, LAG)
  }

  #tellConfigMap(id: ConfigMapId): void {
    setTimeout(() => {
      for (const watcher of [...this.#configMapWatchers]) watcher(id)
    }, LAG)
  }

  #tellFleet(id: FleetId): void {
    setTimeout(() => {
      for (const watcher of [...this.#fleetWatchers]) watcher(id)
    }, LAG)
  }
}
