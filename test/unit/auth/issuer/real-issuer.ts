import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'
import { onTestFinished } from 'vitest'

/** Whom the issuer takes whoever comes for, as if they had typed their password there. */
export interface Person {
  readonly subject: string
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface RealIssuer {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  person: Person
  /** What came to its token endpoint. */
  readonly exchanges: number
  /** How often somebody was asked who they are: a browser that is logged in there already is not. */
  readonly asked: number
  stop(): Promise<void>
}

/** Of a server that listens on the loopback address. */
export function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return `http://127.0.0.1:${address.port}`
}

/** A real OpenID provider (the package oidc-provider) on this machine, for one test, with one client that may be sent back to `redirectUris`. */
export async function startRealIssuer(redirectUris: readonly string[]): Promise<RealIssuer> {
  // It says of itself where it is, so it listens first.
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = urlOf(server)
  const client = { clientId: 'bailiwick', clientSecret: 'a secret of the tests: +/&%=' }
  const state = { person: { subject: 'nobody' } as Person, exchanges: 0, asked: 0 }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const provider = new Provider(url, {
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        redirect_uris: [...redirectUris],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    // Its types know fewer members than a JWK may have.
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kty: 'EC', use: 'sig', alg: 'ES256', kid: 'k' }] },
    cookies: { keys: ['a key of the tests'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'email'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, subject) => ({ accountId: subject, claims: () => ({ ...state.person.claims, sub: subject }) }),
    async loadExistingGrant(context) {
      const { Grant } = context.oidc.provider
      const grant = new Grant({ clientId: context.oidc.client?.clientId, accountId: context.oidc.session?.accountId })
      grant.addOIDCScope('openid profile')
      await grant.save()
      return grant
    },
    ttl: { Session: 60, Interaction: 60, Grant: 60, AccessToken: 60, IdToken: 60, AuthorizationCode: 60 },
  })
  const answer = provider.callback()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url?.startsWith('/token') === true) state.exchanges += 1
    if (request.url?.startsWith('/interaction/') !== true) return answer(request, response)
    state.asked += 1
    await provider.interactionFinished(request, response, { login: { accountId: state.person.subject, remember: false } })
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  onTestFinished(stop)
  return {
    url,
    ...client,
    stop,
    get exchanges() {
      return state.exchanges
    },
    get asked() {
      return state.asked
    },
    get person() {
      return state.person
    },
    set person(person) {
      state.person = person
    },
  }
}
