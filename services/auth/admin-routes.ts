import { BailiwickError } from '../../core/errors.ts'
import type { HttpApp } from '../../platform/http/index.ts'
import { route } from '../../platform/http/index.ts'
import type { StoredAccount } from './accounts.ts'
import { findAccount, getAccount } from './accounts.ts'
import { accountParams, adminAccountAnswer, auditAnswer, auditQuery, banBody, findQuery, grantBody, staffAnswer } from './admin-schemas.ts'
import type { AuditEntry } from './audit.ts'
import { noteDeed, readDeeds } from './audit.ts'
import { ban, isBanned, unban } from './bans.ts'
import type { LiveCaller, RouteDeps } from './deps.ts'
import { adminAccountLinks, auditLinks, staffLinks } from './links.ts'
import { nameHolder } from './name-claims.ts'
import { lastSeen } from './sessions.ts'
import { grantRole, lookAtStaff, powerOf, staffRoleOf } from './staff.ts'
import type { Power } from './standing.ts'
import { mayAct } from './standing.ts'

const MAX_PAGE = 100

/** For those who run the world. What somebody may do is looked up when it is asked, not taken from the token. */
export function addAdminRoutes(app: HttpApp, deps: RouteDeps): void {
  addFinding(app, deps)
  addBans(app, deps)
  addGranting(app, deps)
  addLooking(app, deps)
}

const common = ['Forbidden', 'AccountUnknown', 'SessionEnded', 'Banned', 'StoreUnavailable'] as const
const deeds = [...common, 'IndexUnavailable', 'Busy'] as const

function addFinding(app: HttpApp, deps: RouteDeps): void {
  const find = {
    summary: 'Finds an account by its name; for moderators',
    auth: deps.liveAuth,
    query: findQuery,
    answer: { status: 200, body: adminAccountAnswer, links: adminAccountLinks },
    errors: common,
  } as const
  route(app, 'get', '/v1/admin/accounts', find, async ({ query, caller }) => {
    await assertMay(deps, caller, 'find')
    const holder = await nameHolder(deps.store, query.name)
    const found = holder === undefined ? undefined : await findAccount(deps.store, holder)
    if (found === undefined) throw new BailiwickError('AccountUnknown', { asked: query.name.slice(0, 100) })
    return { account: await adminView(deps, found) }
  })
  const get = {
    summary: 'An account; for moderators',
    auth: deps.liveAuth,
    params: accountParams,
    answer: { status: 200, body: adminAccountAnswer, links: adminAccountLinks },
    errors: common,
  } as const
  route(app, 'get', '/v1/admin/accounts/:id', get, async ({ params, caller }) => {
    await assertMay(deps, caller, 'find')
    return { account: await adminView(deps, await getAccount(deps.store, params.id)) }
  })
}

function addBans(app: HttpApp, deps: RouteDeps): void {
  const put = {
    summary: 'Bans an account: its sessions end, and its players are cut off within a second; for moderators',
    auth: deps.liveAuth,
    params: accountParams,
    body: banBody,
    answer: { status: 200, body: adminAccountAnswer, links: adminAccountLinks },
    errors: deeds,
  } as const
  route(app, 'put', '/v1/admin/accounts/:id/ban', put, async ({ params, body, caller, log }) => {
    const power = await assertMay(deps, caller, 'ban', params.id)
    const now = deps.clock.now()
    const until = body.until === undefined ? null : Date.parse(body.until)
    if (until !== null && until <= now) throw new BailiwickError('InvalidInput', { asked: 'until', found: 'a time that is over' })
    const detail = `${body.until ?? 'for good'}: ${body.reason}`
    await noteDeed(deps.store, { at: now, by: caller.account, power, action: 'Ban', account: params.id, detail })
    const banned = await ban(deps, params.id, { until, reason: body.reason, by: caller.account, at: now })
    log.warn({ account: params.id, by: caller.account, until: body.until }, 'account banned')
    return { account: await adminView(deps, banned) }
  })
  const lift = {
    summary: 'Lifts the ban of an account; for moderators',
    auth: deps.liveAuth,
    params: accountParams,
    answer: { status: 200, body: adminAccountAnswer, links: adminAccountLinks },
    errors: deeds,
  } as const
  route(app, 'delete', '/v1/admin/accounts/:id/ban', lift, async ({ params, caller, log }) => {
    const power = await assertMay(deps, caller, 'ban', params.id)
    await noteDeed(deps.store, { at: deps.clock.now(), by: caller.account, power, action: 'Unban', account: params.id, detail: '' })
    const free = await unban(deps, params.id)
    log.warn({ account: params.id, by: caller.account }, 'ban lifted')
    return { account: await adminView(deps, free) }
  })
}

function addGranting(app: HttpApp, deps: RouteDeps): void {
  const spec = {
    summary: 'Makes an account a player, a moderator or an admin; for admins, and the last for the owner',
    auth: deps.liveAuth,
    params: accountParams,
    body: grantBody,
    answer: { status: 200, body: adminAccountAnswer, links: adminAccountLinks },
    errors: [...common, 'TooManyStaff', 'Busy'],
  } as const
  route(app, 'put', '/v1/admin/accounts/:id/role', spec, async ({ params, body, caller, log }) => {
    const role = body.role === 'player' ? undefined : body.role
    const power = await assertMay(deps, caller, 'grant', params.id, role ?? 'none')
    const now = deps.clock.now()
    await noteDeed(deps.store, { at: now, by: caller.account, power, action: 'Grant', account: params.id, detail: body.role })
    await grantRole(deps.store, params.id, role, now)
    log.warn({ account: params.id, by: caller.account, role: body.role }, 'role granted')
    return { account: await adminView(deps, await getAccount(deps.store, params.id)) }
  })
}

function addLooking(app: HttpApp, deps: RouteDeps): void {
  const staff = {
    summary: 'The owner, admins and moderators, and who stands in for an absent owner; for moderators',
    auth: deps.liveAuth,
    answer: { status: 200, body: staffAnswer, links: staffLinks },
    errors: common,
  } as const
  route(app, 'get', '/v1/admin/staff', staff, async ({ caller }) => {
    await assertMay(deps, caller, 'find')
    const { members, seenAt, standIn } = await lookAtStaff(deps, deps.standIn)
    return {
      members: members.map(({ account, role, since }) => {
        const seen = seenAt.get(account)
        return { account, role, since: iso(since), ...(seen === undefined ? {} : { seenAt: iso(seen) }), standIn: account === standIn }
      }),
    }
  })
  const audit = {
    summary: 'What moderators and admins did, the newest first; for admins',
    auth: deps.liveAuth,
    query: auditQuery,
    answer: { status: 200, body: auditAnswer, links: auditLinks },
    errors: common,
  } as const
  route(app, 'get', '/v1/admin/audit', audit, async ({ query, caller }) => {
    const power = await powerOf(deps, caller.stored, deps.standIn)
    if (power !== 'admin' && power !== 'owner') throw forbidden(power)
    const entries = await readDeeds(deps.store, query.before, query.limit ?? MAX_PAGE)
    const last = entries.at(-1)?.n ?? 1
    return { deeds: entries.map(deedView), ...(last > 1 ? { next: last } : {}) }
  })
}

function deedView({ at, ...deed }: AuditEntry) {
  return { ...deed, at: iso(at) }
}

/** What the caller may do to the account; its power at this moment. Throws Forbidden, AccountUnknown. */
async function assertMay(
  deps: RouteDeps,
  caller: LiveCaller,
  action: 'find' | 'ban' | 'grant',
  target?: string,
  granted: Power = 'none',
): Promise<Power> {
  const power = await powerOf(deps, caller.stored, deps.standIn)
  // Whoever may do nothing is not told which accounts there are.
  if (power === 'none') throw forbidden(power)
  const of = target === undefined ? 'none' : ((await staffRoleOf(deps.store, (await getAccount(deps.store, target)).id)) ?? 'none')
  if (target === caller.account || !mayAct(power, action, of, granted)) throw forbidden(power)
  return power
}

async function adminView(deps: RouteDeps, account: StoredAccount) {
  const { id, name, createdAt } = account
  const [role, seen] = await Promise.all([staffRoleOf(deps.store, id), lastSeen(deps, id)])
  const banned = isBanned(account.ban, deps.clock.now()) ? account.ban : undefined
  return {
    ...{ id, name, createdAt: iso(createdAt), role: role ?? ('player' as const) },
    ...(seen === undefined ? {} : { seenAt: iso(seen) }),
    ...(banned && {
      ban: { reason: banned.reason, by: banned.by, at: iso(banned.at), ...(banned.until === null ? {} : { until: iso(banned.until) }) },
    }),
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function forbidden(power: Power): BailiwickError {
  return new BailiwickError('Forbidden', { found: power === 'none' ? 'a player' : `a caller with the rights of: ${power}` })
}
