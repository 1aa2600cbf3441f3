import { expect, test } from 'vitest'
import { appendRecord } from '../../platform/mongo/append.ts'
import { findHead } from '../../platform/mongo/chain-head.ts'
import { type Chains, floorId, hintId, recordId } from '../../platform/mongo/documents.ts'
import { pruneChain } from '../../platform/mongo/prune.ts'
import { removeChain } from '../../platform/mongo/remove.ts'
import { gated, turn } from './chain-lives.ts'
import { ModelChains } from './model-chains.ts'

const chain = 'a/chain'
const record = { kind: 'x', data: {} }

/** A chain whose records 1 to `upTo` are there from `floor` on. */
async function chainOf(upTo: number, floor = 1): Promise<ModelChains> {
  const model = new ModelChains()
  for (let n = 1; n <= upTo; n++) expect(await appendRecord(model.asChains, chain, n, `k${n}`, record, '{}')).toBe('Done')
  if (floor > 1) await pruneChain((work) => work(model.asChains), chain, floor)
  return model
}

/** What `work` finds when others do something behind so many of its calls; how many calls it did, and in how many rounds. */
async function amid<T>(model: ModelChains, work: (chains: Chains) => Promise<T>, others?: { after: number; work: () => Promise<unknown> }) {
  let waiting: (() => Promise<void>)[] = []
  let answer: { found: T } | undefined
  const done = work(gated(model.asChains, (call) => waiting.push(call))).then((found) => {
    answer = { found }
  })
  let [calls, rounds] = [0, 0]
  for (; answer === undefined; rounds++) {
    const round = waiting
    waiting = []
    for (const call of round) {
      if (calls++ === others?.after) await others.work()
      await call()
    }
    await turn()
  }
  await done
  return { found: answer.found, calls, rounds }
}

test.each<[string, number, number, number | undefined]>([
  ['of a chain of many records', 20, 1, 20],
  ['of one that is pruned', 20, 20, 20],
  ['of one record', 1, 1, 1],
  ['of an empty chain', 0, 1, undefined],
])('the head %s takes four questions in three rounds', async (_, upTo, floor, head) => {
  const model = await chainOf(upTo, floor)
  const { found, calls, rounds } = await amid(model, (chains) => findHead(chains, chain))
  expect([found?.n, calls, rounds]).toEqual([head, 4, 3])
})

test.each([
  ['without a hint', undefined, 1],
  ['with one that is behind', 3, 1],
  ['… and behind the floor', 3, 30],
  ['of an earlier life', 900, 30],
] as const)('the head is found %s', async (_, hint, floor) => {
  const model = await chainOf(200, floor)
  if (hint === undefined) model.documents.delete(hintId(chain))
  else model.documents.set(hintId(chain), { _id: hintId(chain), head: hint })
  expect(await findHead(model.asChains, chain)).toMatchObject({ n: 200, document: { nonce: 'k200' } })
})

test('a floor behind which there is nothing is damage, and not that of a chain that is being removed', async () => {
  const model = await chainOf(5, 4)
  const whole = model.documents.get(recordId(chain, 5))
  model.documents.delete(recordId(chain, 5))
  model.documents.delete(recordId(chain, 4))
  await expect(findHead(model.asChains, chain)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  model.documents.set(recordId(chain, 5), whole ?? {})
  model.documents.set(recordId(chain, 4), { ...whole, _id: recordId(chain, 4) })
  for (let after = 0; after < 4; after++) {
    const removed = await chainOf(5, 4)
    const remove = () => removeChain((work) => work(removed.asChains), chain, 5)
    const { found } = await amid(removed, (chains) => findHead(chains, chain), { after, work: remove })
    expect([undefined, 5]).toContain(found?.n)
  }
})

/** Somebody who was about to append `n` long ago: it is inserted when that number is taken and pruned, and is to be taken back. */
async function appendedPrunedAndLate(model: ModelChains, n: number): Promise<void> {
  for (let next = n; next <= n + 2; next++) {
    if (!model.documents.has(recordId(chain, next)))
      expect(await appendRecord(model.asChains, chain, next, `k${next}`, record, '{}')).toBe('Done')
  }
  await pruneChain((work) => work(model.asChains), chain, n + 2)
  expect(model.documents.get(floorId(chain))).toMatchObject({ floor: n + 2 })
  await model.insertOne({ _id: recordId(chain, n), nonce: 'late', kind: 'x', data: '{}' })
}

test('who inserted a number that was pruned meanwhile is never the head', async () => {
  for (const pruned of [1, 2, 7]) {
    for (const at of [0, 1]) {
      let after = 0
      for (let calls = Number.POSITIVE_INFINITY; after < calls; after++) {
        const model = await chainOf(8, pruned)
        const n = 8 + at
        const others = { after, work: () => appendedPrunedAndLate(model, n) }
        const looked = await amid(model, (chains) => findHead(chains, chain), others)
        calls = looked.calls
        expect([pruned, n, after, looked.found?.document.nonce]).toEqual([pruned, n, after, looked.found && `k${looked.found.n}`])
        expect([8, n + 2]).toContain(looked.found?.n)
      }
      expect(after).toBeGreaterThan(1)
    }
  }
})
