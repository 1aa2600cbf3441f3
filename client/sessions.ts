import type { Clock } from '../core/clock.ts'
import { BailiwickError, isCode } from '../core/errors.ts'
import { CLIENT_REFRESH_BEFORE } from '../core/timing.ts'
import {
  type Account,
  type Profile,
  readAccount,
  readList,
  readMember,
  readProfile,
  readSession,
  readTokens,
  type SessionSummary,
} from './answers.ts'
import type { Request } from './http.ts'
import { randomKey } from './key.ts'

/** What a login leaves: enough to make requests and to renew itself. */
export interface StoredSession {
  readonly account: Account
  readonly accessToken: string
  /** Milliseconds since the epoch, by the client's own clock. */
  readonly expiresAt: number
  /** Absent: it is in a cookie of the browser. */
  readonly refreshToken?: string
  /** The Idempotency-Key of the renewal that is under way, or whose answer did not come: with it the token, which is used up by then, is good again. */
  readonly renewal?: string
}

/** Where a session is kept. A refresh token can be used once, so programs that share a session take turns by `exclusive`. */
export interface SessionStore {
  load(): Promise<StoredSession | undefined>
  save(session: StoredSession | undefined): Promise<void>
  exclusive<T>(work: () => Promise<T>): Promise<T>
}

/** A session that ends with the process, or with the page. */
export function memorySessionStore(initial?: StoredSession): SessionStore {
  let session = initial
  return {
    load: async () => session,
    async save(next) {
      session = next
    },
    exclusive: (work) => work(),
  }
}

/**
 * For a page whose refresh token is in a cookie: nothing that a script could read outlives the page. Tabs share the cookie, and take turns by the browser's own lock.
 */
export function pageSessionStore(): SessionStore {
  return { ...memorySessionStore(), exclusive: (work) => navigator.locks.request('bailiwick-session', work) }
}

/** Where the service puts the refresh token: into the answer, or into a cookie that no script can read. */
export type RefreshIn = 'body' | 'cookie'

/** The account's side of the client: logs in and out and gives every request a token that is valid. */
export class Sessions {
  readonly #authUrl: string
  readonly #http: (request: Request) => Promise<unknown>
  readonly #store: SessionStore
  readonly #clock: Clock
  readonly #inCookie: boolean
  #refreshing: Promise<StoredSession> | undefined

  constructor(authUrl: string, http: (request: Request) => Promise<unknown>, store: SessionStore, clock: Clock, refreshIn: RefreshIn) {
    this.#authUrl = authUrl
    this.#http = http
    this.#store = store
    this.#clock = clock
    this.#inCookie = refreshIn === 'cookie'
  }

  /** Throws NameTaken, InvalidInput. */
  async register(name: string, password: string): Promise<Account> {
    const answer = await this.#http({ method: 'POST', url: `${this.#authUrl}/v1/accounts`, body: { name, password } })
    return readMember(answer, 'account', readAccount)
  }

  /** Throws WrongCredentials. */
  async login(name: string, password: string): Promise<Account> {
    return this.#take({ method: 'POST', url: `${this.#authUrl}/v1/sessions`, body: { name, password, ...this.#wanted } })
  }

  /** Opens a session with the proof of a login at an issuer; in a page it is in a cookie. Throws NameNeeded, NameTaken, NameRefused, LoginExpired. */
  async loginAtIssuer(given: { readonly proof?: string; readonly name?: string }): Promise<Account> {
    return this.#take({ method: 'POST', url: `${this.#authUrl}/v1/oidc/sessions`, body: { ...given, ...this.#wanted } })
  }

  /** Goes on with the login that is in the browser's cookie; undefined when there is none, or it has ended. */
  async resume(): Promise<Account | undefined> {
    try {
      return await this.#take(this.#refreshRequest(undefined))
    } catch (error) {
      if (isCode(error, 'SessionEnded', 'RefreshReused')) return undefined
      throw error
    }
  }

  /** Throws WrongCredentials when `password` is not the old one, LoginTooOld when there is none (then it is undefined) and the login is old, PasswordCommon. All other sessions end. */
  async changePassword(password: string | undefined, newPassword: string): Promise<void> {
    const url = `${this.#authUrl}/v1/accounts/current/password`
    await this.authorized((token) =>
      this.#take({ method: 'POST', url, token, body: { ...ifGiven(password), newPassword, ...this.#wanted } }),
    )
  }

  /** Throws WrongCredentials. Afterwards nobody is logged in. */
  async deleteAccount(password: string | undefined): Promise<void> {
    const url = `${this.#authUrl}/v1/accounts/current/deletion`
    await this.authorized((token) => this.#http({ method: 'POST', url, token, body: ifGiven(password) }))
    await this.#forget()
  }

  /** The logins of the account that can still be used, the newest first. */
  async list(): Promise<readonly SessionSummary[]> {
    const answer = await this.authorized((token) => this.#http({ method: 'GET', url: `${this.#authUrl}/v1/sessions`, token }))
    return readList(answer, 'sessions', readSession)
  }

  /** Ends one of them. Throws SessionUnknown. */
  async revoke(session: string): Promise<void> {
    const url = `${this.#authUrl}/v1/sessions/${encodeURIComponent(session)}`
    await this.authorized((token) => this.#http({ method: 'DELETE', url, token }))
  }

  /** Ends them all, this one too. */
  async logoutEverywhere(): Promise<void> {
    await this.authorized((token) => this.#http({ method: 'DELETE', url: `${this.#authUrl}/v1/sessions`, token }))
    await this.#forget()
  }

  /** Ends the session; one that has ended already is no error. */
  async logout(): Promise<void> {
    try {
      await this.authorized((token) => this.#http({ method: 'DELETE', url: `${this.#authUrl}/v1/sessions/current`, token }))
    } catch (error) {
      if (!isCode(error, 'Unauthenticated', 'SessionEnded', 'RefreshReused')) throw error
    }
    await this.#forget()
  }

  async account(): Promise<Account | undefined> {
    return (await this.#store.load())?.account
  }

  /** The account as the service knows it now. */
  async profile(): Promise<Profile> {
    const answer = await this.authorized((token) => this.#http({ method: 'GET', url: `${this.#authUrl}/v1/accounts/current`, token }))
    return readMember(answer, 'account', readProfile)
  }

  /** New tokens now, whatever is left of the old ones. Throws SessionEnded, RefreshReused: then it needs a login. */
  async refresh(): Promise<void> {
    await this.#renew((await this.#current()).accessToken)
  }

  /**
   * Makes a call with a valid access token: renewed before it expires, and once more when the service does not take it (its clock may differ from ours; in a page another tab may have logged in anew, which ended the session of this one,
   * and the cookie is that of the new one).
   * Throws Unauthenticated when nobody is logged in.
   */
  async authorized<T>(call: (token: string) => Promise<T>): Promise<T> {
    let session = await this.#current()
    if (session.expiresAt - this.#clock.now() < CLIENT_REFRESH_BEFORE) session = await this.#renew(session.accessToken)
    try {
      return await call(session.accessToken)
    } catch (error) {
      if (!isCode(error, 'Unauthenticated') && !(this.#inCookie && isCode(error, 'SessionEnded'))) throw error
      return call((await this.#renew(session.accessToken)).accessToken)
    }
  }

  async #current(): Promise<StoredSession> {
    const session = await this.#store.load()
    if (session === undefined) throw new BailiwickError('Unauthenticated', { found: 'nobody is logged in', todo: 'log in first' })
    return session
  }

  /** Many calls may find the same token too old: it is renewed once. */
  #renew(old: string): Promise<StoredSession> {
    this.#refreshing ??= this.#store
      .exclusive(() => this.#exchange(old))
      .finally(() => {
        this.#refreshing = undefined
      })
    return this.#refreshing
  }

  async #exchange(old: string): Promise<StoredSession> {
    const session = await this.#current()
    // Another program that shares the session was first.
    if (session.accessToken !== old) return session
    const { renewal = randomKey() } = session
    // Before it is asked: whoever goes on with this session must know the key.
    if (session.renewal === undefined) await this.#store.save({ ...session, renewal })
    try {
      const renewed = this.#sessionOf(
        await this.#http({ ...this.#refreshRequest(session.refreshToken), headers: { 'idempotency-key': renewal } }),
      )
      // The cookie is the browser's: somebody logged in with another account in another tab, and this page must not become that without a word.
      if (renewed.account.id !== session.account.id) {
        throw new BailiwickError('SessionEnded', { found: 'a login with another account', todo: 'log in again' })
      }
      await this.#store.save(renewed)
      return renewed
    } catch (error) {
      if (isCode(error, 'SessionEnded', 'RefreshReused', 'Unauthenticated')) await this.#store.save(undefined)
      throw error
    }
  }

  /** Asks for tokens, and keeps them. */
  async #take(request: Request): Promise<Account> {
    return this.#store.exclusive(async () => {
      const session = this.#sessionOf(await this.#http({ ...request, withCookie: this.#inCookie }))
      await this.#store.save(session)
      return session.account
    })
  }

  async #forget(): Promise<void> {
    await this.#store.exclusive(() => this.#store.save(undefined))
  }

  /** Without a token: by the one in the cookie. */
  #refreshRequest(refreshToken: string | undefined): Request {
    const body = refreshToken === undefined ? {} : { refreshToken }
    return { method: 'POST', url: `${this.#authUrl}/v1/sessions/refresh`, body, withCookie: this.#inCookie }
  }

  get #wanted(): { readonly refreshIn?: RefreshIn } {
    return this.#inCookie ? { refreshIn: 'cookie' } : {}
  }

  #sessionOf(answer: unknown): StoredSession {
    const { expiresInMs, ...tokens } = readTokens(answer, 'the answer')
    return { ...tokens, expiresAt: this.#clock.now() + expiresInMs }
  }
}

/** Nothing of an account that has none. */
function ifGiven(password: string | undefined): { readonly password?: string } {
  return password === undefined ? {} : { password }
}
