import { createHash } from 'node:crypto'
import { BailiwickError } from '../../core/errors.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import { Prepared, route } from '../../platform/http/index.ts'
import type { Issuer } from '../../platform/oidc/index.ts'
import { findAccount } from './accounts.ts'
import { accountView } from './answers.ts'
import { assertOwnPage, OWN_PAGE_HEADER } from './cookie.ts'
import type { RouteDeps } from './deps.ts'
import { identityHolder, identityKey } from './identities.ts'
import type { Begun, Proof } from './issuer-login.ts'
import { begunOf, dropLoginCookie, keepBegun, keepProof, openCode, openProof, sealCode, sealProof } from './issuer-login.ts'
import {
  callbackQuery,
  gameLoginQuery,
  identityAnswer,
  identityBody,
  issuerParams,
  issuersAnswer,
  pageLoginQuery,
} from './issuer-schemas.ts'
import { issuerLinks } from './links.ts'
import { randomId } from './stored.ts'
import { suggestName } from './suggest-name.ts'

/**
 * Logging in at another issuer (OpenID Connect, authorization code with PKCE; RFC 9700): to the issuer, back from it, and who came back. What opens a session then is in issuer-session-routes.ts.
 */
export function addIssuerRoutes(app: HttpApp, deps: RouteDeps): void {
  addListing(app, deps)
  addBeginnings(app, deps)
  addCallback(app, deps)
  addIdentity(app, deps)
}

function addListing(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'The issuers of accounts that a player may log in with',
    answer: { status: 200, body: issuersAnswer, links: issuerLinks },
  } as const
  route(app, 'get', '/v1/oidc/issuers', spec, async () => ({ issuers: deps.issuers.map(({ id, name }) => ({ id, name })) }))
}

const redirects = {
  status: 303,
  says: { location: 'Where the browser goes on', 'set-cookie': 'Keeps what belongs to the login: for this browser alone, ten minutes' },
} as const
const navigates = { 'sec-fetch-site': 'That of a browser; a link on another site is refused' }

function addBeginnings(app: HttpApp, deps: RouteDeps): void {
  const begin = async (
    id: string,
    header: (name: string) => string | undefined,
    fresh: 'true' | undefined,
    by: Begun['by'],
  ): Promise<Prepared> => {
    assertNoOtherSite(header)
    const { url, begun } = await issuerOf(deps, id).begin({ fresh: fresh === 'true' })
    return redirect(url, await keepBegun(deps.signer.sealer, { issuer: id, ...begun, by }))
  }
  const common = {
    params: issuerParams,
    heeds: navigates,
    answer: redirects,
    errors: ['IssuerUnknown', 'IssuerUnavailable', 'CrossSite'],
  } as const
  const page = { ...common, summary: 'Sends the browser of a page to an issuer, to log in there', query: pageLoginQuery } as const
  route(app, 'get', '/v1/oidc/:issuer/login', page, ({ params, query, header }) => {
    const { fresh, ...rest } = query
    return begin(params.issuer, header, fresh, { kind: 'page', ...rest })
  })
  const game = {
    ...common,
    summary: 'The same for a game, which opened the browser and listens for the outcome',
    query: gameLoginQuery,
  } as const
  route(app, 'get', '/v1/oidc/:issuer/game', game, ({ params, query, header }) => {
    const { fresh, ...rest } = query
    return begin(params.issuer, header, fresh, { kind: 'game', ...rest })
  })
}

function addCallback(app: HttpApp, deps: RouteDeps): void {
  const results = deps.metrics.counter('auth_issuer_logins_total', 'Players that came back from an issuer', ['issuer', 'result'])
  const { sealer } = deps.signer
  const spec = {
    summary: 'Where an issuer sends the browser back to',
    params: issuerParams,
    query: callbackQuery,
    answer: redirects,
    errors: ['IssuerUnknown', 'LoginExpired'],
  } as const
  route(app, 'get', '/v1/oidc/:issuer/callback', spec, async ({ params, query, header, log }) => {
    const issuer = issuerOf(deps, params.issuer)
    const begun = await begunOf(sealer, header, issuer.id, query.state)
    try {
      const proof = await prove(deps, issuer, begun, query)
      results.add({ issuer: issuer.id, result: 'Done' })
      return await handOver(deps, begun.by, proof)
    } catch (error) {
      const code = error instanceof BailiwickError ? error.code : 'Internal'
      results.add({ issuer: issuer.id, result: code })
      // What the issuer said is left out of the log: it tells of a player, or holds tokens.
      if (error instanceof BailiwickError) log.warn({ issuer: issuer.id, code, detail: error.message }, 'a login at an issuer failed')
      else log.error({ issuer: issuer.id, error }, 'a login at an issuer failed')
      // A person sits before this browser: told by what began the login, not by a page of JSON.
      return redirect(outcome(begun.by, { error: code }), dropLoginCookie)
    }
  })
}

type Answered = { readonly [name in 'code' | 'state' | 'iss' | 'error']?: string | undefined }

async function prove(deps: RouteDeps, issuer: Issuer, begun: Begun, answered: Answered): Promise<Proof> {
  const { code, state, iss, error } = answered
  const given = Object.entries({ code, state, iss, error }).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const login = await issuer.finish(new URLSearchParams(given), begun)
  const identity = { issuer: login.issuer, subject: login.subject }
  const isNew = (await identityHolder(deps.store, identityKey(identity))) === undefined
  const suggestedName = isNew ? (suggestName(await login.suggestedName()) ?? null) : null
  const loggedInAt = login.loggedInMsAgo === undefined ? undefined : deps.clock.now() - login.loggedInMsAgo
  return { session: randomId(), issuer: issuer.id, identity, suggestedName, loggedInAt }
}

async function handOver({ signer }: RouteDeps, by: Begun['by'], proof: Proof): Promise<Prepared> {
  if (by.kind === 'page') return redirect(outcome(by, {}), await keepProof(signer.sealer, proof))
  return redirect(outcome(by, { code: await sealCode(signer.sealer, by.challenge, proof) }), dropLoginCookie)
}

/** The address that tells how it ended: a page finds it behind the #, which goes to no server; a game in the query. */
function outcome(by: Begun['by'], told: { readonly code?: string; readonly error?: string }): string {
  if (by.kind === 'page') return `${by.returnTo}#login=${told.error ?? 'Done'}`
  return `${by.redirectUri}?${new URLSearchParams({ ...told, state: by.state })}`
}

function addIdentity(app: HttpApp, deps: RouteDeps): void {
  const { sealer } = deps.signer
  const spec = {
    summary: 'Who logged in at an issuer: the account that it opens, or a name to suggest for a new one',
    body: identityBody,
    heeds: { [OWN_PAGE_HEADER]: 'Any value; needed where the cookie is used: other sites can not send it' },
    answer: { status: 200, body: identityAnswer },
    errors: ['LoginExpired', 'IssuerUnknown', 'CrossSite', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/oidc/identity', spec, async ({ body, header }) => {
    const { code, verifier } = body
    if (code === undefined) assertOwnPage(header)
    const proof =
      code === undefined ? await openProof(sealer, undefined, header) : await openCode(sealer, code, challengeOf, verifier ?? '')
    const { id, name } = issuerOf(deps, proof.issuer)
    const holder = await identityHolder(deps.store, identityKey(proof.identity))
    const account = holder === undefined ? undefined : await findAccount(deps.store, holder)
    return {
      issuer: { id, name },
      account: account === undefined ? null : accountView(account),
      suggestedName: proof.suggestedName,
      ...(code === undefined ? {} : { proof: await sealProof(sealer, proof) }),
    }
  })
}

/** RFC 7636, 4.2. */
function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** Throws IssuerUnknown. */
function issuerOf({ issuers }: RouteDeps, id: string): Issuer {
  const found = issuers.find((issuer) => issuer.id === id)
  if (found === undefined) throw new BailiwickError('IssuerUnknown', { asked: id, todo: 'GET /v1/oidc/issuers lists them' })
  return found
}

/** Throws CrossSite for a link or form of another site: nobody is logged in because they looked at something. */
function assertNoOtherSite(header: (name: string) => string | undefined): void {
  const site = header('sec-fetch-site') ?? 'none'
  if (site === 'none' || site === 'same-origin') return
  throw new BailiwickError('CrossSite', {
    found: `a link of another site (${site.slice(0, 20)})`,
    todo: 'begin the login on the page itself',
  })
}

function redirect(location: string, cookie: string): Prepared {
  return new Prepared(303, { location, 'set-cookie': cookie })
}
