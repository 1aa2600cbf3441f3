import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendRecord } from '../../platform/mongo/append.ts'
import { begun } from '../../platform/mongo/begun.ts'
import { findHead } from '../../platform/mongo/chain-head.ts'
import { recordId, type Step } from '../../platform/mongo/documents.ts'
import { pruneChain } from '../../platform/mongo/prune.ts'
import { removeChain } from '../../platform/mongo/remove.ts'
import { gated, liveThrough, planSeed, plans, turn } from '../contract/chain-lives.ts'
import { ModelChains } from '../contract/model-chains.ts'
import { extent } from './extent.ts'

test(
  'whoever comes between whom, and whoever dies at which call: what was Done is there, what is removed is not, and nothing is damaged',
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const model = new ModelChains()
        await liveThrough(model.asChains, 'a/chain', plan)
        if (plan.deaths === 0) expect([...model.documents.keys()]).toEqual([])
        expect(await findHead(model.asChains, 'a/chain')).toBeUndefined()
      }),
      { numRuns: extent({ quick: 100, usual: 3_000, full: 50_000 }), ...planSeed },
    )
  },
  extent({ quick: 60_000, usual: 180_000, full: 1_200_000 }),
)

/** Work that does so many calls at once and the others when it is let. */
async function beginning(model: ModelChains, calls: number, work: (step: Step) => Promise<unknown>) {
  const waiting: (() => Promise<void>)[] = []
  let ended = false
  const chains = gated(model.asChains, (call) => waiting.push(call))
  const done = work((one) => one(chains)).finally(() => {
    ended = true
  })
  const go = async (upTo: number): Promise<void> => {
    for (let made = 0; made < upTo && !ended; made++) {
      await waiting.shift()?.()
      await turn()
    }
  }
  await go(calls)
  return {
    inTime: !ended,
    async end() {
      await go(Number.POSITIVE_INFINITY)
      await done
    },
  }
}

const chain = 'a/chain'

/** So many records, by appends that are not disturbed. */
async function live(model: ModelChains, life: string, upTo: number): Promise<void> {
  for (let n = 1; n <= upTo; n++) {
    const record = { kind: 'x', data: {} }
    const append = () =>
      begun(
        (work) => work(model.asChains),
        chain,
        (own) => appendRecord(own, chain, n, life + n, record, '{}'),
      )
    expect(await append()).toBe('Done')
  }
}

const late: readonly [string, number, (step: Step) => Promise<unknown>][] = [
  ['a prune', 0, (step) => pruneChain(step, chain, 3)],
  // What it removes is decided by what it finds when it looks, which is five calls.
  ['a removal', 5, (step) => removeChain(step, chain, 3)],
]

test.each(late)('%s that goes on in the next life of the chain, from wherever it was, changes nothing there', async (_, from, work) => {
  let rests = from
  for (let inTime = true; inTime; rests++) {
    for (const floor of [0, 2, 3]) {
      const model = new ModelChains()
      const step: Step = (one) => one(model.asChains)
      await live(model, 'old', 3)
      const other = await beginning(model, rests, work)
      inTime = other.inTime
      await removeChain(step, chain, 3)
      await live(model, 'new', 4)
      if (floor > 0) await pruneChain(step, chain, floor)
      await other.end()
      expect([rests, await findHead(model.asChains, chain)]).toMatchObject([rests, { n: 4, document: { nonce: 'new4' } }])
      // A prune that has not looked yet prunes what it finds.
      const least = rests < 5 ? 3 : Math.max(1, floor)
      for (let n = least; n <= 4; n++) expect([rests, model.documents.get(`${chain}#${n}`)?.['nonce']]).toEqual([rests, `new${n}`])
      expect(await removeChain(step, chain, 4)).toBe('Done')
      expect([rests, [...model.documents.keys()]]).toEqual([rests, []])
    }
  }
  expect(rests).toBeGreaterThan(from + 10)
})

test.each([1, 2])(
  'a removal takes the record %d, too, that somebody inserted when it was pruned and who died before taking it back',
  async (n) => {
    const model = new ModelChains()
    await live(model, 'old', 3)
    const step: Step = (one) => one(model.asChains)
    await pruneChain(step, chain, 3)
    await model.insertOne({ _id: recordId(chain, n), nonce: 'late', kind: 'x', data: '{}' })
    expect(await removeChain(step, chain, 3)).toBe('Done')
    expect([...model.documents.keys()]).toEqual([])
  },
)
