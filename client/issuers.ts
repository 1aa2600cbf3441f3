import { BailiwickError } from '../core/errors.ts'
import {
  type Account,
  type Identified,
  type IssuerName,
  type LinkedLogin,
  readIdentified,
  readIssuerName,
  readLinkedLogin,
  readList,
} from './answers.ts'
import type { Request } from './http.ts'
import { randomKey } from './key.ts'
import type { Sessions } from './sessions.ts'

/** What a game keeps between opening the browser and hearing how it ended. */
export interface GameLogin {
  /** Where the system's browser shall go. */
  readonly url: string
  readonly state: string
  readonly verifier: string
}

/** How to log in at an issuer. */
export interface IssuerLoginOptions {
  /** Also whoever is logged in there already is to log in again: what else asks for a password needs that of an account that has none. Default: no. */
  readonly fresh?: boolean
}

/** Logging in with accounts of other issuers (OpenID Connect), and having them open an account that there is. */
export interface Issuers {
  /** Those that a player may log in with; none: there are accounts of this world alone. */
  list(): Promise<readonly IssuerName[]>
  /** Where a page sends its browser. It comes back to `returnTo`, a path of the same site, with `#login=Done`, or with the code of an error in place of `Done`. */
  pageUrl(issuer: string, returnTo: string, options?: IssuerLoginOptions): string
  /** Begins a login of a game that listens at `redirectUri`, on this machine; `finish` ends it. */
  begin(issuer: string, redirectUri: string, options?: IssuerLoginOptions): Promise<GameLogin>
  /** What came to `redirectUri`: who logged in, with a proof. Throws LoginExpired; what went wrong at the issuer. */
  finish(begun: GameLogin, came: URLSearchParams): Promise<Identified>
  /** In a page that came back: who logged in. Throws LoginExpired. */
  identify(): Promise<Identified>
  /** Opens a session, and makes the account when there is none: then `name` is needed. A page has its proof in a cookie. Throws NameNeeded, NameTaken, NameRefused, LoginExpired. */
  login(given: { readonly proof?: string; readonly name?: string }): Promise<Account>
  /** The logins that open the account. */
  linked(): Promise<readonly LinkedLogin[]>
  /** Lets the one that was proved open it, too. Asks for the password, if there is one. Throws IdentityTaken, WrongCredentials, LoginTooOld. */
  link(given: { readonly proof?: string; readonly password?: string }, key?: string): Promise<readonly LinkedLogin[]>
  /** Ends that. `key`, here and above: the Idempotency-Key, for one who asks again because no answer came; default: a new one. Throws LastLogin, WrongCredentials, LoginTooOld. */
  unlink(id: string, password?: string, key?: string): Promise<void>
}

export function issuersOver(authUrl: string, http: (request: Request) => Promise<unknown>, sessions: Sessions, inPage: boolean): Issuers {
  const identities = `${authUrl}/v1/accounts/current/identities`
  const identify = async (body: object): Promise<Identified> => {
    return readIdentified(await http({ method: 'POST', url: `${authUrl}/v1/oidc/identity`, body, withCookie: inPage }), 'the answer')
  }
  return {
    list: async () => readList(await http({ method: 'GET', url: `${authUrl}/v1/oidc/issuers` }), 'issuers', readIssuerName),
    pageUrl: (issuer, returnTo, options) =>
      `${authUrl}/v1/oidc/${encodeURIComponent(issuer)}/login?${new URLSearchParams({ returnTo, ...freshness(options) })}`,
    async begin(issuer, redirectUri, options) {
      const [state, verifier] = [randomText(), randomText()]
      const query = new URLSearchParams({ redirectUri, challenge: await challengeOf(verifier), state, ...freshness(options) })
      return { url: `${authUrl}/v1/oidc/${encodeURIComponent(issuer)}/game?${query}`, state, verifier }
    },
    async finish({ state, verifier }, came) {
      if (came.get('state') !== state)
        throw new BailiwickError('LoginExpired', { found: 'an answer to another login', todo: 'log in again' })
      const code = came.get('code')
      if (code !== null) return identify({ code, verifier })
      throw new BailiwickError('IssuerRefused', {
        found: (came.get('error') ?? 'neither code nor error').slice(0, 60),
        todo: 'log in again',
      })
    },
    identify: () => identify({}),
    login: (given) => sessions.loginAtIssuer(given),
    linked: async () =>
      readList(await sessions.authorized((token) => http({ method: 'GET', url: identities, token })), 'identities', readLinkedLogin),
    link: async (body, key = randomKey()) => {
      const request = { method: 'POST', url: identities, body, headers: { 'idempotency-key': key }, withCookie: inPage } as const
      const answer = await sessions.authorized((token) => http({ ...request, token }))
      return readList(answer, 'identities', readLinkedLogin)
    },
    unlink: async (id, password, key = randomKey()) => {
      const url = `${identities}/${encodeURIComponent(id)}/removal`
      const request = {
        method: 'POST',
        url,
        body: password === undefined ? {} : { password },
        headers: { 'idempotency-key': key },
      } as const
      await sessions.authorized((token) => http({ ...request, token }))
    },
  }
}

function freshness({ fresh = false }: IssuerLoginOptions = {}): { readonly fresh?: 'true' } {
  return fresh ? { fresh: 'true' } : {}
}

/** 256 random bits. */
function randomText(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** RFC 7636, 4.2: S256. */
async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
