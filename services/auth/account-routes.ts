import { BailiwickError, describeError, isCode } from '../../core/errors.ts'
import { ACCOUNT_BAR_KEPT } from '../../core/timing.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import { keyedHeader, keyedId, keyedSecretly, keyOf, Prepared, replayed, replayedSays, route } from '../../platform/http/index.ts'
import type { Caller } from '../../platform/tokens/index.ts'
import type { StoredAccount } from './accounts.ts'
import { changeAccount, checkPassword, deleteAccount, findAccount, register, registeredBefore, wrongCredentials } from './accounts.ts'
import { accountView, counted, tokensAnswer } from './answers.ts'
import { confirmOwner } from './confirm-owner.ts'
import { assertOwnPage, dropCookie, OWN_PAGE_HEADER } from './cookie.ts'
import type { LiveCaller, RouteDeps } from './deps.ts'
import { registerLinks, sessionLinks } from './links.ts'
import { checkNewPassword } from './password-rules.ts'
import { accountAnswer, deletionBody, passwordBody, registerAnswer, registerBody, sessionAnswer } from './schemas.ts'
import type { OpenSession } from './sessions.ts'
import { goesOn, liveAccount, openSession } from './sessions.ts'

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
    heeds: keyedHeader,
    answer: { status: 201, body: registerAnswer, links: registerLinks, says: replayedSays },
    errors: ['NameTaken', 'NameRefused', 'PasswordCommon', 'RequestUnderWay', 'IdempotencyKeyReused', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/accounts', spec, async ({ body, log, address, header }) => {
    checkNewPassword(body.name, body.password)
    const id = keyedId(keyOf(header), 'account', body.name)
    const before = id === undefined ? undefined : await registeredBefore(deps.store, body.name, id)
    if (before !== undefined) {
      // Whoever guessed the key is not told whether the password is right for nothing.
      await proves(deps, before, body.password, address)
      return replayed(registered(before))
    }
    const account = await register(deps, body.name, body.password, id)
    results.add()
    log.info({ account: account.id }, 'account made')
    return registered(account)
  })
}

function registered(account: StoredAccount): Prepared {
  return new Prepared(201, {}, JSON.stringify(registerAnswer.parse({ account: accountView(account) })))
}

/** Whoever asks knows the account's password; counted as a login is. Throws WrongCredentials, TooManyRequests, Busy. */
function proves(deps: RouteDeps, account: StoredAccount, password: string, address: string): Promise<void> {
  return counted(deps.throttle.enter(account.name, address), () => checkPassword(deps, account, password))
}

/** Who asks, with a session that lives; undefined: it has ended, and the request has a key, so it may be this request that ended it. Throws SessionEnded, Banned. */
async function liveOrRepeated(deps: RouteDeps, caller: Caller, key: string | undefined): Promise<LiveCaller | undefined> {
  try {
    return { ...caller, stored: await liveAccount(deps, caller.account, caller.session) }
  } catch (error) {
    if (key !== undefined && isCode(error, 'SessionEnded')) return undefined
    throw error
  }
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
    auth: deps.auth,
    body: passwordBody,
    heeds: { [OWN_PAGE_HEADER]: 'Any value; needed where the refresh token is to go into the cookie', ...keyedSecretly },
    answer: {
      status: 200,
      body: sessionAnswer,
      links: sessionLinks,
      says: { 'set-cookie': 'The refresh token, where it was asked for in a cookie', ...replayedSays },
    },
    errors: [
      ...(['WrongCredentials', 'LoginTooOld', 'PasswordCommon', 'SessionEnded', 'AccountUnknown', 'Banned', 'CrossSite'] as const),
      ...(['IdempotencyKeyReused', 'Busy', 'StoreUnavailable'] as const),
    ],
  } as const
  route(app, 'post', '/v1/accounts/current/password', spec, async ({ body, caller, log, address, header }) => {
    if (body.refreshIn === 'cookie') assertOwnPage(header)
    const key = keyOf(header)
    const session = keyedId(key, 'password', caller.account)
    const agent = header('user-agent') ?? ''
    const live = await liveOrRepeated(deps, caller, key)
    if (live === undefined)
      return tokensAnswer(deps, 200, await afterChange(deps, caller, { session, agent, address }, body.newPassword), body.refreshIn)
    const account = live.stored
    checkNewPassword(account.name, body.newPassword)
    await confirmOwner(deps, live, body.password, address)
    const passwordHash = await deps.passwords.hash(body.newPassword)
    const changed = await changeAccount(deps.store, account.id, (data) => {
      // Of two changes at once one is too late: its old password is not the old one any more.
      if (data.passwordHash !== account.passwordHash) throw wrongCredentials()
      return { ...data, passwordHash, sessionEpoch: data.sessionEpoch + 1 }
    })
    log.info({ account: account.id }, 'password changed; all sessions ended')
    return tokensAnswer(deps, 200, await openSession(deps, changed, agent, goesOn(session)), body.refreshIn)
  })
}

interface Asker {
  readonly session: string | undefined
  readonly agent: string
  readonly address: string
}

/** The session of one who changed the password and did not hear of it: who knows the new one may log in with it anyway. Throws SessionEnded, and what `proves` and `openSession` throw. */
async function afterChange(deps: RouteDeps, caller: Caller, { session, agent, address }: Asker, newPassword: string): Promise<OpenSession> {
  const account = await findAccount(deps.store, caller.account)
  if (account === undefined) throw new BailiwickError('SessionEnded', { todo: 'log in again' })
  await proves(deps, account, newPassword, address)
  return { ...(await openSession(deps, account, agent, goesOn(session))), again: true }
}

function addDeletion(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Deletes the account: asks for the password; its sessions end, its name is free, its characters go',
    auth: deps.auth,
    body: deletionBody,
    heeds: keyedHeader,
    answer: { status: 204, says: { 'set-cookie': 'Drops the cookie of a browser', ...replayedSays } },
    errors: ['WrongCredentials', 'LoginTooOld', 'SessionEnded', 'Banned', 'AccountUnknown', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/accounts/current/deletion', spec, async ({ body, caller, log, address, header }) => {
    const gone = new Prepared(204, { 'set-cookie': dropCookie })
    const live = await liveOrRepeated(deps, caller, keyOf(header))
    if (live === undefined) {
      if ((await findAccount(deps.store, caller.account)) !== undefined) throw new BailiwickError('SessionEnded', { todo: 'log in again' })
      return replayed(gone)
    }
    const account = live.stored
    await confirmOwner(deps, live, body.password, address)
    await deleteAccount(deps, account.id)
    // Its players leave, so that its characters can go; if the index is away, they leave when they like.
    await deps.index.barAccount(account.id, ACCOUNT_BAR_KEPT).catch((error: unknown) => {
      log.warn({ account: account.id, detail: describeError(error) }, 'the players of a deleted account were not sent away')
    })
    log.info({ account: account.id }, 'account deleted')
    return gone
  })
}
