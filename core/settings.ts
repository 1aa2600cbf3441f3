import type { Bounds } from './geometry.ts'
import type { FleetId, ZoneId } from './ids.ts'

/** What everybody but the operator knows of a Zone: the part of its spec that has an effect on hosts, joins and layers. */
export interface ZoneSettings {
  readonly zone: ZoneId
  /** metadata.uid: a zone deleted and made anew is another one. */
  readonly uid: string
  /** metadata.generation: settings of the same uid only go forward. */
  readonly generation: number
  /** The fleet in use, which changes only when no layer is left in the old one. */
  readonly fleet: FleetId
  readonly activation: 'OnDemand' | 'Always'
  readonly suspended: boolean
  readonly idleAfterMs: number
  /** The last try of its quarantined layers that was asked for (RETRY_ANNOTATION), and was begun. */
  readonly retry?: string
  readonly layers: {
    /** So many are kept open by `Always`; so many share the players of `OnDemand` before another opens. */
    readonly min: number
    readonly max: number
    /** The next one opens when all have so many: core/layer-demand.ts. Absent: a share of maxPlayers. */
    readonly targetPlayers?: number
    /** A layer with so many takes nobody more. */
    readonly maxPlayers: number
  }
  /** Metres. */
  readonly bounds: Bounds
  /** Zones whose border with this one is open: both name each other. Absent: none. */
  readonly neighbours?: readonly ZoneId[]
  readonly tickRateHz: number
  readonly snapshotEveryMs: number
  /** The hash that names what its author put into it (core/content.ts), which is stored beside the settings. Absent: an empty plane. */
  readonly content?: string
}

/** Every field of its layers, and of it. */
export const LAYERS_FIELDS: Readonly<Record<keyof ZoneSettings['layers'], true>> = {
  min: true,
  max: true,
  targetPlayers: true,
  maxPlayers: true,
}
export const SETTINGS_FIELDS: Readonly<Record<keyof ZoneSettings, true>> = {
  zone: true,
  uid: true,
  generation: true,
  fleet: true,
  activation: true,
  suspended: true,
  idleAfterMs: true,
  layers: true,
  bounds: true,
  neighbours: true,
  tickRateHz: true,
  snapshotEveryMs: true,
  content: true,
  retry: true,
}
