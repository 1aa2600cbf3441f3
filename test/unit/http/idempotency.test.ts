import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { IDEMPOTENCY_KEPT, IDEMPOTENCY_UNDER_WAY } from '../../../core/timing.ts'
import { forgetRequests, once, Prepared, sweepRequests } from '../../../platform/http/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'

const chain = 'account-requests/a'
const clock = new ManualClock()
let store: Store
let done: string[]
beforeEach(async () => {
  store = await createSqliteStore({ file: ':memory:' })
  done = []
})
afterEach(() => store.close())

const work = async (id: string): Promise<Prepared> => {
  done.push(id)
  return new Prepared(201, { etag: `"${done.length}"` }, JSON.stringify({ made: id }))
}
const ask = (key: string | undefined, asked: object = { name: 'x' }, doing = work) =>
  once({ store, clock }, { chain, key, asked: { ...asked } }, doing)

describe('a request with an Idempotency-Key', () => {
  test('is done once, and answered again with the same', async () => {
    const first = await ask('k')
    const second = await ask('k')
    expect(done).toHaveLength(1)
    expect(second).toMatchObject({ status: 201, body: first.body, headers: { etag: '"1"', 'idempotency-replayed': 'true' } })
    expect(first.headers).toEqual({ etag: '"1"' })
    await ask('other')
    await ask(undefined)
    await ask(undefined)
    expect(new Set(done).size).toBe(4)
  })

  test('with another content is refused', async () => {
    await ask('k')
    await expect(ask('k', { name: 'y' })).rejects.toMatchObject({ code: 'IdempotencyKeyReused', status: 422 })
    expect(done).toHaveLength(1)
  })

  test.each(['', ' ', 'a b', 'ä', 'x'.repeat(201), 'a\u0000'])('the key %j is refused', async (key) => {
    await expect(ask(key)).rejects.toMatchObject({ code: 'InvalidInput' })
  })

  test('of many at once one does it, and the others are told so or get its answer', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => ask('k')))
    expect(done).toHaveLength(1)
    for (const answer of answers) {
      if (answer.status === 'fulfilled') expect(answer.value.body).toBe(JSON.stringify({ made: done[0] }))
      else expect(answer.reason).toMatchObject({ code: expect.stringMatching(/RequestUnderWay|Busy/) })
    }
  })

  test('whose doer died is taken up after a while, with the id that it had', async () => {
    let died: string | undefined
    const dying = async (id: string): Promise<Prepared> => {
      died = id
      return new Promise<Prepared>(() => undefined)
    }
    void ask('k', { name: 'x' }, dying)
    await expect.poll(() => died, { timeout: 15_000 }).toBeDefined()
    await expect(ask('k')).rejects.toMatchObject({ code: 'RequestUnderWay', retryAfterMs: 1_000 })
    clock.advance(IDEMPOTENCY_UNDER_WAY)
    await ask('k')
    expect(done).toEqual([died])
  })

  test('that failed for good fails again in the same way; one that may go well later is done again with its id', async () => {
    const failing = (code: 'NameTaken' | 'StoreUnavailable' | 'TooManyRequests') => async (id: string) => {
      done.push(id)
      throw new BailiwickError(code, { asked: 'it', todo: 'something' })
    }
    await expect(ask('a', {}, failing('NameTaken'))).rejects.toMatchObject({ code: 'NameTaken' })
    await expect(ask('a', {})).rejects.toMatchObject({ code: 'NameTaken', asked: 'it', todo: 'something' })
    await expect(ask('b', {}, failing('StoreUnavailable'))).rejects.toMatchObject({ code: 'StoreUnavailable' })
    await expect(ask('b', {}, failing('TooManyRequests'))).rejects.toMatchObject({ code: 'TooManyRequests' })
    expect((await ask('b', {})).status).toBe(201)
    const [, ...ofB] = done
    expect(ofB).toHaveLength(3)
    expect(new Set(ofB).size).toBe(1)
  })

  test('is forgotten after a day, also by the sweep, and by who erases', async () => {
    await ask('k')
    clock.advance(IDEMPOTENCY_KEPT - 1)
    await ask('k')
    expect(done).toHaveLength(1)
    clock.advance(1)
    expect(await store.due('account-requests', clock.now(), 10)).toEqual([chain])
    await sweepRequests(store, chain, clock.now())
    expect(await store.due('account-requests', Number.MAX_SAFE_INTEGER, 10)).toEqual([])
    expect(await store.read(chain, 1, 100)).toMatchObject([{ data: { requests: [] } }])
    await ask('k')
    expect(done).toHaveLength(2)
    await forgetRequests(store, chain)
    expect(await store.read(chain, 1, 100)).toMatchObject([{ data: { requests: [] } }])
    await forgetRequests(store, 'account-requests/nobody')
    expect(await store.head('account-requests/nobody')).toBeUndefined()
  })

  test('so many are kept: the oldest answer goes, none that is under way', async () => {
    for (let i = 0; i < 40; i++) await ask(`k${i}`)
    await ask('k39')
    expect(done).toHaveLength(40)
    await ask('k0')
    expect(done).toHaveLength(41)
    const waiting = Array.from({ length: 32 }, (_, i) => ask(`w${i}`, {}, () => new Promise<Prepared>(() => undefined)))
    void Promise.allSettled(waiting)
    await expect
      .poll(async () => JSON.stringify((await store.head(chain))?.data).match(/"answer"/g)?.length ?? 0, { timeout: 15_000 })
      .toBeLessThan(32)
  })
})
