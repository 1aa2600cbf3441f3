import { describeError } from '../../core/errors.ts'
import type { FleetId, LayerId } from '../../core/ids.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'

/** Opens a crowded zone's next layer behind the back of the join that noticed it: nobody waits for it, and it is asked for once, however many notice. */
export class NextLayers {
  readonly #index: Pick<ZoneIndex, 'placeLayer'>
  readonly #log: Log
  /** At most one a layer, for as long as one call takes. */
  readonly #underWay = new Set<LayerId>()

  constructor(index: Pick<ZoneIndex, 'placeLayer'>, log: Log) {
    this.#index = index
    this.#log = log
  }

  /** Never throws: the next join notices again. */
  open(fleet: FleetId, layer: LayerId): void {
    if (this.#underWay.has(layer)) return
    this.#underWay.add(layer)
    this.#index.placeLayer(fleet, layer).then(
      ({ state, host }) => {
        this.#underWay.delete(layer)
        this.#log.info({ layer, fleet, state, host }, 'the zone is crowded, its next layer opens')
      },
      (error: unknown) => {
        this.#underWay.delete(layer)
        this.#log.warn({ layer, fleet, detail: describeError(error) }, 'the next layer of a crowded zone could not be opened')
      },
    )
  }
}
