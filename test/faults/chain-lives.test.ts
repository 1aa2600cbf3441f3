import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findHead } from '../../platform/mongo/chain-head.ts'
import { liveThrough, plans } from '../contract/chain-lives.ts'
import { ModelChains } from '../contract/model-chains.ts'
import { extent } from './extent.ts'

test('whoever comes between whom, and whoever dies at which call: what was Done is there, what is removed is not, and nothing is damaged', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const model = new ModelChains()
      await liveThrough(model.asChains, 'a/chain', plan)
      if (plan.deaths === 0) expect([...model.documents.keys()]).toEqual([])
      expect(await findHead(model.asChains, 'a/chain')).toBeUndefined()
    }),
    { numRuns: extent({ quick: 100, usual: 3_000, full: 50_000 }) },
  )
})
