import * as client from 'openid-client'
import type { Timers } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError, describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { ISSUER_CALL_DEADLINE } from '../../core/timing.ts'
import { boundedFetch, IssuerAnswerError } from './bounded-fetch.ts'
import { descriptionOf } from './description.ts'
import type { IssuerSettings } from './settings.ts'

/** What is kept of a login from its beginning until the issuer sends the player back. */
export interface BegunLogin {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The player must have logged in there since (ms since 1970); undefined: whenever it was. */
  readonly freshSince?: number | undefined
}

/** Who logged in, as the issuer says. */
export interface ConfirmedLogin {
  /** The `iss` of its token. */
  readonly issuer: string
  /** Which of its accounts: never given to another one (OpenID Connect Core, 2). */
  readonly subject: string
  /** How long ago it saw the player log in (`auth_time`), ms; undefined: it does not say, which one that was asked for a fresh login must. */
  readonly loggedInMsAgo: number | undefined
  /** What the issuer calls the player, of the claim in the settings; undefined: it does not say. */
  suggestedName(): Promise<string | undefined>
}

/** An issuer of accounts, as OpenID Connect's authorization code flow with PKCE sees it. */
export interface Issuer {
  readonly id: string
  readonly name: string
  /** Its issuer identifier. */
  readonly url: string
  /** Where to send the player's browser. `fresh`: whoever is logged in there already is to log in again (OpenID Connect Core, 3.1.2.1: `prompt`, `max_age`). Throws IssuerUnavailable. */
  begin(how: { readonly fresh: boolean }): Promise<{ readonly url: string; readonly begun: BegunLogin }>
  /**
   * Checks what the player came back with (`query`) against what was begun, and takes the code to the issuer. Throws IssuerRefused for whatever is not as it must be: the answer's issuer and state, the
   * token's signature, algorithm, issuer, audience, nonce and times, and that of the login itself where a fresh one was asked for; IssuerUnavailable; Busy.
   */
  finish(query: URLSearchParams, begun: BegunLogin): Promise<ConfirmedLogin>
}

/** So many logins are taken to one issuer at once; beyond, Busy. */
const MAX_UNDER_WAY = 64
const MAX_SUBJECT = 255

export interface IssuerDeps {
  readonly log: Log
  readonly timers?: Timers
  /** How long one request to the issuer may take, ms; default: ISSUER_CALL_DEADLINE. */
  readonly callDeadlineMs?: number
}

export function createIssuer(settings: IssuerSettings, deps: IssuerDeps): Issuer {
  const { log, timers = systemClock, callDeadlineMs = ISSUER_CALL_DEADLINE } = deps
  const describe = descriptionOf(settings, { timers, log, fetch: boundedFetch(callDeadlineMs) })
  let underWay = 0
  return {
    id: settings.id,
    name: settings.name,
    url: settings.url,
    async begin({ fresh }) {
      const configuration = await describe()
      const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()]
      const url = client.buildAuthorizationUrl(configuration, {
        response_type: 'code',
        redirect_uri: settings.redirectUri,
        scope: ['openid', ...settings.scopes].join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...(fresh ? { prompt: 'login', max_age: '0' } : {}),
      })
      return { url: url.href, begun: { state, nonce, verifier, freshSince: fresh ? timers.now() : undefined } }
    },
    async finish(query, begun) {
      if (underWay >= MAX_UNDER_WAY) {
        throw new BailiwickError('Busy', { found: `${underWay} logins at this issuer`, todo: 'try again', retryAfterMs: 1_000 })
      }
      underWay += 1
      try {
        return await exchange(settings, await describe(), query, begun, { log, now: timers.now() })
      } catch (error) {
        throw translated(error, settings, log)
      } finally {
        underWay -= 1
      }
    },
  }
}

async function exchange(
  { id, redirectUri, nameClaim }: IssuerSettings,
  configuration: client.Configuration,
  query: URLSearchParams,
  begun: BegunLogin,
  { log, now }: { readonly log: Log; readonly now: number },
): Promise<ConfirmedLogin> {
  const { freshSince } = begun
  const tokens = await client.authorizationCodeGrant(configuration, new URL(`${redirectUri}?${query}`), {
    pkceCodeVerifier: begun.verifier,
    expectedState: begun.state,
    expectedNonce: begun.nonce,
    idTokenExpected: true,
    // Not the 0 that was asked for: since then the player has typed a password, and may have looked for it.
    ...(freshSince === undefined ? {} : { maxAge: Math.max(0, Math.ceil((now - freshSince) / 1_000)) }),
  })
  const claims = tokens.claims()
  if (claims === undefined) throw refused(id, 'no id_token')
  if (claims.sub.length > MAX_SUBJECT) throw refused(id, 'a subject that is too long')
  return {
    issuer: claims.iss,
    subject: claims.sub,
    loggedInMsAgo: claims.auth_time === undefined ? undefined : Math.max(0, now - claims.auth_time * 1_000),
    async suggestedName() {
      const given = claims[nameClaim]
      if (typeof given === 'string') return given
      // Many tell it at their userinfo endpoint alone. It is a convenience: without it the player chooses a name all the same.
      if (configuration.serverMetadata().userinfo_endpoint === undefined) return undefined
      try {
        const known = (await client.fetchUserInfo(configuration, tokens.access_token, claims.sub))[nameClaim]
        return typeof known === 'string' ? known : undefined
      } catch (error) {
        log.info({ issuer: id, detail: detailOf(error) }, 'an issuer did not tell what it calls a player')
        return undefined
      }
    },
  }
}

/** What went wrong, as ours: the issuer's fault, or that of what was brought. */
function translated(error: unknown, { id }: IssuerSettings, log: Log): BailiwickError {
  if (error instanceof BailiwickError) return error
  const detail = detailOf(error)
  if (error instanceof client.AuthorizationResponseError) return refused(id, `the answer ${text(error.error)}`, error)
  // A code that is used up or is another's. Every other error of the token endpoint is about us (a wrong secret), or it.
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant') return refused(id, 'a code that is not good', error)
  if (error instanceof client.ClientError && !isOfTransport(error)) {
    log.warn({ issuer: id, code: error.code, detail }, 'an issuer answered with what is not believed')
    return refused(id, 'an answer that is not believed', error)
  }
  log.warn({ issuer: id, detail }, 'an issuer could not be asked')
  return new BailiwickError('IssuerUnavailable', { asked: id, found: detail, todo: 'try again', retryAfterMs: 2_000, cause: error })
}

/** Codes of the library for answers that are not to be understood at all: as of an issuer that is broken, and not of a token that is forged. */
const transport = new Set(['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR', 'OAUTH_TIMEOUT'])

function isOfTransport(error: client.ClientError): boolean {
  return error.cause instanceof IssuerAnswerError || transport.has(error.code ?? '')
}

function refused(id: string, found: string, cause?: unknown): BailiwickError {
  return new BailiwickError('IssuerRefused', { asked: id, found, todo: 'log in again', ...(cause === undefined ? {} : { cause }) })
}

function detailOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${describeError(error)}${inner}`.slice(0, 500)
}

/** An error code as it may be shown (RFC 6749, 4.1.2.1). */
function text(code: string): string {
  return /^[\x20-\x7e]{1,60}$/.test(code) ? code : 'of an error'
}
