import { BailiwickError } from '../../core/errors.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import { keyedId, keyedSecretly, keyOf, Prepared, replayedSays, route } from '../../platform/http/index.ts'
import { changeAccount, checkCredentials } from './accounts.ts'
import { counted, tokensAnswer } from './answers.ts'
import { assertOwnPage, dropCookie, keptToken, OWN_PAGE_HEADER, refreshTokenOf } from './cookie.ts'
import type { RouteDeps } from './deps.ts'
import { sessionLinks, sessionsLinks } from './links.ts'
import { loginBody, refreshBody, sessionAnswer, sessionParams, sessionsAnswer } from './schemas.ts'
import { endReplaced, goesOn, listSessions, logout, openSession, revokeSession, rotateSession } from './sessions.ts'

const ownPage = { [OWN_PAGE_HEADER]: 'Any value; needed where the cookie is used: other sites can not send it' }
const heeds = { ...ownPage, ...keyedSecretly }
const says = { ...replayedSays, 'set-cookie': 'The refresh token, where it was asked for in a cookie' }

/** Logging in and out, renewing, and the sessions of an account. */
export function addSessionRoutes(app: HttpApp, deps: RouteDeps): void {
  addLogin(app, deps)
  addRefresh(app, deps)
  addEnding(app, deps)
}

function addLogin(app: HttpApp, deps: RouteDeps): void {
  const logins = deps.metrics.counter('auth_logins_total', 'Logins', ['result'])
  const spec = {
    summary: 'Logs in: opens a session; in a browser the one that its cookie had before ends',
    body: loginBody,
    heeds,
    answer: { status: 201, body: sessionAnswer, links: sessionLinks, says },
    errors: ['WrongCredentials', 'Banned', 'CrossSite', 'IdempotencyKeyReused', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/sessions', spec, async ({ body, log, address, header }) => {
    // Nobody is logged in as somebody else by another site's page.
    if (body.refreshIn === 'cookie') assertOwnPage(header)
    const key = keyOf(header)
    try {
      const attempt = deps.throttle.enter(body.name, address)
      const account = await counted(attempt, () => checkCredentials(deps, body.name, body.password))
      const open = await openSession(deps, account, header('user-agent') ?? '', goesOn(keyedId(key, 'session', account.id)))
      if (body.refreshIn === 'cookie') await endReplaced(deps, keptToken(header), open.session)
      logins.add({ result: 'Done' })
      log.info({ account: account.id, session: open.session }, 'session opened')
      return await tokensAnswer(deps, 201, open, body.refreshIn)
    } catch (error) {
      logins.add({ result: error instanceof BailiwickError ? error.code : 'Internal' })
      throw error
    }
  })
}

function addRefresh(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Exchanges a refresh token, which is good once, for new tokens',
    body: refreshBody,
    heeds,
    answer: { status: 200, body: sessionAnswer, links: sessionLinks, says },
    errors: ['SessionEnded', 'RefreshReused', 'Banned', 'CrossSite', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/sessions/refresh', spec, async ({ body, log, header }) => {
    const refreshIn = body.refreshToken === undefined ? 'cookie' : 'body'
    const how = { key: keyOf(header), fromPage: refreshIn === 'cookie', log }
    const open = await rotateSession(deps, body.refreshToken ?? refreshTokenOf(header), how)
    return tokensAnswer(deps, 200, open, refreshIn)
  })
}

function addEnding(app: HttpApp, deps: RouteDeps): void {
  const { liveAuth } = deps
  const list = {
    summary: 'The sessions of the account that can be used',
    auth: liveAuth,
    answer: { status: 200, body: sessionsAnswer, links: sessionsLinks },
    errors: ['SessionEnded', 'Banned', 'StoreUnavailable'],
  } as const
  route(app, 'get', '/v1/sessions', list, async ({ caller }) => {
    const sessions = await listSessions(deps, caller.stored)
    const iso = (time: number): string => new Date(time).toISOString()
    return {
      sessions: sessions.map(({ id, openedAt, usedAt, expiresAt, agent }) => {
        return { id, openedAt: iso(openedAt), usedAt: iso(usedAt), expiresAt: iso(expiresAt), agent, current: id === caller.session }
      }),
    }
  })

  const gone = { status: 204, says: { 'set-cookie': 'Drops the cookie of a browser' } } as const
  const current = {
    summary: "Logs out: ends the access token's session; the token itself is good until it expires",
    auth: deps.auth,
    answer: gone,
    errors: ['Busy', 'StoreUnavailable'],
  } as const
  route(app, 'delete', '/v1/sessions/current', current, async ({ caller, log }) => {
    await logout(deps, caller.account, caller.session)
    log.info({ account: caller.account, session: caller.session }, 'session ended')
    return new Prepared(204, { 'set-cookie': dropCookie })
  })

  const everywhere = {
    summary: "Logs out everywhere: ends all of the account's sessions, this one too",
    auth: liveAuth,
    answer: gone,
    errors: ['SessionEnded', 'Banned', 'AccountUnknown', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'delete', '/v1/sessions', everywhere, async ({ caller, log }) => {
    await changeAccount(deps.store, caller.account, (data) => ({ ...data, sessionEpoch: data.sessionEpoch + 1 }))
    log.info({ account: caller.account }, 'all sessions ended')
    return new Prepared(204, { 'set-cookie': dropCookie })
  })

  const one = {
    summary: "Ends one of the account's sessions",
    auth: liveAuth,
    params: sessionParams,
    answer: { status: 204 },
    errors: ['SessionUnknown', 'SessionEnded', 'Banned', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'delete', '/v1/sessions/:id', one, async ({ caller, params, log }) => {
    await revokeSession(deps, caller.stored, params.id)
    log.info({ account: caller.account, session: params.id }, 'session revoked')
  })
}
