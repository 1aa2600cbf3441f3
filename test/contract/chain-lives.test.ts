import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findHead } from '../../platform/mongo/chain-head.ts'
import { type Doing, liveThrough, type Plan } from './chain-lives.ts'
import { ModelChains } from './model-chains.ts'

const doing: fc.Arbitrary<Doing> = fc.oneof(
  ...(['append', 'end', 'prune', 'remove', 'remove', 'look'] as const).map((each) => fc.constant(each)),
)

const plans: fc.Arbitrary<Plan> = fc.record({
  workers: fc.array(fc.array(doing, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 5 }),
  choices: fc.array(fc.nat(9_999), { minLength: 1, maxLength: 300 }),
  deaths: fc.constantFrom(0, 0, 1, 3),
})

test('whoever comes between whom, and whoever dies at which call: what was Done is there, what is removed is not, and nothing is damaged', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const model = new ModelChains()
      await liveThrough(model.asChains, 'a/chain', plan)
      if (plan.deaths === 0) expect([...model.documents.keys()]).toEqual([])
      expect(await findHead(model.asChains, 'a/chain')).toBeUndefined()
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  )
})
