import * as client from 'openid-client'
import type { Timers } from '../../core/clock.ts'
import { sleep } from '../../core/clock.ts'
import { BailiwickError, describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { ISSUER_COOLDOWN, ISSUER_DESCRIPTION_CACHE, ISSUER_RETRY_MAX, ISSUER_TRIES } from '../../core/timing.ts'
import { IssuerAnswerError } from './bounded-fetch.ts'
import type { IssuerSettings } from './settings.ts'
import { isLoopback, isSafe } from './settings.ts'

/** Algorithms with a public key, of those that the library knows. Never `none`, nor HMAC, whose key is a secret that others may have. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const endpoints = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const

interface DescriptionDeps {
  readonly timers: Timers
  readonly log: Log
  readonly fetch: client.CustomFetch
}

/**
 * What an issuer says of itself (OpenID Connect Discovery), read when it is first needed. It is read anew when it is old; meanwhile, and while the issuer is away, the old one serves. Asked by
 * many at once it is read once, and not again within ISSUER_COOLDOWN of a failure. Answers throw IssuerUnavailable while there never was one.
 */
export function descriptionOf(settings: IssuerSettings, { timers, log, fetch }: DescriptionDeps): () => Promise<client.Configuration> {
  let known: client.Configuration | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let failure = ''
  let reading: Promise<void> | undefined

  const read = (): Promise<void> => {
    reading ??= discover(settings, timers, fetch)
      .then(
        (found) => {
          known = found
          readAt = timers.now()
        },
        (error: unknown) => {
          failedAt = timers.now()
          failure = reasonFor(error)
          log.warn({ issuer: settings.id, detail: failure }, 'the description of an issuer could not be read')
        },
      )
      .finally(() => {
        reading = undefined
      })
    return reading
  }
  return async () => {
    const mayAsk = timers.now() - failedAt >= ISSUER_COOLDOWN
    if (known === undefined && mayAsk) await read()
    else if (known !== undefined && mayAsk && timers.now() - readAt > ISSUER_DESCRIPTION_CACHE) void read()
    if (known !== undefined) return known
    throw new BailiwickError('IssuerUnavailable', { asked: settings.id, found: failure, todo: 'try again', retryAfterMs: ISSUER_COOLDOWN })
  }
}

/** The library says only that something went wrong; what really happened is the cause: an address that nobody has, a certificate that nobody vouches for. */
function reasonFor(error: unknown): string {
  return describeError(error instanceof Error && error.cause instanceof IssuerAnswerError ? error.cause : error)
}

async function discover(settings: IssuerSettings, timers: Timers, fetch: client.CustomFetch): Promise<client.Configuration> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readDescription(settings, fetch)
    } catch (error) {
      if (attempt >= ISSUER_TRIES) throw error
      await sleep(timers, ISSUER_RETRY_MAX * (0.5 + timers.random() / 2))
    }
  }
}

async function readDescription(settings: IssuerSettings, fetch: client.CustomFetch): Promise<client.Configuration> {
  const url = new URL(settings.url)
  const insecure = url.protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {}
  const found = await client.discovery(url, settings.clientId, undefined, undefined, { ...insecure, [client.customFetch]: fetch })
  // Without what the library put beside what the issuer says.
  const { supportsPKCE: _, ...server } = found.serverMetadata()
  assertEndpoints(url, server)
  const configuration = new client.Configuration(
    { ...server, id_token_signing_alg_values_supported: allowed(server.id_token_signing_alg_values_supported) },
    settings.clientId,
    undefined,
    clientAuthOf(settings, server),
  )
  configuration[client.customFetch] = fetch
  if (url.protocol === 'http:') client.allowInsecureRequests(configuration)
  // Signatures are checked, though the tokens come over TLS from the issuer itself.
  client.enableNonRepudiationChecks(configuration)
  return configuration
}

/** The standard's default is RS256. */
function allowed(offered: readonly string[] = ['RS256']): string[] {
  return offered.filter((algorithm) => ALGORITHMS.includes(algorithm))
}

/** Throws when one of the addresses is neither over TLS nor, with an issuer that itself is on this machine, on this machine. */
function assertEndpoints(issuer: URL, server: client.ServerMetadata): void {
  for (const name of endpoints) {
    const value = server[name]
    if (value === undefined && name === 'userinfo_endpoint') continue
    const url = value !== undefined && URL.canParse(value) ? new URL(value) : undefined
    if (url === undefined || !isSafe(url) || (isLoopback(url) && !isLoopback(issuer))) {
      throw new Error(`its ${name} ${String(value).slice(0, 200)} is none that may be used`)
    }
  }
}

function clientAuthOf({ clientSecret }: IssuerSettings, server: client.ServerMetadata): client.ClientAuth {
  if (clientSecret === undefined) return client.None()
  // The standard's default is client_secret_basic.
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic') ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret)
}
