import { chains } from '../../core/chains.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { JsonObject, Store } from '../../core/ports/store-port.ts'
import { findAccount } from '../auth/accounts.ts'
import { kept } from '../auth/kept.ts'
import { nameHolder } from '../auth/name-claims.ts'
import { readRoster } from '../characters/roster.ts'
import { readCharacter } from '../characters/settle.ts'

/** The id of the account of this id, or name. The id goes first, also that of an account that is gone: a player may choose a name that looks like another's id. */
export async function accountIdOf(store: Store, idOrName: string): Promise<string> {
  if ((await store.head(chains.account(idOrName))) !== undefined) return idOrName
  return (await nameHolder(store, idOrName)) ?? idOrName
}

/** Everything that the store keeps of one account, but what would let somebody act for it (the hashes of its password and tokens). Throws AccountUnknown. */
export async function exportAccount(store: Store, id: string, now: number): Promise<JsonObject> {
  const account = await findAccount(store, id)
  if (account === undefined) throw new BailiwickError('AccountUnknown', { asked: id, todo: 'give its id, or its name' })
  const { passwordHash, ban, name, createdAt, identities = [] } = account
  const parts = await Promise.all(kept.map((part) => part.export({ store, clock: { now: () => now } }, id)))
  const { slots } = await readRoster(store, id)
  return {
    exportedAt: timeOf(now),
    account: {
      id,
      name,
      createdAt: timeOf(createdAt),
      hasPassword: passwordHash !== null,
      identities: identities.map(({ issuer, subject, linkedAt }) => ({ issuer, subject, linkedAt: timeOf(linkedAt) })),
      ...(ban === undefined ? {} : { ban: { ...ban, at: timeOf(ban.at), until: ban.until === null ? null : timeOf(ban.until) } }),
    },
    ...Object.assign({}, ...parts),
    characters: await Promise.all(slots.map(({ character }) => exportCharacter(store, character))),
    requests: await countRequests(store, id),
  }
}

async function exportCharacter(store: Store, id: string): Promise<JsonObject> {
  const found = await readCharacter(store, id)
  if (found === undefined || found.record.kind === 'deleted') return { id, kind: 'deleted' }
  const { kind, name, createdAt, at, layer, wanted, dueAt, state } = found.record
  return {
    id,
    name,
    version: found.n,
    kind,
    createdAt: timeOf(createdAt),
    // Of one that a layer holds: as it was when it went in. What happens there belongs to the layer until it comes out.
    stateAt: at === undefined ? null : timeOf(at),
    layer,
    wanted,
    dueAt: dueAt === undefined ? null : timeOf(dueAt),
    state: {
      zone: state.zone,
      position: state.position === null ? null : { ...state.position },
      inventory: state.inventory.map((item) => ({ ...item })),
      stats: state.stats === undefined ? null : { ...state.stats },
    },
  }
}

/** They are kept as hashes, so there is nothing to read in them. */
async function countRequests(store: Store, account: string): Promise<number> {
  const requests = (await store.head(chains.requestsOf(account)))?.data['requests']
  return Array.isArray(requests) ? requests.length : 0
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
