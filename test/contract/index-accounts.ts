import { describe, expect, it, vi } from 'vitest'
import { createWorld, type IndexHarness, PATIENCE } from './index-harness.ts'

/** Longer than any test. */
const LONG = 3_600_000

/** Who is kept out of all layers. */
export function accountsContract(harness: () => IndexHarness): void {
  describe('barred accounts', () => {
    /** Names of this test's own: others use the same index. */
    const stage = () => {
      const { index } = harness()
      const tag = createWorld(harness()).zone.replace('/', '-')
      const names = (since?: string) =>
        index.accountBars(since).then(({ bars }) => bars?.map(({ account }) => account).filter((account) => account.endsWith(tag)))
      return { index, names, ann: `ann-${tag}`, bob: `bob-${tag}` }
    }

    it('are told, with how long they are, until they are lifted', async () => {
      const { index, names, ann, bob } = stage()
      expect(await names()).toEqual([])
      await index.barAccount(bob, LONG)
      await index.barAccount(ann, LONG)
      expect(await names()).toEqual([ann, bob])
      const found = (await index.accountBars(undefined)).bars?.find(({ account }) => account === ann)
      expect(found?.forMs).toBeGreaterThan(LONG / 2)
      expect(found?.forMs).toBeLessThanOrEqual(LONG)
      await index.unbarAccount(bob)
      await index.unbarAccount('nobody')
      expect(await names()).toEqual([ann])
      await index.unbarAccount(ann)
      expect(await names()).toEqual([])
    })

    it('who knows them is told nothing until they change', async () => {
      const { index, ann, bob } = stage()
      await index.barAccount(ann, LONG)
      const { position } = await index.accountBars(undefined)
      expect(await index.accountBars(position)).toEqual({ position })
      await index.unbarAccount('nobody')
      expect(await index.accountBars(position)).toEqual({ position })
      await index.barAccount(bob, LONG)
      const next = await index.accountBars(position)
      expect(next.position).not.toBe(position)
      expect(next.bars?.map(({ account }) => account)).toEqual(expect.arrayContaining([ann, bob]))
      await index.unbarAccount(ann)
      await index.unbarAccount(bob)
    })

    it('end by themselves', async () => {
      const { index, names, ann, bob } = stage()
      const world = createWorld(harness())
      await index.barAccount(ann, 1)
      await index.barAccount(bob, LONG)
      await world.advance(10)
      await vi.waitFor(async () => expect(await names()).toEqual([bob]), PATIENCE)
      await index.unbarAccount(bob)
    })

    it('are lost with the index, which whoever knew them hears of', async () => {
      const { index, names, ann } = stage()
      await index.barAccount(ann, LONG)
      const { position } = await index.accountBars(undefined)
      await harness().flush()
      expect(await names(position)).toEqual([])
    })
  })
}
