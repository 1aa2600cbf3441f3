import type { Clock } from '../../core/clock.ts'
import type { LayerId } from '../../core/ids.ts'
import { layerToOpen } from '../../core/layer-demand.ts'
import type { CharacterLocation, LayerView, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { chooseLayer } from './choose-layer.ts'
import { NextLayers } from './next-layers.ts'
import { RecentJoins } from './recent-joins.ts'

/** Sends joins to layers, and has the next layer of a zone opened when the open ones have their players. */
export class Crowds {
  readonly #recent: RecentJoins
  readonly #next: NextLayers

  constructor(index: Pick<ZoneIndex, 'placeLayer'>, clock: Clock, log: Log) {
    this.#recent = new RecentJoins(clock)
    this.#next = new NextLayers(index, log)
  }

  /**
   * The layer for a character, by what the index says of all layers of its zone; undefined: all are full. Whoever chooses next sees the character there already, until
   * `stayed` is called.
   */
  choose(
    settings: ZoneSettings,
    views: readonly LayerView[],
    character: string,
    location: CharacterLocation | undefined,
  ): LayerId | undefined {
    const expected = this.#recent.expected(views)
    const next = layerToOpen(settings, expected)
    if (next !== undefined) this.#next.open(settings.fleet, next)
    // Those who are on their way may be among the players already: for them alone nobody is refused.
    const layer = chooseLayer(settings, expected, location) ?? chooseLayer(settings, views, location)
    const isServed = views.some((view) => view.layer === layer && view.state === 'Serving')
    if (layer !== undefined) this.#recent.sent(layer, character, isServed)
    return layer
  }

  /** Who was to go to the layer got no ticket. */
  stayed(layer: LayerId, character: string): void {
    this.#recent.stayed(layer, character)
  }
}
