import type { JsonObject } from '../../core/ports/store-port.ts'
import { readDeeds } from './audit.ts'
import { eraseRoster, readRoster } from './roster.ts'
import type { SessionDeps } from './sessions.ts'
import { endSession } from './sessions.ts'
import { eraseStaff, readStaff } from './staff.ts'

/**
 * One sort of what auth keeps of an account beside the account itself: what of it is written out for whoever asks what is kept of them, and how it is erased. Whoever keeps something new of accounts
 * adds a part, and both are done.
 */
export interface KeptPart {
  /** Its fields beside those of the other parts; nothing that would let somebody act for the account. */
  readonly export: (deps: SessionDeps, account: string) => Promise<JsonObject>
  /** Safe twice, also by several processes at once. */
  readonly erase: (deps: SessionDeps, account: string) => Promise<void>
}

const AUDIT_PAGE = 500

const sessions: KeptPart = {
  async export({ store }, account) {
    const roster = await readRoster(store, account)
    return {
      lastLoginAt: roster === undefined ? null : timeOf(roster.lastLoginAt),
      sessions: (roster?.sessions ?? []).map((session) => ({ ...session, openedAt: timeOf(session.openedAt) })),
    }
  },
  async erase(deps, account) {
    const roster = await readRoster(deps.store, account)
    for (const { id } of roster?.sessions ?? []) await endSession(deps, id, 'AccountDeleted')
    await eraseRoster(deps.store, account)
  },
}

const role: KeptPart = {
  async export({ store }, account) {
    const member = (await readStaff(store)).find((each) => each.account === account)
    return member === undefined ? { role: 'player' } : { role: member.role, roleSince: timeOf(member.since) }
  },
  erase: ({ store }, account) => eraseStaff(store, account),
}

/** What moderators and admins did with the account, and it as one of them. The trail itself is never erased. */
const deeds: KeptPart = {
  async export({ store }, account) {
    const found: JsonObject[] = []
    for (let before: number | undefined; before !== 1; ) {
      const page = await readDeeds(store, before, AUDIT_PAGE)
      for (const { at, action, account: of, by, detail } of page) {
        if (of === account) found.push({ at: timeOf(at), action, detail })
        else if (by === account) found.push({ at: timeOf(at), action, to: of })
      }
      before = page.at(-1)?.n ?? 1
    }
    return { moderation: found }
  },
  erase: async () => undefined,
}

export const kept: readonly KeptPart[] = [sessions, role, deeds]

/** As it is written out: ISO 8601. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
