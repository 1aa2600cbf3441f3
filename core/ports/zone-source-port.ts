import type { FleetId, ZoneId } from '../ids.ts'
import type { Zone, ZoneStatus } from '../zone.ts'

/**
 * Where Zones come from and what is told about them: the Kubernetes API, or the folder of manifests of the embedded world. Reads are of a local copy that the
 * watch keeps; writes go to the source and are seen in the copy at once. A write that was based on an outdated copy throws KubernetesConflict.
 */
export interface ZoneSource {
  /** Calls back with every zone that came, changed or went, until the signal aborts. Resolves when the copy is complete for the first time. */
  watch(onChange: (zone: ZoneId) => void, signal: AbortSignal): Promise<void>
  get(zone: ZoneId): Zone | undefined
  list(): readonly Zone[]
  /** Reads the zone anew, past the copy, and takes the answer into it. */
  refresh(zone: ZoneId): Promise<Zone | undefined>
  /** Replaces the whole status. */
  writeStatus(zone: Zone, status: ZoneStatus): Promise<void>
  /** Adds or removes the finalizer of Bailiwick; nothing if it is so already. */
  setFinalizer(zone: Zone, present: boolean): Promise<void>
  /** Tells people something about the zone. Best effort and bounded: repeats are counted, floods are dropped; never throws. */
  event(zone: Zone, event: ZoneEvent): void
}

/** `namespace/name`; the name may have dots. */
export type ConfigMapId = `${string}/${string}`

/**
 * Where ConfigMaps come from. Their versions are known from a local copy that the watch keeps, their text is read when it is needed: there may be thousands, of a
 * megabyte each.
 */
export interface ContentSource {
  /** Calls back with every ConfigMap that came, changed or went, until the signal aborts. Resolves when the copy is complete for the first time, or is refused. */
  watch(onChange: (configMap: ConfigMapId) => void, signal: AbortSignal): Promise<void>
  /** Undefined: it does not exist, or may not be seen (refusalOf). */
  versionOf(configMap: ConfigMapId): string | undefined
  /** Why ConfigMaps of its namespace may not be seen; undefined: they may. */
  refusalOf(configMap: ConfigMapId): string | undefined
  /** Undefined: it does not exist. Throws KubernetesUnavailable or KubernetesRefused. */
  read(configMap: ConfigMapId): Promise<ConfigMapFiles | undefined>
}

export interface ConfigMapFiles {
  readonly version: string
  /** Key to text; keys with binary data have the text ''. */
  readonly files: Readonly<Record<string, string>>
}

export interface ZoneEvent {
  readonly type: 'Normal' | 'Warning'
  /** One word in CamelCase. */
  readonly reason: string
  readonly message: string
}

/** What Bailiwick reads of an Agones Fleet. Its template is opaque: copied, never interpreted but for the few fields that a dedicated zone may override. */
export interface Fleet {
  readonly id: FleetId
  readonly uid: string
  readonly annotations: Readonly<Record<string, string>>
  /** The uid of the Zone that owns it; undefined for a shared fleet. */
  readonly ownerZone: string | undefined
  readonly deleting: boolean
  readonly spec: Readonly<Record<string, unknown>>
}

/** What Bailiwick reads of the FleetAutoscaler of a Fleet: what is copied for a dedicated zone. */
export interface Autoscaler {
  readonly name: string
  readonly spec: Readonly<Record<string, unknown>>
}

/** An object to apply as it is: server-side apply, so that fields which are not named stay whoever's they are. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly OwnerReference[]
  }
  readonly spec: Readonly<Record<string, unknown>>
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller: boolean
  readonly blockOwnerDeletion: boolean
}

/** Fleets and their game servers. The embedded world has one fleet in each namespace and no game servers. */
export interface FleetSource {
  /** Calls back with every fleet that came, changed (itself or its autoscaler) or went. Resolves when the copy is complete for the first time. */
  watchFleets(onChange: (fleet: FleetId) => void, signal: AbortSignal): Promise<void>
  /** Calls back with every game server that is on its way out or gone. Resolves when the copy is complete for the first time. */
  watchServers(onFate: (server: ServerFate) => void, signal: AbortSignal): Promise<void>
  get(fleet: FleetId): Fleet | undefined
  autoscalerOf(fleet: FleetId): Autoscaler | undefined
  /** Why game servers of the fleet can't run, as Agones says it; undefined while none is in state Error. */
  troubleOf(fleet: FleetId): string | undefined
  /** The game servers of the fleet; undefined where there are none to be seen. */
  serversOf(fleet: FleetId): readonly GameServerSeen[] | undefined
  /** Asks Kubernetes itself, past the copy, whether the fleet has a game server of this name. Throws KubernetesUnavailable or KubernetesRefused. */
  hasServer(fleet: FleetId, name: string): Promise<boolean>
  /** Deletes that very one, as it was seen: changed meanwhile it throws KubernetesConflict. Nothing if it is gone. */
  deleteServer(server: GameServerSeen): Promise<void>
  apply(manifest: Manifest): Promise<void>
  /** Deletes the fleet and its autoscaler of the same name if they exist and are owned by the zone with this uid. */
  deleteDedicated(fleet: FleetId, zoneUid: string): Promise<void>
}

/** A game server as Kubernetes has it. */
export interface GameServerSeen {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  /** As Agones says it; empty: none yet. */
  readonly state: string
  readonly deleting: boolean
}

export interface ServerFate {
  readonly fleet: FleetId
  readonly name: string
  /**
   * leaving: it will not come back, but may still be closing its layers (Shutdown, being deleted). unhealthy: the same, but it has ended already, or hangs. gone: its pod is gone for good, or never was (the
   * object is deleted, or in state Error).
   */
  readonly fate: 'leaving' | 'unhealthy' | 'gone'
}
