import { hash } from 'node:crypto'
import type { LayerId, ZoneId } from '../../../core/ids.ts'
import type { LayerView } from '../../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import { detailZone, summarizeZone, type ZoneState } from '../describe-zone.ts'
import { zoneDetail, zoneSummary } from '../schemas.ts'

/** What is answered of one zone, made once a version: JSON without its closing brace, so that its age can be added. */
export interface Described {
  /** A weak entity tag: the same for the same content, whichever replica answers. */
  readonly etag: string
  readonly detail: string
  readonly summary: string
  readonly state: ZoneState
  readonly players: number
}

/** One zone of the copy. */
export class ZoneEntry {
  readonly settings: ZoneSettings
  readonly #layers: () => readonly LayerView[]
  #described: Described | undefined

  constructor(settings: ZoneSettings, layers: () => readonly LayerView[]) {
    this.settings = settings
    this.#layers = layers
  }

  /** Something of it is new: it is described anew when somebody asks. */
  changed(): void {
    this.#described = undefined
  }

  get described(): Described {
    this.#described ??= describe(this.settings, this.#layers())
    return this.#described
  }
}

function describe(settings: ZoneSettings, layers: readonly LayerView[]): Described {
  // Through the schemas, so that what is documented is what is sent.
  const detail = open(JSON.stringify(zoneDetail.parse(detailZone(settings, layers))))
  const { state, players, ...rest } = zoneSummary.parse(summarizeZone(settings, layers))
  return { etag: `W/"${hash('sha1', detail, 'base64url')}"`, detail, summary: JSON.stringify({ ...rest, state, players }), state, players }
}

function open(json: string): string {
  return json.slice(0, -1)
}

/** The zone of a layer id that the index gave. */
export function zoneOf(layer: LayerId): ZoneId {
  return layer.slice(0, layer.lastIndexOf('/')) as ZoneId
}
