import { createHash, randomBytes } from 'node:crypto'
import { changeChain } from '../../core/change-chain.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError, catalogue, type ErrorCode } from '../../core/errors.ts'
import type { JsonObject, Store, StoredRecord } from '../../core/ports/store-port.ts'
import { storedForm } from '../../core/stored-form.ts'
import { IDEMPOTENCY_KEPT, IDEMPOTENCY_UNDER_WAY } from '../../core/timing.ts'
import { z } from '../../core/validate/index.ts'
import { readKey, replayed } from './keyed.ts'
import { Prepared } from './reply.ts'

/**
 * Requests with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): done once, and answered again with what they came to. One chain keeps those of one account, each record the
 * whole list: who appends first that it begins is the one who does it.
 */
export interface OnceDeps {
  readonly store: Store
  readonly clock: Clock
}

export interface KeyedRequest {
  /** Where what was asked is kept: one chain for each account. */
  readonly chain: string
  /** The header; undefined: the request is done whenever it comes. */
  readonly key: string | undefined
  /** What is asked, with all that its answer depends on: the same key with anything else is refused. */
  readonly asked: JsonObject
}

/** Requests of one account that are remembered; beyond, the one that was answered the longest ago is forgotten. */
const KEPT = 32
const MAX_ANSWER = 8_192
/** Not for ever what they were: the same request may be right a moment later. */
const passing: ReadonlySet<number> = new Set([401, 408, 425, 429])

const answered = z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string().exactOptional() })
const failed = z.object({
  code: z.enum(Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]]),
  asked: z.string().exactOptional(),
  found: z.string().exactOptional(),
  todo: z.string().exactOptional(),
})
const request = z.object({
  /** Hashes: what clients send may be long, and may say something. */
  key: z.string(),
  asked: z.string(),
  /** What is made by it has this id, whoever makes it. */
  id: z.string(),
  /** When somebody began it. */
  beganAt: z.number(),
  /** It failed in a way that passes: whoever asks next does it. */
  free: z.literal(true).exactOptional(),
  answer: answered.exactOptional(),
  failure: failed.exactOptional(),
})
type KnownRequest = z.output<typeof request>

export const requestsForm = storedForm('requests', z.object({ kind: z.literal('requests'), requests: z.array(request) }))

/**
 * Does `work`, with the id that whatever it makes shall have, unless the same request was done before: then its answer, or its error, is given again. `work` may be done twice by two
 * processes, one of which died or was taken for dead, so it must come to the same for the same id. Throws InvalidInput, IdempotencyKeyReused, RequestUnderWay, Busy, and what `work` throws.
 */
export async function once(
  { store, clock }: OnceDeps,
  { chain, key, asked }: KeyedRequest,
  work: (id: string) => Promise<Prepared>,
): Promise<Prepared> {
  if (key === undefined) return work(randomBytes(16).toString('base64url'))
  const mine = { key: hash(readKey(key)), asked: hash(JSON.stringify(asked)) }
  const known = await change(store, chain, clock.now(), (requests) => begin(requests, mine, clock.now()))
  if (known.failure !== undefined) throw new BailiwickError(known.failure.code, known.failure)
  if (known.answer !== undefined) return replay(known.answer)
  const end = (outcome: Partial<KnownRequest>): Promise<unknown> =>
    change(store, chain, clock.now(), (requests) => [
      requests.map((each) => (each.id === known.id ? { ...each, ...outcome } : each)),
      known,
    ])
  try {
    const result = await work(known.id)
    await end({ answer: storable(result) })
    return result
  } catch (error) {
    // If that fails too it is nobody's after IDEMPOTENCY_UNDER_WAY; what matters is why the work failed.
    await end(outcomeOf(error)).catch(() => undefined)
    throw error
  }
}

/** Forgets what is older than IDEMPOTENCY_KEPT. */
export async function sweepRequests(store: Store, chain: string, now: number): Promise<void> {
  await change(store, chain, now, (requests) => [requests, undefined], 'always')
}

/** Forgets all of them. */
export async function forgetRequests(store: Store, chain: string): Promise<void> {
  if ((await store.head(chain)) !== undefined) await change(store, chain, 0, () => [[], undefined], 'always')
}

type Begun = readonly [requests: readonly KnownRequest[], known: KnownRequest]

/** Who does it: pure. Throws IdempotencyKeyReused, RequestUnderWay, Busy. */
function begin(requests: readonly KnownRequest[], mine: Pick<KnownRequest, 'key' | 'asked'>, now: number): Begun {
  const known = requests.find(({ key }) => key === mine.key)
  if (known === undefined) {
    const fresh = { ...mine, id: randomBytes(16).toString('base64url'), beganAt: now }
    return [[...makeRoom(requests, now), fresh], fresh]
  }
  if (known.asked !== mine.asked) throw new BailiwickError('IdempotencyKeyReused', { todo: 'use another key for another request' })
  if (known.answer !== undefined || known.failure !== undefined) return [requests, known]
  if (isUnderWay(known, now)) {
    throw new BailiwickError('RequestUnderWay', { todo: 'ask again for its answer', retryAfterMs: 1_000 })
  }
  const { free: _, ...rest } = known
  const taken = { ...rest, beganAt: now }
  return [requests.map((each) => (each === known ? taken : each)), taken]
}

function makeRoom(requests: readonly KnownRequest[], now: number): readonly KnownRequest[] {
  if (requests.length < KEPT) return requests
  const oldest = requests.findIndex((each) => !isUnderWay(each, now))
  if (oldest < 0)
    throw new BailiwickError('Busy', { found: `${KEPT} requests at once`, todo: 'wait for their answers', retryAfterMs: 1_000 })
  return requests.toSpliced(oldest, 1)
}

function isUnderWay({ answer, failure, free, beganAt }: KnownRequest, now: number): boolean {
  return answer === undefined && failure === undefined && free === undefined && now - beganAt < IDEMPOTENCY_UNDER_WAY
}

function outcomeOf(error: unknown): Partial<KnownRequest> {
  if (!(error instanceof BailiwickError) || error.status >= 500 || passing.has(error.status)) return { free: true }
  const { code, asked, found, todo } = error
  const parts = {
    ...(asked === undefined ? {} : { asked }),
    ...(found === undefined ? {} : { found }),
    ...(todo === undefined ? {} : { todo }),
  }
  return { failure: { code, ...parts } }
}

async function change<T>(
  store: Store,
  chain: string,
  now: number,
  next: (requests: readonly KnownRequest[]) => readonly [readonly KnownRequest[], T],
  prune: 'sometimes' | 'always' = 'sometimes',
): Promise<T> {
  return changeChain(
    store,
    chain,
    (head) => {
      const before = head === undefined ? [] : requestsForm.read(chain, head).requests
      const live = before.filter(({ beganAt }) => now - beganAt < IDEMPOTENCY_KEPT)
      const [after, result] = next(live)
      if (after === live && live.length === before.length) return { result }
      return { record: stored(after), result }
    },
    prune,
  )
}

function stored(requests: readonly KnownRequest[]): StoredRecord {
  const last = Math.max(0, ...requests.map(({ beganAt }) => beganAt))
  const data = requestsForm.write({ requests: requests.map((each) => ({ ...each })) })
  return { kind: 'requests', data, ...(requests.length === 0 ? {} : { due: last + IDEMPOTENCY_KEPT }) }
}

function storable({ status, headers, body }: Prepared): z.output<typeof answered> {
  if (body !== undefined && body.length > MAX_ANSWER) {
    throw new BailiwickError('Internal', { found: `an answer of ${body.length} characters, too long to be kept` })
  }
  const single = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, one(name, value)]))
  return { status, headers: single, ...(body === undefined ? {} : { body }) }
}

/** Cookies are secrets: where there is more than one of them nobody wants them kept. */
function one(name: string, value: string | readonly string[]): string {
  if (typeof value === 'string') return value
  throw new BailiwickError('Internal', { found: `an answer with ${value.length} headers ${name}, which can't be kept` })
}

function replay({ status, headers, body }: z.output<typeof answered>): Prepared {
  return replayed(new Prepared(status, headers, body))
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
