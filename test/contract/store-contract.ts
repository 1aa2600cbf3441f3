import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChainEntry, Json, Store, StoredRecord } from '../../core/ports/store-port.ts'
import { MAX_BLOB_BYTES } from '../../core/store-record.ts'

export interface StoreUnderTest {
  /** A store on the one place that is tested; each call another instance. */
  open(): Promise<Store>
  /** Property runs: fewer for a slow server. */
  readonly runs: number
}

export const chainName = (kind = 'test') => `${kind}/${randomUUID()}`
export const record = (kind: string, value: Json = null): StoredRecord => ({ kind, data: { value } })

/** What every driver of the Store port does. */
export function storeContract(name: string, given: StoreUnderTest): void {
  describe(`store contract: ${name}`, () => {
    let store: Store
    let other: Store
    beforeAll(async () => {
      store = await given.open()
      other = await given.open()
    })
    afterAll(async () => {
      await store.close()
      await other.close()
    })

    test('an empty chain has no head and no records', async () => {
      const chain = chainName()
      expect(await store.head(chain)).toBeUndefined()
      expect(await store.read(chain, 1, 10)).toEqual([])
      await store.prune(chain, 10)
      await store.ping()
    })

    test('what was appended is the head and is read back exactly', async () => {
      const chain = chainName()
      const data = {
        text: 'ä\u0000\ud800"',
        $set: { 'a.b': 1 },
        numbers: [0.1, -5, 2 ** 53],
        nothing: null,
        empty: {},
        yes: true,
        __proto: [],
      }
      expect(await store.append(chain, 1, 'a', { kind: 'first', data })).toBe('Done')
      expect(await store.append(chain, 2, 'b', { kind: 'second', data: {}, blob: Uint8Array.of(0, 1, 255) })).toBe('Done')
      expect(await other.head(chain)).toEqual({ n: 2, nonce: 'b', kind: 'second', data: {}, blob: expect.any(Uint8Array) })
      const [first, second] = await other.read(chain, 1, 10)
      expect(first).toEqual({ n: 1, nonce: 'a', kind: 'first', data })
      expect([...(second?.blob ?? [])]).toEqual([0, 1, 255])
    })

    test('a number is taken once; an own retry is Done', async () => {
      const chain = chainName()
      expect(await store.append(chain, 1, 'mine', record('x', 1))).toBe('Done')
      expect(await other.append(chain, 1, 'yours', record('x', 2))).toBe('Conflict')
      expect(await other.append(chain, 1, 'mine', record('x', 1))).toBe('Done')
      expect(await store.append(chain, 2, 'next', record('y'))).toBe('Done')
      expect(await other.append(chain, 1, 'mine', record('x', 1))).toBe('Done')
      expect((await store.read(chain, 1, 10)).map((entry) => entry.data['value'])).toEqual([1, null])
    })

    test('of 50 who want one number at once exactly one has it', async () => {
      const chain = chainName()
      for (let n = 1; n <= 3; n++) {
        const answers = await Promise.all(
          Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? store : other).append(chain, n, `n${n}-${i}`, record('race', i))),
        )
        expect(answers.filter((answer) => answer === 'Done')).toHaveLength(1)
        expect(await store.head(chain)).toMatchObject({ n, nonce: `n${n}-${answers.indexOf('Done')}` })
      }
    })

    test('the head sees every append that was Done before, while others append', async () => {
      const chain = chainName()
      let done = 0
      const write = async () => {
        for (let n = 1; n <= 40; n++) {
          expect(await store.append(chain, n, randomUUID(), record('r', n))).toBe('Done')
          done = n
        }
      }
      const watch = async () => {
        while (done < 40) {
          const before = done
          const head = await other.head(chain)
          expect(head?.n ?? 0).toBeGreaterThanOrEqual(before)
        }
      }
      await Promise.all([write(), watch(), watch()])
      expect(await other.head(chain)).toMatchObject({ n: 40 })
    })

    test('a hole is refused', async () => {
      const chain = chainName()
      await expect(store.append(chain, 2, 'a', record('x'))).rejects.toMatchObject({ code: 'InvalidInput' })
      await store.append(chain, 1, 'a', record('x'))
      await expect(store.append(chain, 3, 'b', record('x'))).rejects.toMatchObject({ code: 'InvalidInput' })
      expect(await store.head(chain)).toMatchObject({ n: 1 })
    })

    test('reading gives the asked range in order', async () => {
      const chain = chainName()
      for (let n = 1; n <= 20; n++) await store.append(chain, n, `k${n}`, record('r', n))
      const numbers = async (from: number, limit: number) => (await other.read(chain, from, limit)).map((entry) => entry.n)
      expect(await numbers(1, 3)).toEqual([1, 2, 3])
      expect(await numbers(18, 10)).toEqual([18, 19, 20])
      expect(await numbers(21, 10)).toEqual([])
      expect(await numbers(1, 0)).toEqual([])
      expect(await numbers(1, 500)).toHaveLength(20)
    })

    test('reading without blobs gives the same records, bare', async () => {
      const chain = chainName()
      const blob = Uint8Array.of(1, 2, 3)
      for (let n = 1; n <= 100; n++) await store.append(chain, n, `k${n}`, { ...record('r', n), ...(n % 3 === 0 ? { blob } : {}) })
      const whole = await other.read(chain, 2, 98)
      const bare = await other.read(chain, 2, 98, 'withoutBlobs')
      expect(whole.filter((entry) => entry.blob !== undefined)).toHaveLength(33)
      expect(bare).toEqual(whole.map(({ n, nonce, kind, data }) => ({ n, nonce, kind, data })))
      expect(bare.map(({ n }) => n)).toEqual(Array.from({ length: 98 }, (_, i) => i + 2))
    })

    test('pruning keeps the newest, frees no number, and can be repeated', async () => {
      const chain = chainName()
      for (let n = 1; n <= 10; n++) await store.append(chain, n, `k${n}`, record('r', n))
      await store.prune(chain, 8)
      expect((await other.read(chain, 1, 100)).map((entry) => entry.n)).toEqual([8, 9, 10])
      expect(await other.append(chain, 5, 'late', record('late'))).toBe('Conflict')
      expect(await other.append(chain, 1, 'late', record('late'))).toBe('Conflict')
      expect(await other.append(chain, 8, 'late', record('late'))).toBe('Conflict')
      await store.prune(chain, 3)
      await other.prune(chain, 1_000)
      expect((await store.read(chain, 1, 100)).map((entry) => entry.n)).toEqual([10])
      expect(await other.head(chain)).toMatchObject({ n: 10, nonce: 'k10' })
      expect(await other.append(chain, 11, 'k11', record('r', 11))).toBe('Done')
      expect((await store.read(chain, 3, 100)).map((entry) => entry.n)).toEqual([10, 11])
    })

    test('appending and pruning at once, late comers included, gives no number twice', async () => {
      const chain = chainName()
      const winners = new Map<number, string[]>()
      const contend = async (who: Store, label: string) => {
        let n = 1
        for (let turn = 0; turn < 25; turn++) {
          const nonce = `${label}-${turn}`
          const taken = await who.append(chain, n, nonce, record('r', nonce))
          if (taken === 'Done') winners.set(n, [...(winners.get(n) ?? []), nonce])
          if (taken === 'Done' && n % 5 === 0) await who.prune(chain, n)
          // Every third time the asker is late: it goes on from a number that may be pruned by now.
          n = turn % 3 === 2 ? n : ((await who.head(chain))?.n ?? 0) + 1
        }
      }
      await Promise.all([contend(store, 'a'), contend(other, 'b'), contend(store, 'c')])
      for (const [n, nonces] of winners) expect(nonces, `winners of ${n}`).toHaveLength(1)
      const head = await store.head(chain)
      expect(head?.n).toBe(Math.max(...winners.keys()))
      expect([...winners.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: head?.n ?? 0 }, (_, i) => i + 1))
    })

    test('what is due is found, the longest due first, until it is pruned', async () => {
      const kind = `due-${randomBytes(6).toString('hex').replaceAll(/\d/g, 'x')}`
      const [early, late, never] = [chainName(kind), chainName(kind), chainName(kind)]
      const find = (before: number, limit = 10) => other.due(kind, before, limit)
      expect(await find(1_000)).toEqual([])
      await store.append(late, 1, 'a', { ...record('x'), due: 500 })
      await store.append(early, 1, 'a', { ...record('x'), due: 100 })
      await store.append(never, 1, 'a', record('x'))
      await store.append(chainName(`${kind}-other`), 1, 'a', { ...record('x'), due: 1 })
      expect(await store.head(early)).toMatchObject({ n: 1, due: 100 })
      expect(await find(99)).toEqual([])
      expect(await find(100)).toEqual([early])
      expect(await find(1_000)).toEqual([early, late])
      expect(await find(1_000, 1)).toEqual([early])
      expect(await find(1_000, 0)).toEqual([])
      await store.append(early, 2, 'b', { ...record('y'), due: 700 })
      expect(await find(100)).toEqual([early])
      await store.prune(early, 2)
      expect(await find(100)).toEqual([])
      expect(await find(1_000)).toEqual([late, early])
      await store.append(late, 2, 'b', record('y'))
      await store.prune(late, 2)
      expect(await find(1_000)).toEqual([early])
      expect((await other.read(early, 1, 5, 'withoutBlobs')).map((entry) => entry.due)).toEqual([700])
    })

    test('a chain that is removed is as if it had never been; only at its head, and whoever comes late finds a hole', async () => {
      const kind = `gone-${randomBytes(6).toString('hex').replaceAll(/\d/g, 'x')}`
      const [chain, near] = [chainName(kind), chainName(kind)]
      for (let n = 1; n <= 5; n++) await store.append(chain, n, `k${n}`, { ...record('r', n), due: n })
      await store.append(near, 1, 'a', { ...record('x'), due: 9 })
      await store.prune(chain, 3)
      expect(await other.remove(chain, 4)).toBe('Conflict')
      expect(await other.remove(chain, 6)).toBe('Conflict')
      expect((await store.read(chain, 1, 10)).map(({ n }) => n)).toEqual([3, 4, 5])
      expect(await other.remove(chain, 5)).toBe('Done')
      expect(await store.head(chain)).toBeUndefined()
      expect(await store.read(chain, 1, 10)).toEqual([])
      expect(await store.due(kind, 10, 10)).toEqual([near])
      await store.prune(chain, 5)
      expect(await other.remove(chain, 5)).toBe('Done')
      await expect(store.append(chain, 6, 'late', record('late'))).rejects.toMatchObject({ code: 'InvalidInput' })
      expect(await store.head(chain)).toBeUndefined()
      for (let n = 1; n <= 3; n++) expect(await store.append(chain, n, `again${n}`, record('r', n))).toBe('Done')
      expect((await other.read(chain, 1, 10)).map(({ nonce }) => nonce)).toEqual(['again1', 'again2', 'again3'])
      expect(await other.head(near)).toMatchObject({ n: 1 })
    })

    test('of many who remove a chain at once none finds it damaged', async () => {
      for (let turn = 0; turn < 2; turn++) {
        const chain = chainName()
        for (let n = 1; n <= 3; n++) await store.append(chain, n, `k${n}`, record('r', n))
        if (turn % 2 === 0) await store.prune(chain, 3)
        const stores = Array.from({ length: 4 }, (_, i) => (i % 2 === 0 ? store : other))
        expect(new Set(await Promise.all(stores.map((each) => each.remove(chain, 3))))).toEqual(new Set(['Done']))
        expect(await store.head(chain)).toBeUndefined()
        expect(await store.read(chain, 1, 10)).toEqual([])
      }
    })

    test('who prunes a chain while it is removed does not leave it damaged', async () => {
      for (let turn = 0; turn < 2; turn++) {
        const chain = chainName()
        for (let n = 1; n <= 3; n++) await store.append(chain, n, `k${n}`, record('r', n))
        await Promise.all([store.prune(chain, 2 + turn), other.remove(chain, 3)])
        expect(await store.head(chain)).toBeUndefined()
        expect(await other.remove(chain, 3)).toBe('Done')
        expect(await store.append(chain, 1, 'again', record('r', 1))).toBe('Done')
      }
    })

    test('a blob of 8 MiB comes back whole; one above the limit is refused', async () => {
      const chain = chainName('big')
      const blob = randomBytes(8 * 1024 * 1024)
      expect(await store.append(chain, 1, 'big', { kind: 'snapshot', data: {}, blob })).toBe('Done')
      const back = await other.head(chain)
      expect(back?.blob !== undefined && blob.equals(back.blob)).toBe(true)
      const tooBig = { kind: 'snapshot', data: {}, blob: new Uint8Array(MAX_BLOB_BYTES + 1) }
      await expect(store.append(chain, 2, 'bigger', tooBig)).rejects.toMatchObject({ code: 'InvalidInput' })
    })

    test.each([
      ['number 0', () => store.append('c', 0, 'a', record('x'))],
      ['half a number', () => store.append('c', 1.5, 'a', record('x'))],
      ['no chain', () => store.append('', 1, 'a', record('x'))],
      ['no nonce', () => store.append('c', 1, '', record('x'))],
      ['no kind', () => store.append('c', 1, 'a', record(''))],
      ['data too large', () => store.append('c', 1, 'a', record('x', 'x'.repeat(2 ** 20)))],
      ['due at half a millisecond', () => store.append('c', 1, 'a', { ...record('x'), due: 0.5 })],
      ['what is due of no kind', () => store.due('', 0, 1)],
      ['what is due of another form', () => store.due('a/b', 0, 1)],
      ['what was due before all time', () => store.due('a', -1, 1)],
      ['removal at no number', () => store.remove('c', 0)],
      ['head of no chain', () => store.head('')],
      ['read from 0', () => store.read('c', 0, 1)],
    ])('refused: %s', async (_, ask) => {
      await expect(ask()).rejects.toMatchObject({ code: 'InvalidInput' })
    })

    test('it does what a list would do', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 25 }), (commands) => likeTheModel([store, other], commands)),
        {
          numRuns: given.runs,
        },
      )
    })
  })
}

type Command = { readonly who: 0 | 1 } & (
  | { readonly do: 'append'; readonly ahead: number; readonly nonce: string; readonly json: Json }
  | { readonly do: 'prune'; readonly below: number }
  | { readonly do: 'remove'; readonly behind: number }
  | { readonly do: 'read'; readonly from: number; readonly limit: number }
)

const who = fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      who,
      do: fc.constant('append' as const),
      ahead: fc.integer({ min: -4, max: 2 }),
      nonce: fc.constantFrom('p', 'q', 'r'),
      json: fc.jsonValue() as fc.Arbitrary<Json>,
    }),
  },
  { weight: 1, arbitrary: fc.record({ who, do: fc.constant('prune' as const), below: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ who, do: fc.constant('remove' as const), behind: fc.integer({ min: -1, max: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ who, do: fc.constant('read' as const), from: fc.integer({ min: 1, max: 10 }), limit: fc.nat(6) }) },
)

/** Runs the commands on the stores and on a plain list, and compares every answer. */
async function likeTheModel(stores: readonly [Store, Store], commands: readonly Command[]): Promise<void> {
  const chain = chainName()
  let model: ChainEntry[] = []
  let floor = 1
  for (const step of commands) {
    const store = stores[step.who]
    const head = model.at(-1)?.n ?? 0
    if (step.do === 'append') {
      const n = Math.max(1, head + step.ahead)
      const entry: ChainEntry = { n, nonce: `${n}${step.nonce}`, kind: 'k', data: { json: JSON.parse(JSON.stringify(step.json)) } }
      const answer = store.append(chain, n, entry.nonce, { kind: 'k', data: { json: step.json } })
      if (n > head + 1) await expect(answer).rejects.toMatchObject({ code: 'InvalidInput' })
      else if (n === head + 1) {
        expect(await answer).toBe('Done')
        model.push(entry)
      } else expect(await answer).toBe(model.find((known) => known.n === n)?.nonce === entry.nonce ? 'Done' : 'Conflict')
    } else if (step.do === 'prune') {
      await store.prune(chain, step.below)
      floor = Math.max(floor, Math.min(step.below, head))
      model = model.filter((entry) => entry.n >= floor)
    } else if (step.do === 'remove') {
      const n = Math.max(1, head + step.behind)
      const isHead = head === 0 || n === head
      expect(await store.remove(chain, n)).toBe(isHead ? 'Done' : 'Conflict')
      if (isHead) [model, floor] = [[], 1]
    } else {
      const expected = model.filter((entry) => entry.n >= step.from).slice(0, step.limit)
      expect(await store.read(chain, step.from, step.limit)).toEqual(expected)
    }
    expect(await store.head(chain)).toEqual(model.at(-1))
  }
}
