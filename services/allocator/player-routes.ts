import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { KnownLocation, ZoneIndex } from '../../core/ports/index-port.ts'
import { type HttpApp, route } from '../../platform/http/index.ts'
import { bearer, type Caller, type TokenVerifier } from '../../platform/tokens/index.ts'
import { playerAnswer, playerParams } from './schemas.ts'

const mayAskOfAll: ReadonlySet<string> = new Set(['moderator', 'admin'])

export interface PlayerDeps {
  readonly index: Pick<ZoneIndex, 'getLocation'>
  readonly verifier: TokenVerifier
  readonly clock: Clock
}

/** Where a character is: for its account, moderators and admins. */
export function addPlayerRoute(app: HttpApp, { index, verifier, clock }: PlayerDeps): void {
  const spec = {
    summary: 'Where a character is: for its own account, moderators and admins',
    params: playerParams,
    auth: bearer(verifier),
    answer: { status: 200, body: playerAnswer },
    errors: ['CharacterUnknown', 'CharacterNotYours', 'IndexUnavailable'],
  } as const
  route(app, 'get', '/v1/players/:character', spec, async ({ params, caller }) => {
    const { character } = params
    const askedAt = clock.now()
    const { account: _, ...place } = seenBy(caller, character, await index.getLocation(character))
    return { character, ...place, age: Math.max(0, clock.now() - askedAt) }
  })
}

/** A character that never was in a zone is not known to the index. Throws CharacterUnknown, CharacterNotYours. */
function seenBy(caller: Caller, character: string, location: KnownLocation | undefined): KnownLocation {
  if (location === undefined) throw new BailiwickError('CharacterUnknown', { asked: character, found: 'it was in no zone yet' })
  if (location.account === caller.account || caller.roles.some((role) => mayAskOfAll.has(role))) return location
  throw new BailiwickError('CharacterNotYours', { asked: character })
}
