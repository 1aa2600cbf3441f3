import { chains } from './chains.ts'
import { changeChain } from './change-chain.ts'
import { BailiwickError, describeError } from './errors.ts'
import type { Log } from './ports/log-port.ts'
import type { ChainEntry, Store } from './ports/store-port.ts'
import { ERASURE_KEPT, ERASURE_UNDECIDED } from './timing.ts'
import { z } from './validate/index.ts'

/**
 * Accounts that are deleted, in the order of asking: the chain `erasures`. A record is appended before the account's own `deleted` record, which decides, so that nothing deleted is
 * ever forgotten; one whose account lives on (the asker died in between) is passed over. Each service that keeps something of accounts sweeps the chain with a cursor of its own.
 */
export const erasers = ['auth', 'characters'] as const
export type Eraser = (typeof erasers)[number]

const askedData = z.object({ account: z.string(), at: z.number() })
const cursorData = z.object({ through: z.number() })
/** Records that one call of sweepErasures looks at, at most. */
const PAGE = 50

/** Says that this account is about to be deleted. */
export async function askErasure(store: Store, account: string, now: number): Promise<void> {
  await changeChain(store, chains.erasures, () => ({ record: { kind: 'asked', data: { account, at: now } }, result: undefined }), 'never')
}

/** True for the head of an account's chain behind which there is no account any more. */
export function isAccountGone(head: ChainEntry | undefined): boolean {
  return head?.kind === 'deleted' || head?.kind === 'erased'
}

/**
 * Erases what `eraser` keeps of deleted accounts, as far as its cursor has not passed them; answers how many it erased. `erase` may be called twice for one account, by any number of
 * processes at once. One for which it throws is told to `failed` and asked for anew behind all others, so that it keeps nobody else's erasure up. Bounded: call it again while it answers
 * more than 0.
 */
export async function sweepErasures(
  store: Store,
  eraser: Eraser,
  now: number,
  { erase, failed }: { readonly erase: (account: string) => Promise<void>; readonly failed: (account: string, error: unknown) => void },
): Promise<number> {
  const through = await cursorOf(store, eraser)
  // Once each, however often several processes asked for it anew.
  const again = new Set<string>()
  let passed = through
  let erased = 0
  try {
    for (const entry of await store.read(chains.erasures, through + 1, PAGE)) {
      const { account, at } = readData(askedData, chains.erasures, entry)
      try {
        if (isAccountGone(await store.head(chains.account(account)))) {
          await erase(account)
          erased += 1
        } else if (now - at < ERASURE_UNDECIDED) break
      } catch (error) {
        failed(account, error)
        // With the store away this throws, and the cursor stays.
        if (!again.has(account)) await askErasure(store, account, now)
        again.add(account)
      }
      passed = entry.n
    }
  } finally {
    if (passed > through) await moveCursor(store, eraser, passed, now)
  }
  return erased
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
      'what a deleted account left could not be erased; it is tried again, behind the others',
    )
  }
}

async function cursorOf(store: Store, eraser: Eraser): Promise<number> {
  const chain = chains.erasureCursor(eraser)
  const head = await store.head(chain)
  return head === undefined ? 0 : readData(cursorData, chain, head).through
}

/** Forward only; what every eraser has passed long ago is dropped. */
async function moveCursor(store: Store, eraser: Eraser, through: number, now: number): Promise<void> {
  const chain = chains.erasureCursor(eraser)
  await changeChain(store, chain, (head) => {
    const before = head === undefined ? 0 : readData(cursorData, chain, head).through
    return before >= through ? { result: undefined } : { record: { kind: 'cursor', data: { through } }, result: undefined }
  })
  const cursors = await Promise.all(erasers.map((each) => cursorOf(store, each)))
  await forgetDone(store, Math.min(...cursors), now)
}

/** Drops the oldest wishes up to `done`, but none that a backup may need that was begun before it was done. At most a page of them: the next call drops more. */
async function forgetDone(store: Store, done: number, now: number): Promise<void> {
  let below = 0
  for (const entry of await store.read(chains.erasures, 1, PAGE * 2)) {
    if (entry.n > done || readData(askedData, chains.erasures, entry).at > now - ERASURE_KEPT) break
    below = entry.n
  }
  if (below > 0) await store.prune(chains.erasures, below)
}

function readData<T>(schema: z.ZodType<T>, chain: string, entry: ChainEntry): T {
  const result = schema.safeParse(entry.data)
  if (!result.success) throw new BailiwickError('StoreCorrupt', { asked: `record ${entry.n} of ${chain}`, cause: result.error })
  return result.data
}
