import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type JWTPayload, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import { urlOf } from './real-issuer.ts'

export const CLIENT = { clientId: 'bailiwick', clientSecret: 'a secret of 32 characters or more!' }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A double of an issuer that answers whatever a test wants it to, right or wrong. */
export interface HostileIssuer {
  readonly url: string
  readonly key: KeyObject
  /** What it was asked for: paths. */
  readonly asked: readonly string[]
  /** What is changed of its description. */
  description: Readonly<Record<string, unknown>>
  /** Answers in place of what is behind a path; undefined: as a good one would. */
  answers: Readonly<Record<string, Answer | undefined>>
  /** The token that it gives next. */
  idToken: string | undefined
}

export async function startHostileIssuer(): Promise<HostileIssuer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = urlOf(server)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const asked: string[] = []
  const issuer: { -readonly [key in keyof HostileIssuer]: HostileIssuer[key] } = {
    ...{ url, key: privateKey, asked, description: {}, answers: {}, idToken: undefined },
  }
  const good: Readonly<Record<string, () => unknown>> = {
    '/.well-known/openid-configuration': () => ({
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      // A description may offer what is never taken.
      id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
      authorization_response_iss_parameter_supported: true,
      ...issuer.description,
    }),
    '/token': () => ({ access_token: 'a', token_type: 'Bearer', ...(issuer.idToken === undefined ? {} : { id_token: issuer.idToken }) }),
    '/jwks': () => ({ keys: [{ ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'k', use: 'sig' }] }),
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked.push(path)
    const other = issuer.answers[path]
    if (other !== undefined) return other(request, response)
    const body = good[path]?.()
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? {}))
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return issuer
}

/** What a good token says. */
export function goodClaims(issuer: HostileIssuer, nonce: string): JWTPayload {
  const now = Math.floor(Date.now() / 1_000)
  return { iss: issuer.url, aud: CLIENT.clientId, sub: 'one', nonce, iat: now, exp: now + 300, preferred_username: 'Ann' }
}

export async function signed(claims: JWTPayload, key: KeyObject | Uint8Array, header: { alg: string; kid?: string }): Promise<string> {
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}

/** A token that nobody signed. */
export function unsigned(claims: JWTPayload): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.`
}
