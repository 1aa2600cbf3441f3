import { describeError } from '../../core/errors.ts'
import { ACCOUNT_BAR_KEPT } from '../../core/timing.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import { Prepared, route } from '../../platform/http/index.ts'
import { changeAccount, deleteAccount, register, wrongCredentials } from './accounts.ts'
import { accountView, tokensAnswer } from './answers.ts'
import { confirmOwner } from './confirm-owner.ts'
import { assertOwnPage, dropCookie, OWN_PAGE_HEADER } from './cookie.ts'
import type { RouteDeps } from './deps.ts'
import { registerLinks, sessionLinks } from './links.ts'
import { checkNewPassword } from './password-rules.ts'
import { accountAnswer, deletionBody, passwordBody, registerAnswer, registerBody, sessionAnswer } from './schemas.ts'
import { openSession } from './sessions.ts'

/** Making, reading and deleting an account, and changing its password. */
export function addAccountRoutes(app: HttpApp, deps: RouteDeps): void {
  addRegister(app, deps)
  addReading(app, deps)
  addPassword(app, deps)
  addDeletion(app, deps)
}

function addRegister(app: HttpApp, deps: RouteDeps): void {
  const results = deps.metrics.counter('auth_registrations_total', 'Accounts made')
  const spec = {
    summary: 'Makes an account',
    body: registerBody,
    answer: { status: 201, body: registerAnswer, links: registerLinks },
    errors: ['NameTaken', 'NameRefused', 'PasswordCommon', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/accounts', spec, async ({ body, log }) => {
    checkNewPassword(body.name, body.password)
    const account = await register(deps, body.name, body.password)
    results.add()
    log.info({ account: account.id }, 'account made')
    return { account: accountView(account) }
  })
}

function addReading(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'The account of the access token',
    auth: deps.liveAuth,
    answer: { status: 200, body: accountAnswer },
    errors: ['SessionEnded', 'Banned', 'StoreUnavailable'],
  } as const
  route(app, 'get', '/v1/accounts/current', spec, async ({ caller }) => {
    const account = caller.stored
    const { createdAt, passwordHash } = account
    return { account: { ...accountView(account), createdAt: new Date(createdAt).toISOString(), hasPassword: passwordHash !== null } }
  })
}

function addPassword(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Changes the password: asks for the old one, ends all sessions and opens a new one for the asker',
    auth: deps.liveAuth,
    body: passwordBody,
    heeds: { [OWN_PAGE_HEADER]: 'Any value; needed where the refresh token is to go into the cookie' },
    answer: {
      status: 200,
      body: sessionAnswer,
      links: sessionLinks,
      says: { 'set-cookie': 'The refresh token, where it was asked for in a cookie' },
    },
    errors: [
      'WrongCredentials',
      'LoginTooOld',
      'PasswordCommon',
      'SessionEnded',
      'AccountUnknown',
      'Banned',
      'CrossSite',
      'Busy',
      'StoreUnavailable',
    ],
  } as const
  route(app, 'post', '/v1/accounts/current/password', spec, async ({ body, caller, log, address, header }) => {
    if (body.refreshIn === 'cookie') assertOwnPage(header)
    const account = caller.stored
    checkNewPassword(account.name, body.newPassword)
    await confirmOwner(deps, caller, body.password, address)
    const passwordHash = await deps.passwords.hash(body.newPassword)
    const changed = await changeAccount(deps.store, account.id, (data) => {
      // Of two changes at once one is too late: its old password is not the old one any more.
      if (data.passwordHash !== account.passwordHash) throw wrongCredentials()
      return { ...data, passwordHash, sessionEpoch: data.sessionEpoch + 1 }
    })
    log.info({ account: account.id }, 'password changed; all sessions ended')
    return tokensAnswer(deps, 200, await openSession(deps, changed, header('user-agent') ?? ''), body.refreshIn)
  })
}

function addDeletion(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Deletes the account: asks for the password; its sessions end, its name is free, its characters go',
    auth: deps.liveAuth,
    body: deletionBody,
    answer: { status: 204, says: { 'set-cookie': 'Drops the cookie of a browser' } },
    errors: ['WrongCredentials', 'LoginTooOld', 'SessionEnded', 'Banned', 'AccountUnknown', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/accounts/current/deletion', spec, async ({ body, caller, log, address }) => {
    const account = caller.stored
    await confirmOwner(deps, caller, body.password, address)
    await deleteAccount(deps, account.id)
    // Its players leave, so that its characters can go; if the index is away, they leave when they like.
    await deps.index.barAccount(account.id, ACCOUNT_BAR_KEPT).catch((error: unknown) => {
      log.warn({ account: account.id, detail: describeError(error) }, 'the players of a deleted account were not sent away')
    })
    log.info({ account: account.id }, 'account deleted')
    return new Prepared(204, { 'set-cookie': dropCookie })
  })
}
