import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { describeError } from '../../core/errors.ts'
import type { CharacterLocation, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { HttpApp, RateOptions } from '../../platform/http/index.ts'
import { createHttpApp, route, standardRate } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import type { TokenVerifier } from '../../platform/tokens/index.ts'
import { bearer } from '../../platform/tokens/index.ts'
import type { OwnCharacter } from './life.ts'
import { deleteCharacter, findCharacter, listCharacters, makeCharacter } from './life.ts'
import { characterAnswer, characterParams, charactersAnswer, createBody, viewOf } from './view.ts'

export interface CharactersDeps {
  readonly store: Store
  readonly index: Pick<ZoneIndex, 'getLocation'>
  readonly verifier: TokenVerifier
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** How many reverse proxies stand in front; default 0. */
  readonly trustedProxies?: number
  /** How much one address may ask; default: standardRate. */
  readonly rate?: RateOptions
}

type FullDeps = CharactersDeps & { readonly clock: Clock }

/** The characters service. It keeps nothing of its own: any number may run side by side. */
export function createCharactersApp(deps: CharactersDeps): HttpApp {
  const app = createHttpApp({
    name: 'characters',
    log: deps.log,
    metrics: deps.metrics,
    // Without the index it answers all the same: where a character is, the store knows too.
    ready: () => deps.store.ping(),
    trustedProxies: deps.trustedProxies ?? 0,
    rate: deps.rate ?? standardRate,
    ...(deps.clock === undefined ? {} : { clock: deps.clock }),
    openapi: { title: 'Bailiwick characters', description: 'The characters of an account, and where they are' },
  })
  const full = { ...deps, clock: deps.clock ?? systemClock }
  addMaking(app, full)
  addReading(app, full)
  return app
}

function addMaking(app: HttpApp, deps: FullDeps): void {
  const auth = bearer(deps.verifier)
  const make = {
    summary: 'Makes a character',
    auth,
    body: createBody,
    answer: { status: 201, body: characterAnswer },
    errors: ['NameTaken', 'TooManyCharacters', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/characters', make, async ({ body, caller, log }) => {
    const made = await makeCharacter(deps, caller.account, body.name)
    log.info({ account: caller.account, character: made.id }, 'character made')
    return { character: viewOf(made, undefined) }
  })
  const remove = {
    summary: 'Deletes a character that is in no zone, and frees its name',
    auth,
    params: characterParams,
    answer: { status: 204 },
    errors: ['CharacterUnknown', 'CharacterNotYours', 'CharacterInWorld', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'delete', '/v1/characters/:id', remove, async ({ params, caller, log }) => {
    await deleteCharacter(deps, caller.account, params.id)
    log.info({ account: caller.account, character: params.id }, 'character deleted')
  })
}

function addReading(app: HttpApp, deps: FullDeps): void {
  const auth = bearer(deps.verifier)
  const view = async (character: OwnCharacter, log: Log) => viewOf(character, await liveLocation(deps.index, character.id, log))
  const list = {
    summary: "The account's characters",
    auth,
    answer: { status: 200, body: charactersAnswer },
    errors: ['StoreUnavailable'],
  } as const
  route(app, 'get', '/v1/characters', list, async ({ caller, log }) => {
    const own = await listCharacters(deps, caller.account)
    return { characters: await Promise.all(own.map((character) => view(character, log))) }
  })
  const get = {
    summary: 'One character',
    auth,
    params: characterParams,
    answer: { status: 200, body: characterAnswer },
    errors: ['CharacterUnknown', 'CharacterNotYours', 'StoreUnavailable'],
  } as const
  route(app, 'get', '/v1/characters/:id', get, async ({ params, caller, log }) => {
    return { character: await view(await findCharacter(deps, caller.account, params.id), log) }
  })
}

async function liveLocation(index: CharactersDeps['index'], character: string, log: Log): Promise<CharacterLocation | undefined> {
  try {
    return await index.getLocation(character)
  } catch (error) {
    log.warn({ character, detail: describeError(error) }, 'the index does not say where a character is; the store does')
    return undefined
  }
}
