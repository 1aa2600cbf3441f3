import type { LayerId } from '../../core/ids.ts'
import type { CharacterLocation, JoinAnswer, LayerView, NewTicket, ZoneIndex } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { layersFor } from './choose-layer.ts'
import type { Crowds } from './crowds.ts'

/** A zone as it was a moment ago, by the copy of the index. */
export interface ZoneBefore {
  readonly settings: ZoneSettings
  /** Those that have a record; undefined: it is not known, or too old. */
  readonly layers: readonly LayerView[] | undefined
}

/** A layer that was asked for before it is known that it is the one. */
export interface Guess {
  readonly before: ZoneSettings
  readonly layer: LayerId
  /** Rejects as joinLayer does. */
  readonly answer: Promise<JoinAnswer>
}

/**
 * Wakes the layer of a zone that slept a moment ago, beside the look at the zone and not behind it: a round trip less for who waits longest. Undefined: it did not sleep, or others are on their way there already, and
 * which layer is right is not known without a look. Whether the guess was right is for `isRight` to say; what a wrong one costs is a ticket that nobody gets, and a layer that falls asleep again, and
 * it takes settings that changed within the moment. A zone that must not be placed is barred in the index, which a guess does not get past either.
 */
export function guessAsleep(
  { index, crowds }: { readonly index: Pick<ZoneIndex, 'joinLayer'>; readonly crowds: Crowds },
  before: ZoneBefore | undefined,
  ticket: NewTicket,
): Guess | undefined {
  if (before?.layers === undefined || before.settings.suspended) return undefined
  const layer = crowds.chooseAsleep(before.settings, before.layers, ticket.character)
  if (layer === undefined) return undefined
  const answer = index.joinLayer(before.settings.fleet, layer, ticket)
  // Whoever needs it sees what it failed with.
  answer.catch(() => undefined)
  return { before: before.settings, layer, answer }
}

/** By the zone as it is now, and what was answered: a host is bringing the layer back, and no look would have chosen another. */
export function isRight(
  { before, layer }: Guess,
  answer: JoinAnswer,
  settings: ZoneSettings,
  location: CharacterLocation | undefined,
): boolean {
  const isWaking = answer.ticketed && (answer.state === 'Assigned' || answer.state === 'Claiming')
  const isSame = settings.fleet === before.fleet && settings.layers.max === before.layers.max
  return isWaking && isSame && !isElsewhere(settings, location, layer)
}

/** The character is in another layer of the zone already, as far as the index knows. */
function isElsewhere(settings: ZoneSettings, location: CharacterLocation | undefined, layer: LayerId): boolean {
  const own = location?.state === 'InZone' ? location.layer : undefined
  return own !== undefined && own !== layer && layersFor(settings, location).includes(own)
}
