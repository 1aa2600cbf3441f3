import type { Clock } from '../core/clock.ts'
import { BailiwickError, isCode } from '../core/errors.ts'
import { CLIENT_REFRESH_BEFORE } from '../core/timing.ts'
import { type Account, readAccount, readMember, readTokens } from './answers.ts'
import type { Request } from './http.ts'

/** What a login leaves: enough to make requests and to renew itself. */
export interface StoredSession {
  readonly account: Account
  readonly accessToken: string
  /** Milliseconds since the epoch, by the client's own clock. */
  readonly expiresAt: number
  readonly refreshToken: string
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

/** The account's side of the client: logs in and out and gives every request a token that is valid. */
export class Sessions {
  readonly #authUrl: string
  readonly #http: (request: Request) => Promise<unknown>
  readonly #store: SessionStore
  readonly #clock: Clock
  #refreshing: Promise<StoredSession> | undefined

  constructor(authUrl: string, http: (request: Request) => Promise<unknown>, store: SessionStore, clock: Clock) {
    this.#authUrl = authUrl
    this.#http = http
    this.#store = store
    this.#clock = clock
  }

  /** Throws NameTaken, InvalidInput. */
  async register(name: string, password: string): Promise<Account> {
    const answer = await this.#http({ method: 'POST', url: `${this.#authUrl}/v1/accounts`, body: { name, password } })
    return readMember(answer, 'account', readAccount)
  }

  /** Throws WrongCredentials. */
  async login(name: string, password: string): Promise<Account> {
    const session = this.#sessionOf(await this.#http({ method: 'POST', url: `${this.#authUrl}/v1/sessions`, body: { name, password } }))
    await this.#store.exclusive(() => this.#store.save(session))
    return session.account
  }

  /** Ends the session; one that has ended already is no error. */
  async logout(): Promise<void> {
    try {
      await this.authorized((token) => this.#http({ method: 'DELETE', url: `${this.#authUrl}/v1/sessions/current`, token }))
    } catch (error) {
      if (!isCode(error, 'Unauthenticated', 'SessionEnded', 'RefreshReused')) throw error
    }
    await this.#store.exclusive(() => this.#store.save(undefined))
  }

  async account(): Promise<Account | undefined> {
    return (await this.#store.load())?.account
  }

  /** New tokens now, whatever is left of the old ones. Throws SessionEnded, RefreshReused: then it needs a login. */
  async refresh(): Promise<void> {
    await this.#renew((await this.#current()).accessToken)
  }

  /**
   * Makes a call with a valid access token: renewed before it expires, and once more when the service does not take it (its clock may differ from ours).
   * Throws Unauthenticated when nobody is logged in.
   */
  async authorized<T>(call: (token: string) => Promise<T>): Promise<T> {
    let session = await this.#current()
    if (session.expiresAt - this.#clock.now() < CLIENT_REFRESH_BEFORE) session = await this.#renew(session.accessToken)
    try {
      return await call(session.accessToken)
    } catch (error) {
      if (!isCode(error, 'Unauthenticated')) throw error
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
    try {
      const answer = await this.#http({
        method: 'POST',
        url: `${this.#authUrl}/v1/sessions/refresh`,
        body: { refreshToken: session.refreshToken },
      })
      const renewed = this.#sessionOf(answer)
      await this.#store.save(renewed)
      return renewed
    } catch (error) {
      if (isCode(error, 'SessionEnded', 'RefreshReused', 'Unauthenticated')) await this.#store.save(undefined)
      throw error
    }
  }

  #sessionOf(answer: unknown): StoredSession {
    const { account, accessToken, expiresInMs, refreshToken } = readTokens(answer, 'the answer')
    return { account, accessToken, refreshToken, expiresAt: this.#clock.now() + expiresInMs }
  }
}
