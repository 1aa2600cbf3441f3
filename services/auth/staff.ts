import { chains } from '../../core/chains.ts'
import type { Change } from '../../core/change-chain.ts'
import { changeChain } from '../../core/change-chain.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { storedForm } from '../../core/stored-form.ts'
import { z } from '../../core/validate/index.ts'
import type { StoredAccount } from './accounts.ts'
import { findAccount } from './accounts.ts'
import { isBanned } from './bans.ts'
import type { SessionDeps } from './sessions.ts'
import { lastSeen } from './sessions.ts'
import type { Member, Power, StaffRole, StandInRule } from './standing.ts'
import { staffRoles, standIn } from './standing.ts'

const member = z.object({ account: z.string(), role: z.enum(staffRoles), since: z.number(), ownerSince: z.number().exactOptional() })
export const staffForm = storedForm('staff', z.object({ kind: z.literal('staff'), members: z.array(member) }))
/** Each look at who stands in reads when every one of them was seen. */
const MAX_STAFF = 64

/** The owner, the admins and the moderators. */
export async function readStaff(store: Store): Promise<readonly Member[]> {
  return membersOf(await store.head(chains.staff))
}

export async function staffRoleOf(store: Store, account: string): Promise<StaffRole | undefined> {
  return (await readStaff(store)).find((member) => member.account === account)?.role
}

/** Makes an account what `role` says; undefined: a player. The owner stays the owner. Throws TooManyStaff, Forbidden for the owner, Busy; AccountUnknown when it was deleted meanwhile. */
export async function grantRole(store: Store, account: string, role: Exclude<StaffRole, 'owner'> | undefined, now: number): Promise<void> {
  await changeStaff(store, (members) => {
    const known = members.find((member) => member.account === account)
    if (known?.role === 'owner') throw new BailiwickError('Forbidden', { found: 'the owner', todo: 'make another account the owner first' })
    if (known?.role === role) return members
    const others = members.filter((member) => member !== known)
    return role === undefined ? others : [...others, { account, role, since: known?.since ?? now }]
  })
  // Its erasure may have looked before we wrote, and nobody could take away the role of an account that is not there.
  if ((await findAccount(store, account)) !== undefined) return
  await eraseStaff(store, account)
  throw new BailiwickError('AccountUnknown', { asked: account })
}

/** Makes an account the owner, which counts as seen at that moment; the one before is an admin from then on. For whoever has the store itself: no route leads here. Throws TooManyStaff, Busy. */
export async function makeOwner(store: Store, account: string, now: number): Promise<void> {
  await changeStaff(store, (members) => {
    const known = members.find((member) => member.account === account)
    if (known?.role === 'owner') return members
    const others = members.filter((member) => member !== known)
    const before = others.map(
      (other): Member => (other.role === 'owner' ? { account: other.account, role: 'admin', since: other.since } : other),
    )
    return [...before, { account, role: 'owner', since: known?.since ?? now, ownerSince: now }]
  })
}

/** Forgets that an account that is gone was an admin or a moderator. An owner stays: that it is absent for ever is what somebody stands in for. Throws Busy. */
export async function eraseStaff(store: Store, account: string): Promise<void> {
  await changeStaff(
    store,
    (members) => {
      const others = members.filter((member) => member.account !== account || member.role === 'owner')
      return others.length === members.length ? members : others
    },
    'always',
  )
}

/** Who stands in for an absent owner now, and when each of the staff was seen last. Whoever is banned can do nothing, and stands in for nobody. */
export async function lookAtStaff(deps: SessionDeps, rule: StandInRule) {
  const { store, clock } = deps
  const members = await readStaff(store)
  const seen = await Promise.all(
    members.map(async (member) => {
      const account = await findAccount(store, member.account)
      return account === undefined ? undefined : { member, account, seenAt: await lastSeen(deps, account.id) }
    }),
  )
  const living = seen.filter((each) => each !== undefined)
  const seenAt = new Map(living.flatMap(({ member, seenAt: at }) => (at === undefined ? [] : [[member.account, at] as const])))
  // An owner whose account is gone is absent for ever.
  const owner = members.filter((member) => member.role === 'owner' && !living.some((each) => each.member === member))
  const now = clock.now()
  const able = living.filter(({ member, account }) => member.role === 'owner' || !isBanned(account.ban, now))
  const standing = [...able.map(({ member }) => member), ...owner]
  return { members: living.map(({ member }) => member), seenAt, standIn: standIn(standing, seenAt, now, rule) }
}

/** What the account may do at this moment. */
export async function powerOf(deps: SessionDeps, account: StoredAccount, rule: StandInRule): Promise<Power> {
  const role = await staffRoleOf(deps.store, account.id)
  if (role === undefined) return 'none'
  if (role !== 'moderator') return role
  return (await lookAtStaff(deps, rule)).standIn === account.id ? 'admin' : 'moderator'
}

async function changeStaff(
  store: Store,
  change: (members: readonly Member[]) => readonly Member[],
  prune: 'sometimes' | 'always' = 'sometimes',
): Promise<void> {
  const look = (head: ChainEntry | undefined): Change<undefined> => {
    const before = membersOf(head)
    const after = change(before)
    if (after === before) return { result: undefined }
    if (after.length > MAX_STAFF) {
      throw new BailiwickError('TooManyStaff', { found: `${before.length} of ${MAX_STAFF}`, todo: 'make one of them a player first' })
    }
    return { record: { kind: 'staff', data: staffForm.write({ members: after.map((each) => ({ ...each })) }) }, result: undefined }
  }
  await changeChain(store, chains.staff, look, prune)
}

function membersOf(head: ChainEntry | undefined): readonly Member[] {
  return head === undefined ? [] : staffForm.read(chains.staff, head).members
}
