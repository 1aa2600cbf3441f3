import { parseLayerId } from '../core/ids.ts'
import type { LayerView } from '../core/ports/index-port.ts'
import { specWithDefaults } from '../core/zone-schema.ts'
import { type Violation, violation } from './acceptance.ts'
import { type Observed, openLayers, quarantinedLayers } from './observe.ts'

/** What phase and conditions are decided from. */
export interface Facts {
  readonly terminating: boolean
  readonly suspended: boolean
  /** What is wrong with the spec. */
  readonly violation: Violation | undefined
  /** And it can't be hosted because of it. */
  readonly refused: boolean
  /** False while the index was never read: nothing is known of layers. */
  readonly indexRead: boolean
  /** The zone leaves one fleet for another. */
  readonly moving: boolean
  /** Layers that somebody hosts or that wait for a host, of the fleet in use. */
  readonly open: readonly LayerView[]
  /** Of these: players are in or may join. */
  readonly serving: readonly LayerView[]
  /** On their way to be served. */
  readonly opening: readonly LayerView[]
  /** On their way to be closed. */
  readonly closing: readonly LayerView[]
  /** Given up by their last host, and not served since. */
  readonly failed: readonly LayerView[]
  /** Crashed too often, and not placed until somebody asks for another try. */
  readonly quarantined: readonly LayerView[]
  /** Layers that `Always` wants and that are neither served nor quarantined. */
  readonly missing: number
}

export function gatherFacts(observed: Observed): Facts {
  const { zone, wanted, inUse } = observed
  const spec = specWithDefaults(zone)
  const used = inUse ?? wanted
  const open = openLayers(used.placement)
  const isClosing = ({ state, closeRequested }: LayerView): boolean => state === 'Closing' || closeRequested !== undefined
  const serving = open.filter((layer) => layer.state === 'Serving' && !isClosing(layer))
  const found = violation(observed)
  const refused = found?.blocks === true
  const kept = spec.activation === 'Always' && spec.suspend !== true && !refused ? (spec.layers?.min ?? 1) : 0
  const aside = quarantinedLayers(used.placement)
  const terminating = zone.metadata.deletionTimestamp !== undefined
  return {
    terminating,
    suspended: spec.suspend === true,
    violation: found,
    refused,
    indexRead: used.placement !== undefined,
    moving: inUse !== undefined && inUse.id !== wanted.id && !refused,
    open,
    serving,
    opening: open.filter((layer) => layer.state !== 'Serving' && !isClosing(layer)),
    closing: open.filter(isClosing),
    failed: (used.placement?.layers ?? []).filter(
      ({ failure, state }) => failure !== undefined && state !== 'Serving' && state !== 'Quarantined',
    ),
    quarantined: aside,
    missing: terminating ? 0 : kept - [...serving, ...aside].filter(({ layer }) => parseLayerId(layer).index < kept).length,
  }
}
