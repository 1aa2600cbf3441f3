import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { chainName, record } from './store-contract.ts'

/** What every driver of the StoreArchive port does. `open`: a store on the one place that is tested; each call another instance. */
export function storeArchiveContract(name: string, open: () => Promise<ArchivedStore>): void {
  describe(`store archive contract: ${name}`, () => {
    let store: ArchivedStore
    let other: ArchivedStore
    beforeAll(async () => {
      store = await open()
      other = await open()
    })
    afterAll(async () => {
      await store.close()
      await other.close()
    })

    test('a chain is begun at the number that it has elsewhere, once, and what is below counts as pruned', async () => {
      const chain = chainName()
      const first = { n: 7, nonce: 'k7', ...record('r', 7), blob: Uint8Array.of(1, 2), due: 1_700_000_000_000 }
      expect(await store.plant(chain, first)).toBe('Done')
      expect(await other.plant(chain, first)).toBe('Done')
      expect(await other.plant(chain, { ...first, nonce: 'another' })).toBe('Conflict')
      expect(await other.plant(chain, { ...first, n: 9 })).toBe('Conflict')
      expect(await other.head(chain)).toEqual({ ...first, blob: expect.any(Uint8Array) })
      expect(await other.append(chain, 3, 'late', record('late'))).toBe('Conflict')
      expect(await other.append(chain, 8, 'k8', record('r', 8))).toBe('Done')
      expect(await store.plant(chain, first)).toBe('Done')
      expect((await store.read(chain, 1, 10)).map(({ n }) => n)).toEqual([7, 8])
      await store.prune(chain, 8)
      expect((await other.read(chain, 1, 10)).map(({ n }) => n)).toEqual([8])
      expect(await other.plant(chain, first)).toBe('Conflict')
      const fromOne = chainName()
      await store.append(fromOne, 1, 'a', record('x'))
      expect(await other.plant(fromOne, { ...first, n: 1 })).toBe('Conflict')
      expect(await other.plant(fromOne, first)).toBe('Conflict')
    })

    test('every chain is found once, page by page, pruned and planted ones too', async () => {
      const mine = `find-${randomBytes(4)
        .toString('hex')
        .replace(/[^a-f]/g, 'x')}`
      const made = Array.from({ length: 23 }, (_, i) => `${i % 3 === 0 ? mine : `${mine}b`}/zone-${i % 5}/${i}`)
      made.push(`${mine}/zone`, `${mine}/zone/1/2`, `${mine}/zone!`)
      for (const [i, chain] of made.entries()) {
        if (i % 4 === 0) await store.plant(chain, { n: 3, nonce: 'p', ...record('r') })
        else for (let n = 1; n <= 1 + (i % 3); n++) await store.append(chain, n, `k${n}`, record('r', n))
        if (i % 6 === 1) await store.prune(chain, 3)
      }
      const found: string[] = []
      for (let after: string | undefined; ; after = found.at(-1)) {
        const page = await other.chains(after, 4)
        expect(page.length).toBeLessThanOrEqual(4)
        if (page.length === 0) break
        found.push(...page)
      }
      expect(new Set(found).size).toBe(found.length)
      expect(found.filter((chain) => chain.startsWith(mine)).sort()).toEqual([...made].sort())
      const [gone = ''] = made
      const plain = ['-', '0', '9x', 'A', 'Z', '_', 'a', 'zz'].map((id) => `${mine}/${id}`)
      for (const chain of plain) await store.append(chain, 1, 'k', record('r'))
      for (const [behind, first] of [
        ['', '-'],
        ['00', '9x'],
        ['9x-', 'A'],
        ['ZZ', '_'],
        ['b', 'zz'],
      ] as const) {
        const names = (await other.chains(`${mine}/${behind}`, 100)).filter((chain) => plain.includes(chain))
        expect(names).toEqual(plain.slice(plain.indexOf(`${mine}/${first}`)))
      }
      for (const kind of [mine, `${mine}b`]) {
        const ofKind: string[] = []
        for (let after: string | undefined; ; after = ofKind.at(-1)) {
          const page = await other.chains(after, 3, kind)
          if (page.length === 0) break
          ofKind.push(...page)
        }
        expect(ofKind.toSorted()).toEqual([...made, ...plain].filter((chain) => chain.startsWith(`${kind}/`)).sort())
      }
      expect(await other.chains(`${mine}/A`, 1, mine)).toEqual([`${mine}/Z`])
      expect(await other.chains(undefined, 10, 'nothing-of-it')).toEqual([])
      expect(await store.remove(gone, 3)).toBe('Done')
      expect(await other.chains(undefined, 1_000)).not.toContain(gone)
    })
  })
}
