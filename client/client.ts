import { type Clock, systemClock } from '../core/clock.ts'
import { parsePair } from '../core/ids.ts'
import {
  type Account,
  type JoinAnswer,
  type PlayerLocation,
  type Profile,
  readJoin,
  readLocationOf,
  type SessionSummary,
  type ZoneDetail,
  type ZoneSummary,
} from './answers.ts'
import { type Characters, charactersOver } from './characters.ts'
import { type Connect, webSocketConnect } from './connection.ts'
import type { ZoneHandlers } from './handlers.ts'
import { createHttp, type FetchLike, type Request } from './http.ts'
import { type Issuers, issuersOver } from './issuers.ts'
import { memorySessionStore, type RefreshIn, type SessionStore, Sessions } from './sessions.ts'
import { changedZone, listZones, resolveZone, type ZoneFilter } from './zone-list.ts'
import { ZoneSession, type ZoneSessionDeps } from './zone-session.ts'

export interface ClientOptions {
  /** Base addresses without the /v1 and without a slash at the end; they may be one and the same. */
  readonly authUrl: string
  readonly charactersUrl: string
  readonly allocatorUrl: string
  /** Default: the global one. */
  readonly fetch?: FetchLike
  readonly webSocket?: typeof WebSocket
  /** How hosts are reached; default: WebSocket. `tcpConnect` of tcp.ts for plain TCP. */
  readonly connect?: Connect
  readonly clock?: Clock
  /** Where the login is kept; default: in memory. */
  readonly sessions?: SessionStore
  /** Where the refresh token goes; default: 'body'. 'cookie' for a page of the service's own origin, with pageSessionStore. */
  readonly refreshIn?: RefreshIn
  /** In [0, 1); default: Math.random. */
  readonly random?: () => number
}

export interface Client {
  register(name: string, password: string): Promise<Account>
  login(name: string, password: string): Promise<Account>
  logout(): Promise<void>
  /** In a page whose refresh token is in a cookie: goes on with that login, if there is one. */
  resume(): Promise<Account | undefined>
  /** Asks for the old one, if there is one. All other sessions end. */
  changePassword(password: string | undefined, newPassword: string): Promise<void>
  /** Asks for the password, if there is one. The name is free then, and the characters go. */
  deleteAccount(password: string | undefined): Promise<void>
  readonly sessions: {
    /** The logins of the account that can still be used, the newest first. */
    list(): Promise<readonly SessionSummary[]>
    revoke(session: string): Promise<void>
    /** Ends them all, this one too. */
    revokeAll(): Promise<void>
  }
  /** New tokens now; happens by itself when needed. */
  refresh(): Promise<void>
  /** Who is logged in. */
  account(): Promise<Account | undefined>
  /** The same as the service knows it now: whether it has a password, since when it is there. */
  profile(): Promise<Profile>
  /** Logging in with accounts of other issuers. */
  readonly issuers: Issuers
  readonly characters: Characters
  readonly zones: {
    /** All zones, or those of a kind; page after page. */
    list(filter?: ZoneFilter): Promise<readonly ZoneSummary[]>
    /** A zone as `namespace/name`. */
    resolve(zone: string): Promise<ZoneDetail>
    /** Waits until the zone is another than the one given by `resolve` or `changed`; answers it as it is after some seconds at the latest. */
    changed(known: ZoneDetail, signal?: AbortSignal): Promise<ZoneDetail>
  }
  /** Where a character of the account is; for moderators, any. Throws CharacterUnknown for one that was in no zone yet. */
  locate(character: string): Promise<PlayerLocation>
  /** A ticket for a character and the endpoints where it is good, for whoever brings a connection of its own. */
  ticket(zone: string, character: string): Promise<JoinAnswer>
  /** Begins a stay of a character (its id) in a zone (`namespace/name`). Throws InvalidInput for another form of name; all else is told by the session. */
  joinZone(zone: string, character: string, handlers?: ZoneHandlers): ZoneSession
}

/**
 * A client of one world, for one account at a time. Runs in browsers and in Node. Every method throws BailiwickError: what the service said, Unreachable
 * or Timeout.
 */
export function createClient(options: ClientOptions): Client {
  const clock = options.clock ?? systemClock
  const http = createHttp(options.fetch ?? ((url, init) => fetch(url, init)))
  const sessions = new Sessions(base(options.authUrl), http, options.sessions ?? memorySessionStore(), clock, options.refreshIn ?? 'body')
  const connect = options.connect ?? webSocketConnect(options.webSocket ?? WebSocket)
  const authorized = (request: Omit<Request, 'token'>): Promise<unknown> => sessions.authorized((token) => http({ ...request, token }))
  const zones = `${base(options.allocatorUrl)}/v1/zones`
  return {
    register: (name, password) => sessions.register(name, password),
    login: (name, password) => sessions.login(name, password),
    logout: () => sessions.logout(),
    resume: () => sessions.resume(),
    changePassword: (password, next) => sessions.changePassword(password, next),
    deleteAccount: (password) => sessions.deleteAccount(password),
    sessions: { list: () => sessions.list(), revoke: (session) => sessions.revoke(session), revokeAll: () => sessions.logoutEverywhere() },
    refresh: () => sessions.refresh(),
    account: () => sessions.account(),
    profile: () => sessions.profile(),
    issuers: issuersOver(base(options.authUrl), http, sessions, options.refreshIn === 'cookie'),
    characters: charactersOver(`${base(options.charactersUrl)}/v1/characters`, authorized),
    zones: {
      list: (filter = {}) => listZones(http, zones, filter),
      resolve: (zone) => resolveZone(http, `${zones}/${checked(zone)}`),
      changed: (known, signal) => changedZone(http, zones, known, signal),
    },
    locate: async (character) =>
      readLocationOf(
        await authorized({ method: 'GET', url: `${base(options.allocatorUrl)}/v1/players/${encodeURIComponent(character)}` }),
        'player',
      ),
    ticket: async (zone, character) =>
      readJoin(await authorized({ method: 'POST', url: `${zones}/${checked(zone)}/join`, body: { character } }), 'join'),
    joinZone(zone, character, handlers = {}) {
      const url = `${zones}/${checked(zone)}/join`
      const join: ZoneSessionDeps['join'] = async (unreached, signal) => {
        const body = { character, ...(unreached === undefined ? {} : { unreached }) }
        return readJoin(await authorized({ method: 'POST', url, body, signal }), 'join')
      }
      return new ZoneSession({ join, connect, clock, random: options.random ?? Math.random }, handlers)
    },
  }
}

function checked(zone: string): string {
  const { namespace, name } = parsePair(zone)
  return `${namespace}/${name}`
}

function base(url: string): string {
  return url.replace(/\/+$/, '')
}
