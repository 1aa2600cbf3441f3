import { BailiwickError, isCode } from '../../core/errors.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import { keyedHeader, keyedId, keyedSecretly, keyOf, Prepared, replayed, replayedSays, route } from '../../platform/http/index.ts'
import type { StoredAccount } from './accounts.ts'
import { getAccount, makeAccount } from './accounts.ts'
import { tokensAnswer } from './answers.ts'
import { confirmOwner } from './confirm-owner.ts'
import { assertOwnPage, keptToken, OWN_PAGE_HEADER } from './cookie.ts'
import type { RouteDeps } from './deps.ts'
import { identityHolder, identityKey } from './identities.ts'
import type { Header, Proof } from './issuer-login.ts'
import { dropLoginCookie, openProof } from './issuer-login.ts'
import { identitiesAnswer, identityParams, issuerSessionBody, linkBody, unlinkBody } from './issuer-schemas.ts'
import { identitiesLinks, sessionLinks } from './links.ts'
import { keyOfAnother, linkedBefore, linkIdentity, unlinkIdentity } from './links-of-account.ts'
import { sessionAnswer } from './schemas.ts'
import { endReplaced, openSession } from './sessions.ts'

const ownPage = { [OWN_PAGE_HEADER]: 'Any value; needed where the cookie is used: other sites can not send it' }

/** What the proof of a login at an issuer is good for: a session, with a new account if there is none, and being linked with an account that there is. */
export function addIssuerSessionRoutes(app: HttpApp, deps: RouteDeps): void {
  addSession(app, deps)
  addListing(app, deps)
  addLinking(app, deps)
  addUnlinking(app, deps)
}

function addSession(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Opens a session with the proof of a login at an issuer; makes the account when there is none',
    body: issuerSessionBody,
    heeds: { ...ownPage, ...keyedSecretly },
    answer: {
      status: 201,
      body: sessionAnswer,
      links: sessionLinks,
      says: {
        'set-cookie': 'The refresh token, where it was asked for in a cookie; and drops the proof that came in one',
        ...replayedSays,
      },
    },
    errors: [
      ...(['LoginExpired', 'SessionEnded', 'WrongCredentials', 'NameNeeded', 'NameTaken', 'NameRefused'] as const),
      ...(['AccountUnknown', 'Banned', 'CrossSite', 'IdempotencyKeyReused', 'Busy', 'StoreUnavailable'] as const),
    ],
  } as const
  route(app, 'post', '/v1/oidc/sessions', spec, async ({ body, header, log }) => {
    if (body.proof === undefined || body.refreshIn === 'cookie') assertOwnPage(header)
    const key = keyOf(header)
    const proof = await openProof(deps.signer.sealer, body.proof, header)
    const account = await accountFor(deps, proof, body.name)
    const login = identityKey(proof.identity)
    const given = { id: proof.session, repeated: 'Ends', key, loggedInAt: proof.loggedInAt, login } as const
    const open = await openSession(deps, account, header('user-agent') ?? '', given)
    if (body.refreshIn === 'cookie') await endReplaced(deps, keptToken(header), open.session)
    log.info({ account: account.id, session: open.session, issuer: proof.issuer }, 'session opened')
    // What is used up must not be shown again, by a second click or by another tab: that would end the session.
    return tokensAnswer(deps, 201, open, body.refreshIn, body.proof === undefined ? [dropLoginCookie] : [])
  })
}

/** The account that the identity opens, or a new one. Throws NameNeeded, NameTaken, NameRefused, AccountUnknown, Busy. */
async function accountFor(deps: RouteDeps, { identity }: Proof, name: string | undefined): Promise<StoredAccount> {
  const holder = await identityHolder(deps.store, identityKey(identity))
  if (holder !== undefined) return getAccount(deps.store, holder)
  if (name === undefined) throw new BailiwickError('NameNeeded', { todo: 'choose one, and send it as name' })
  try {
    // Nobody logs in to it with a password.
    return await makeAccount(deps, name, async () => null, { identity })
  } catch (error) {
    if (!isCode(error, 'IdentityTaken', 'NameTaken')) throw error
    // Another browser of the same player was first: then it has the account, and its name.
    const first = await identityHolder(deps.store, identityKey(identity))
    if (first !== undefined) return getAccount(deps.store, first)
    if (error.code === 'NameTaken') throw error
    throw new BailiwickError('Busy', {
      found: 'another login that makes the account',
      todo: 'try again',
      retryAfterMs: 1_000,
      cause: error,
    })
  }
}

function addListing(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'The logins of issuers that open the account',
    auth: deps.liveAuth,
    answer: { status: 200, body: identitiesAnswer, links: identitiesLinks },
    errors: ['SessionEnded', 'Banned', 'StoreUnavailable'],
  } as const
  route(app, 'get', '/v1/accounts/current/identities', spec, async ({ caller }) => identitiesView(deps, caller.stored))
}

function addLinking(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Lets the login of an issuer open the account; asks for the password, or for a login of a moment ago',
    auth: deps.liveAuth,
    body: linkBody,
    heeds: { ...ownPage, ...keyedHeader },
    answer: {
      status: 201,
      body: identitiesAnswer,
      links: identitiesLinks,
      says: { 'set-cookie': 'Drops the proof of a browser', ...replayedSays },
    },
    errors: [
      ...(['LoginExpired', 'WrongCredentials', 'LoginTooOld', 'IdentityTaken', 'TooManyIdentities', 'CrossSite'] as const),
      ...(['IdempotencyKeyReused', 'SessionEnded', 'AccountUnknown', 'Banned', 'Busy', 'StoreUnavailable'] as const),
    ],
  } as const
  route(app, 'post', '/v1/accounts/current/identities', spec, async ({ body, caller, header, address, log }) => {
    if (body.proof === undefined) assertOwnPage(header)
    const by = keyedId(keyOf(header), 'link', caller.account)
    const linked = linkedBefore(caller.stored, by)
    const answer = (account: StoredAccount) =>
      new Prepared(201, { 'set-cookie': dropLoginCookie }, JSON.stringify(identitiesView(deps, account)))
    if (linked !== undefined) {
      const proof = await proofIfGood(deps, body.proof, header)
      await confirmOwner(deps, caller, body.password, address)
      if (proof !== undefined && identityKey(proof.identity) !== identityKey(linked)) throw keyOfAnother()
      // Done again: the request before may be on its way still, or have died on it.
      return replayed(answer(await linkIdentity(deps, caller.account, linked, by)))
    }
    const proof = await openProof(deps.signer.sealer, body.proof, header)
    await confirmOwner(deps, caller, body.password, address)
    const account = await linkIdentity(deps, caller.account, proof.identity, by)
    log.info({ account: account.id, issuer: proof.issuer }, 'a login of an issuer opens the account from now on')
    return answer(account)
  })
}

/** Of a repetition: the answer that did not arrive whole may have dropped the cookie, and time goes by. */
function proofIfGood({ signer }: RouteDeps, given: string | undefined, header: Header): Promise<Proof | undefined> {
  return openProof(signer.sealer, given, header).catch((error: unknown) => {
    if (isCode(error, 'LoginExpired')) return undefined
    throw error
  })
}

function addUnlinking(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Ends that, and the sessions that it opened but this one; asks for the password, or for a login of a moment ago',
    auth: deps.liveAuth,
    params: identityParams,
    body: unlinkBody,
    heeds: keyedHeader,
    answer: { status: 204, says: replayedSays },
    errors: [
      ...(['IdentityUnknown', 'LastLogin', 'WrongCredentials', 'LoginTooOld'] as const),
      ...(['SessionEnded', 'AccountUnknown', 'Banned', 'Busy', 'StoreUnavailable'] as const),
    ],
  } as const
  route(app, 'post', '/v1/accounts/current/identities/:id/removal', spec, async ({ params, body, caller, header, address, log }) => {
    await confirmOwner(deps, caller, body.password, address)
    const by = keyedId(keyOf(header), 'unlink', caller.account, params.id)
    const gone = new Prepared(204, {})
    if ((await unlinkIdentity(deps, caller.account, params.id, { by, staying: caller.session })) === 'Again') return replayed(gone)
    log.info({ account: caller.account }, 'a login of an issuer opens the account no more; the sessions that it opened ended')
    return gone
  })
}

function identitiesView({ issuers }: RouteDeps, { identities = [] }: StoredAccount) {
  return {
    identities: identities.map((identity) => ({
      id: identityKey(identity),
      issuer: identity.issuer,
      name: issuers.find((issuer) => isSameUrl(issuer.url, identity.issuer))?.name ?? null,
      linkedAt: new Date(identity.linkedAt).toISOString(),
    })),
  }
}

/** With or without the slash at the end of a bare host: discovery takes both for one issuer, too. */
function isSameUrl(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href
}
