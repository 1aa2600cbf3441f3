import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { catalogue, type ErrorCode } from '../../../../core/errors.ts'
import { createTokenSigner, createTokenVerifier, type TokenSigner, type TokenVerifier } from '../../../../platform/tokens/index.ts'

/** A test double of the auth and characters services: real signed tokens, rotating refresh tokens that may be used once, no password rules. */
export class AuthDouble {
  readonly verifier: TokenVerifier
  /** What it tells clients; tokens that say so little are renewed before each request. */
  expiresInMs = 600_000
  refreshes = 0
  readonly calls: string[] = []
  readonly #signer: TokenSigner
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #refreshTokens = new Map<string, string>()
  #revoked = new Set<string>()

  private constructor(signer: TokenSigner) {
    this.#signer = signer
    this.verifier = createTokenVerifier({ keys: signer.publicJwks() })
  }

  static async start(): Promise<AuthDouble> {
    const double = new AuthDouble(await createTokenSigner())
    double.#server.listen(0, '127.0.0.1')
    await once(double.#server, 'listening')
    return double
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Every access token given so far is refused from now on, as an expired one is. */
  expireAll(): void {
    this.#revoked = new Set(this.#given)
  }

  /** No refresh token is good any more. */
  endSessions(): void {
    this.#refreshTokens.clear()
  }

  readonly #given: string[] = []

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = `${request.method} ${request.url?.split('?')[0]}`
    this.calls.push(call)
    const body = await text(request)
    const fields: Record<string, unknown> = body === '' ? {} : JSON.parse(body)
    const ok = (status: number, answer?: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer === undefined ? undefined : JSON.stringify(answer))
    }
    const refuse = (code: ErrorCode): void => {
      const { status, title } = catalogue[code]
      response
        .writeHead(status, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ code, status, title, detail: 'by the double' }))
    }
    const name = String(fields['name'])
    if (call === 'POST /v1/accounts') ok(201, { account: { id: `id-${name}`, name } })
    else if (call === 'POST /v1/sessions') {
      if (fields['password'] === 'wrong') refuse('WrongCredentials')
      else ok(201, await this.#session(name))
    } else if (call === 'POST /v1/sessions/refresh') {
      const token = String(fields['refreshToken'])
      const owner = this.#refreshTokens.get(token)
      this.#refreshTokens.delete(token)
      this.refreshes += 1
      if (owner === undefined) refuse('RefreshReused')
      else ok(200, await this.#session(owner))
    } else await this.#authorized(call, request, ok, refuse)
  }

  async #authorized(
    call: string,
    request: IncomingMessage,
    ok: (status: number, answer?: object) => void,
    refuse: (code: ErrorCode) => void,
  ): Promise<void> {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    if (this.#revoked.has(token)) return refuse('Unauthenticated')
    const caller = await this.verifier.verify(token).catch(() => undefined)
    if (caller === undefined) return refuse('Unauthenticated')
    const character = { id: 'c1', name: 'Ada', zone: null, position: null, inventory: [], location: { state: 'Offline' }, createdAt: 1 }
    if (call === 'DELETE /v1/sessions/current') ok(204)
    else if (call === 'GET /v1/characters') ok(200, { characters: [character] })
    else if (call === 'POST /v1/characters') ok(201, { character })
    else if (call === 'GET /v1/characters/c1') ok(200, { character })
    else if (call === 'DELETE /v1/characters/c1') ok(202, { character: { ...character, deletesAt: '2026-01-01T00:00:00.000Z' } })
    else if (call === 'POST /v1/characters/c1/restore' || call === 'PATCH /v1/characters/c1') ok(200, { character })
    else refuse('NotFound')
  }

  async #session(name: string): Promise<object> {
    const account = { id: `id-${name}`, name }
    const signed = await this.#signer.sign({ account: account.id, name, session: randomUUID(), roles: ['player'] })
    const refreshToken = randomUUID()
    this.#refreshTokens.set(refreshToken, name)
    this.#given.push(signed.accessToken)
    return { account, accessToken: signed.accessToken, expiresInMs: this.expiresInMs, refreshToken }
  }
}
