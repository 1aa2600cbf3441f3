import { isAccountGone } from './account-record.ts'
import { chains } from './chains.ts'
import { changeChain } from './change-chain.ts'
import { describeError } from './errors.ts'
import type { Log } from './ports/log-port.ts'
import type { Store } from './ports/store-port.ts'
import { storedForm } from './stored-form.ts'
import { ERASURE_KEPT, ERASURE_RETRY_MAX, ERASURE_RETRY_MIN, ERASURE_UNDECIDED } from './timing.ts'
import { z } from './validate/index.ts'

/**
 * Accounts that are deleted, in the order of asking: the chain `erasures`. A record is appended before the account's own `deleted` record, which decides, so that nothing deleted is
 * ever forgotten; one whose account lives on (the asker died in between) is passed over. Each service that keeps something of accounts sweeps the chain with a cursor of its own. What
 * it can not erase it notes in a chain of that account and service, which is due again later and later; neither the others' erasures nor the other service hear of it.
 */
export const erasers = ['auth', 'characters'] as const
export type Eraser = (typeof erasers)[number]

export const erasureForm = storedForm('erasure', z.object({ kind: z.literal('asked'), account: z.string(), at: z.number() }))
export const erasureCursorForm = storedForm('erasure cursor', z.object({ kind: z.literal('cursor'), through: z.number() }))
/** How often an erasure failed; `done`: it did not at last. */
export const erasureRetryForm = storedForm(
  'erasure retry',
  z.discriminatedUnion('kind', [z.object({ kind: z.literal('failed'), failures: z.int().min(1) }), z.object({ kind: z.literal('done') })]),
)
/** Records that one call of sweepErasures looks at, at most. */
const PAGE = 50

/** What one service does with a deleted account. */
export interface ErasureWork {
  /** Safe twice, also by several processes at once. */
  readonly erase: (account: string) => Promise<void>
  /** Told of what failed. */
  readonly failed: (account: string, error: unknown) => void
}

/** Says that this account is about to be deleted. */
export async function askErasure(store: Store, account: string, now: number): Promise<void> {
  const record = { kind: 'asked', data: erasureForm.write({ account, at: now }) }
  await changeChain(store, chains.erasures, () => ({ record, result: undefined }), 'never')
}

/**
 * Erases what `eraser` keeps of deleted accounts, as far as its cursor has not passed them; answers how many it erased. One for which it fails is left for `retryErasure`. Bounded: call it
 * again while it answers more than 0.
 */
export async function sweepErasures(store: Store, eraser: Eraser, now: number, { erase, failed }: ErasureWork): Promise<number> {
  const through = await cursorOf(store, eraser)
  let passed = through
  let erased = 0
  try {
    for (const entry of await store.read(chains.erasures, through + 1, PAGE)) {
      const { account, at } = erasureForm.read(chains.erasures, entry)
      try {
        if (isAccountGone(chains.account(account), await store.head(chains.account(account)))) {
          await erase(account)
          erased += 1
        } else if (now - at < ERASURE_UNDECIDED) break
      } catch (error) {
        failed(account, error)
        // With the store away this throws, and the cursor stays.
        await noteFailure(store, eraser, account, now)
      }
      passed = entry.n
    }
  } finally {
    if (passed > through) await moveCursor(store, eraser, passed, now)
  }
  return erased
}

/**
 * Tries an erasure again that failed before: for what is due of the kind `<eraser>-erasures`. When it is done it is asked for once more, so that a backup that was begun before it holds the wish.
 */
export async function retryErasure(
  store: Store,
  eraser: Eraser,
  account: string,
  now: number,
  { erase, failed }: ErasureWork,
): Promise<void> {
  const chain = chains.erasureRetry(eraser, account)
  const seen = await store.head(chain)
  if (seen === undefined || erasureRetryForm.read(chain, seen).kind === 'done') return
  try {
    if (isAccountGone(chains.account(account), await store.head(chains.account(account)))) {
      await erase(account)
      await askErasure(store, account, now)
    }
  } catch (error) {
    failed(account, error)
    return noteFailure(store, eraser, account, now)
  }
  const record = { kind: 'done', data: erasureRetryForm.write({}) }
  await changeChain(store, chain, (head) => (head?.n === seen.n ? { record, result: undefined } : { result: undefined }), 'always')
}

/** How long to wait behind so many failures in a row, ms: twice as long each time, up to ERASURE_RETRY_MAX; `random` from 0 to 1 for the jitter. It is never given up. */
export function erasureRetryAfter(failures: number, random: number): number {
  const wait = Math.min(ERASURE_RETRY_MAX, ERASURE_RETRY_MIN * 2 ** Math.min(failures - 1, 30))
  return Math.round(wait * (0.75 + 0.25 * random))
}

async function noteFailure(store: Store, eraser: Eraser, account: string, now: number): Promise<void> {
  const chain = chains.erasureRetry(eraser, account)
  await changeChain(
    store,
    chain,
    (head) => {
      const before = head === undefined ? undefined : erasureRetryForm.read(chain, head)
      // Another process failed at it in the same moment.
      if (before?.kind === 'failed' && (head?.due ?? 0) > now) return { result: undefined }
      const failures = before?.kind === 'failed' ? before.failures + 1 : 1
      const due = now + erasureRetryAfter(failures, Math.random())
      return { record: { kind: 'failed', data: erasureRetryForm.write({ failures }), due }, result: undefined }
    },
    'always',
  )
}

/** So many accounts whose erasure fails are known by name; beyond, one may be told again. */
const TOLD = 1_000

/** What to do with the accounts whose erasure fails: tells each in the log, but once. */
export function tellFailedErasures(log: Pick<Log, 'warn'>): (account: string, error: unknown) => void {
  const told = new Set<string>()
  return (account, error) => {
    if (told.has(account)) return
    if (told.size >= TOLD) told.clear()
    told.add(account)
    log.warn(
      { account, detail: describeError(error) },
      'what a deleted account left could not be erased; it is tried again, later each time',
    )
  }
}

async function cursorOf(store: Store, eraser: Eraser): Promise<number> {
  const chain = chains.erasureCursor(eraser)
  const head = await store.head(chain)
  return head === undefined ? 0 : erasureCursorForm.read(chain, head).through
}

/** Forward only; what every eraser has passed long ago is dropped. */
async function moveCursor(store: Store, eraser: Eraser, through: number, now: number): Promise<void> {
  const chain = chains.erasureCursor(eraser)
  await changeChain(store, chain, (head) => {
    const before = head === undefined ? 0 : erasureCursorForm.read(chain, head).through
    const record = { kind: 'cursor', data: erasureCursorForm.write({ through }) }
    return before >= through ? { result: undefined } : { record, result: undefined }
  })
  const cursors = await Promise.all(erasers.map((each) => cursorOf(store, each)))
  await forgetDone(store, Math.min(...cursors), now)
}

/** Drops the oldest wishes up to `done`, but none that a backup may need that was begun before it was done. At most a page of them: the next call drops more. */
async function forgetDone(store: Store, done: number, now: number): Promise<void> {
  let below = 0
  for (const entry of await store.read(chains.erasures, 1, PAGE * 2)) {
    if (entry.n > done || erasureForm.read(chains.erasures, entry).at > now - ERASURE_KEPT) break
    below = entry.n
  }
  if (below > 0) await store.prune(chains.erasures, below)
}
