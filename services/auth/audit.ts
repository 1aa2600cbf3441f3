import { createHash } from 'node:crypto'
import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { storedForm } from '../../core/stored-form.ts'
import { z } from '../../core/validate/index.ts'

/**
 * What moderators and admins did: a chain that is only ever appended to, and never pruned. Each record holds the digest of the one before, so that a record that was changed or taken out
 * behind our back shows. It is written before the deed: nothing is done that does not stand here.
 */
const deed = z.object({
  kind: z.literal('deed'),
  at: z.number(),
  by: z.string(),
  /** As what it acted: a moderator that stood in for the owner acted as admin. */
  power: z.string(),
  action: z.enum(['Ban', 'Unban', 'Grant']),
  account: z.string(),
  detail: z.string(),
  before: z.string(),
})
export type AuditEntry = Omit<z.output<typeof deed>, 'before' | 'kind'> & { readonly n: number; readonly whole: boolean }

export const auditForm = storedForm('audit entry', deed)

/** Writes down what is about to be done. */
export async function noteDeed(store: Store, about: Omit<AuditEntry, 'n' | 'whole'>): Promise<void> {
  await changeChain(
    store,
    chains.audit,
    (head) => ({
      record: { kind: 'deed', data: auditForm.write({ ...about, before: head === undefined ? '' : digestOf(head) }) },
      result: undefined,
    }),
    'never',
  )
}

/**
 * Up to `limit` deeds before number `before` (undefined: the newest), the newest first. `whole` is false where a record does not follow from the one before it: somebody had a hand in the store.
 */
export async function readDeeds(store: Store, before: number | undefined, limit: number): Promise<readonly AuditEntry[]> {
  const end = before ?? ((await store.head(chains.audit))?.n ?? 0) + 1
  const from = Math.max(1, end - limit)
  // One more in front, to check the first one with.
  const entries = await store.read(chains.audit, Math.max(1, from - 1), Math.min(limit, end - from) + (from > 1 ? 1 : 0))
  const byNumber = new Map(entries.map((entry) => [entry.n, entry]))
  const deeds: AuditEntry[] = []
  for (let n = end - 1; n >= from; n--) {
    const entry = byNumber.get(n)
    if (entry === undefined) continue
    const { before: digest, kind: _, ...told } = auditForm.read(chains.audit, entry)
    const previous = byNumber.get(n - 1)
    deeds.push({ ...told, n, whole: digest === (previous === undefined ? '' : digestOf(previous)) })
  }
  return deeds
}

function digestOf({ n, kind, data }: ChainEntry): string {
  return createHash('sha256')
    .update(JSON.stringify([n, kind, Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('base64url')
}
