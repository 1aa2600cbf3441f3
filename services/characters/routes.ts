import { chains } from '../../core/chains.ts'
import { describeError } from '../../core/errors.ts'
import type { KnownLocation, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import {
  anyVersion,
  checkVersion,
  etagOf,
  ifMatchForm,
  keyedHeader,
  once,
  Prepared,
  replayedSays,
  route,
} from '../../platform/http/index.ts'
import type { TokenVerifier } from '../../platform/tokens/index.ts'
import { bearer } from '../../platform/tokens/index.ts'
import type { LifeDeps, OwnCharacter } from './life.ts'
import { deleteCharacter, findCharacter, listCharacters, makeCharacter, renameCharacter, restoreCharacter } from './life.ts'
import { characterLinks, deletedLinks, listLinks } from './links.ts'
import { characterAnswer, characterParams, charactersAnswer, cursorBehind, listQuery, nameBody, orderOf, viewOf } from './view.ts'

export interface RouteDeps extends LifeDeps {
  readonly index: Pick<ZoneIndex, 'getLocation'>
  readonly verifier: TokenVerifier
}

const says = { etag: 'Names the version: another one after each change, also when it goes into a zone or out of one' }
const replays = { ...says, ...replayedSays }
const ifMatch = {
  'if-match': {
    says: 'The ETag of the version that is to be changed, or * for any. Without it: 428',
    required: true,
    pattern: ifMatchForm,
    example: '*',
  },
} as const
const changing = ['CharacterUnknown', 'CharacterNotYours', 'PreconditionFailed', 'Busy', 'StoreUnavailable'] as const
const once409 = ['RequestUnderWay', 'IdempotencyKeyReused'] as const

export function addReading(app: HttpApp, deps: RouteDeps): void {
  const auth = bearer(deps.verifier)
  const list = {
    summary: "The account's characters, in the order of their making, page by page",
    auth,
    query: listQuery,
    answer: { status: 200, body: charactersAnswer, links: listLinks },
    errors: ['StoreUnavailable', 'Busy'],
  } as const
  route(app, 'get', '/v1/characters', list, async ({ caller, query, log }) => {
    const after = orderOf(query.cursor)
    const { characters } = await listCharacters(deps, caller.account)
    const rest = characters.filter(({ order }) => order > after)
    const page = rest.slice(0, query.limit)
    const last = page.at(-1)
    return {
      characters: await Promise.all(page.map((character) => view(deps, character, log))),
      ...(last === undefined || page.length === rest.length ? {} : { next: cursorBehind(last.order) }),
    }
  })
  const get = {
    summary: 'One character',
    auth,
    params: characterParams,
    answer: { status: 200, body: characterAnswer, says, links: characterLinks },
    errors: ['CharacterUnknown', 'CharacterNotYours', 'StoreUnavailable', 'Busy'],
  } as const
  route(app, 'get', '/v1/characters/:id', get, async ({ params, caller, log }) => {
    return answer(200, deps, await findCharacter(deps, caller.account, params.id), log)
  })
}

export function addWriting(app: HttpApp, deps: RouteDeps): void {
  const auth = bearer(deps.verifier)
  const make = {
    summary: 'Makes a character',
    auth,
    body: nameBody,
    heeds: keyedHeader,
    answer: { status: 201, body: characterAnswer, says: replays, links: characterLinks },
    errors: ['NameRefused', 'NameTaken', 'TooManyCharacters', 'AccountUnknown', 'CharacterUnknown', ...once409, 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/characters', make, ({ body, caller, log, header }) => {
    const asked = { do: 'make', name: body.name }
    return once(deps, keyedBy(caller.account, header('idempotency-key'), asked), async (id) => {
      const made = await makeCharacter(deps, caller.account, body.name, id)
      log.info({ account: caller.account, character: made.id }, 'character made')
      return answer(201, deps, made, log)
    })
  })
  const rename = {
    summary: 'Gives a character that is in no zone another name, and frees the one it has',
    auth,
    params: characterParams,
    body: nameBody,
    heeds: ifMatch,
    answer: { status: 200, body: characterAnswer, says, links: characterLinks },
    errors: ['NameRefused', 'NameTaken', 'CharacterInWorld', 'CharacterDeleting', 'PreconditionRequired', ...changing],
  } as const
  route(app, 'patch', '/v1/characters/:id', rename, async ({ params, body, caller, log, header }) => {
    const renamed = await renameCharacter(deps, caller.account, params.id, body.name, checkVersion(header('if-match')))
    log.info({ account: caller.account, character: params.id }, 'character renamed')
    return answer(200, deps, renamed, log)
  })
  addDeleting(app, deps)
}

function addDeleting(app: HttpApp, deps: RouteDeps): void {
  const auth = bearer(deps.verifier)
  const remove = {
    summary:
      'Has a character that is in no zone deleted at `deletesAt`; until then it keeps its name and its place in the account, and can be restored',
    auth,
    params: characterParams,
    heeds: ifMatch,
    answer: { status: 202, body: characterAnswer, says, links: deletedLinks },
    errors: ['CharacterInWorld', 'PreconditionRequired', ...changing],
  } as const
  route(app, 'delete', '/v1/characters/:id', remove, async ({ params, caller, log, header }) => {
    const going = await deleteCharacter(deps, caller.account, params.id, checkVersion(header('if-match')))
    log.info({ account: caller.account, character: params.id, dueAt: going.record.dueAt }, 'character to be deleted')
    return answer(202, deps, going, log)
  })
  const restore = {
    summary: 'Takes the deletion of a character back',
    auth,
    params: characterParams,
    heeds: {
      ...keyedHeader,
      'if-match': { says: 'The ETag of the version that is to be restored; without it any', pattern: ifMatchForm, example: '*' },
    },
    answer: { status: 200, body: characterAnswer, says: replays, links: characterLinks },
    errors: [...changing, ...once409],
  } as const
  route(app, 'post', '/v1/characters/:id/restore', restore, ({ params, caller, log, header }) => {
    const version = header('if-match')
    const check = version === undefined ? anyVersion : checkVersion(version)
    const asked = { do: 'restore', character: params.id, version }
    return once(deps, keyedBy(caller.account, header('idempotency-key'), asked), async () => {
      const restored = await restoreCharacter(deps, caller.account, params.id, check)
      log.info({ account: caller.account, character: params.id }, 'character restored')
      return answer(200, deps, restored, log)
    })
  })
}

function keyedBy(account: string, key: string | undefined, asked: Parameters<typeof once>[1]['asked']) {
  return { chain: chains.requestsOf(account), key, asked }
}

async function answer(status: number, deps: RouteDeps, character: OwnCharacter, log: Log): Promise<Prepared> {
  // Through the schema, so that no inner field leaves by accident.
  const body = characterAnswer.parse({ character: await view(deps, character, log) })
  return new Prepared(status, { etag: etagOf(character.n) }, JSON.stringify(body))
}

async function view(deps: RouteDeps, character: OwnCharacter, log: Log) {
  return viewOf(character, await liveLocation(deps.index, character.id, log), deps.clock.now())
}

async function liveLocation(index: RouteDeps['index'], character: string, log: Log): Promise<KnownLocation | undefined> {
  try {
    return await index.getLocation(character)
  } catch (error) {
    log.warn({ character, detail: describeError(error) }, 'the index does not say where a character is; the store does')
    return undefined
  }
}
