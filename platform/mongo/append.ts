import { Binary } from 'mongodb'
import type { StoredRecord } from '../../core/ports/store-port.ts'
import { hole } from '../../core/store-record.ts'
import { exists } from './chain-head.ts'
import { isDuplicate } from './connection.ts'
import type { Chains } from './documents.ts'
import { hintId, recordId } from './documents.ts'
import { REMOVED, readFloor } from './floor.ts'

/**
 * The decision is the insert of a unique `_id`. Two things a unique insert alone does not give, and what gives them:
 * - no holes: the predecessor is there, or was and is below the floor. Once true it stays true, so it may be asked before the insert.
 * - a pruned number stays taken: whoever prunes raises the floor before deleting, so an insert into a freed number finds a higher floor after it.
 *
 * 'Removed': the chain is, and its removal has to be ended before a new life of it can begin. Of the first record this is asked before the insert, so that nobody who still deletes what the earlier life left can
 * take it for a part of that (sweep.ts).
 */
export async function appendRecord(
  chains: Chains,
  chain: string,
  n: number,
  nonce: string,
  record: StoredRecord,
  data: string,
): Promise<'Done' | 'Conflict' | 'Removed'> {
  if (n === 1) {
    if ((await readFloor(chains, chain)).floor === REMOVED) return 'Removed'
  } else if (!(await exists(chains, recordId(chain, n - 1)))) {
    const { floor } = await readFloor(chains, chain)
    if (n > floor || floor === REMOVED) throw hole(chain, n)
    if (n < floor) return 'Conflict'
  }
  const taken = await insertOrFindNonce(chains, chain, n, nonce, record, data)
  if (taken !== nonce) return 'Conflict'
  const [{ floor }] = await Promise.all([readFloor(chains, chain), n === 1 ? undefined : raiseHint(chains, chain, n)])
  if (n >= floor) return 'Done'
  await chains.deleteOne({ _id: recordId(chain, n), nonce })
  if (floor !== REMOVED) return 'Conflict'
  if (n > 1) throw hole(chain, n)
  return 'Removed'
}

/** The nonce that has the number now; undefined when the record that had it was pruned just now. */
async function insertOrFindNonce(
  chains: Chains,
  chain: string,
  n: number,
  nonce: string,
  record: StoredRecord,
  data: string,
): Promise<string | undefined> {
  const _id = recordId(chain, n)
  const blob = record.blob === undefined ? {} : { blob: new Binary(record.blob) }
  const due = record.due === undefined ? {} : { due: record.due }
  try {
    await chains.insertOne({ _id, nonce, kind: record.kind, data, ...blob, ...due })
    return nonce
  } catch (error) {
    if (!isDuplicate(error)) throw error
    return (await chains.findOne({ _id }, { projection: { nonce: 1 } }))?.nonce
  }
}

/** Two who make the hint document at once: one of them gets a duplicate key, and the hint is good all the same. */
async function raiseHint(chains: Chains, chain: string, n: number): Promise<void> {
  try {
    await chains.updateOne({ _id: hintId(chain) }, { $max: { head: n } }, { upsert: true })
  } catch (error) {
    if (!isDuplicate(error)) throw error
  }
}
