import type { Role } from '../../platform/tokens/index.ts'

/** What somebody who helps to run the world is: the owner (one, or none yet), admins and moderators. */
export const staffRoles = ['moderator', 'admin', 'owner'] as const
export type StaffRole = (typeof staffRoles)[number]

export interface Member {
  readonly account: string
  readonly role: StaffRole
  /** Since when it is one of them (ms since 1970); a change of its role changes nothing of it. */
  readonly since: number
  /** Of the owner: since when it is that (ms since 1970); absent: a release made it that did not say, and it is at least as long as `since`. */
  readonly ownerSince?: number
}

/** When an owner is taken for absent, and who of the others for present; in days. `ownerAbsent` 0: never. */
export interface StandInRule {
  readonly ownerAbsent: number
  readonly seenWithin: number
}

export const DAY = 24 * 3_600_000

/**
 * Who acts as admin while the owner is absent: of the members seen within `seenWithin` days the one that is a member for the longest, once the owner was not seen for `ownerAbsent` days, of which none counts before it became the owner. It is computed
 * whenever it is asked, from who was seen last when, and kept nowhere: it ends as the owner logs in, and moves on as a longer-standing member is seen again. Being the stand-in changes
 * nothing of it. Undefined: nobody is.
 */
export function standIn(
  members: readonly Member[],
  seenAt: ReadonlyMap<string, number>,
  now: number,
  { ownerAbsent, seenWithin }: StandInRule,
): string | undefined {
  const owner = members.find((member) => member.role === 'owner')
  if (owner === undefined || ownerAbsent === 0) return undefined
  const becameOwner = owner.ownerSince ?? owner.since
  if (now - Math.max(seenAt.get(owner.account) ?? becameOwner, becameOwner) < ownerAbsent * DAY) return undefined
  const present = members.filter((member) => {
    const seen = seenAt.get(member.account)
    return member.role !== 'owner' && seen !== undefined && now - seen <= seenWithin * DAY
  })
  const [longest] = present.toSorted((a, b) => a.since - b.since || (a.account < b.account ? -1 : 1))
  return longest?.account
}

/** What an account may do now. The stand-in may do what an admin may. */
export type Power = 'none' | 'moderator' | 'admin' | 'owner'

const rank: Readonly<Record<Power, number>> = { none: 0, moderator: 1, admin: 2, owner: 3 }

/**
 * What one may do to another. Moderators find, ban and unban players; admins moderators as well, and say who is one; the owner says who is an admin. Nobody does anything to its equal or better, or
 * to itself, and nobody to the owner.
 */
export function mayAct(actor: Power, action: 'find' | 'ban' | 'grant', target: Power, granted: Power = 'none'): boolean {
  if (action === 'find') return rank[actor] >= rank.moderator
  if (action === 'ban') return rank[actor] >= rank.moderator && rank[target] < rank[actor]
  return rank[actor] >= rank.admin && rank[target] < rank[actor] && rank[granted] < rank[actor] && granted !== 'owner'
}

/** The roles that stand in an access token: what was granted, and never what somebody only stands in for. */
export function rolesOf(role: StaffRole | undefined): readonly Role[] {
  if (role === undefined) return ['player']
  return role === 'moderator' ? ['player', 'moderator'] : ['player', 'moderator', 'admin']
}
