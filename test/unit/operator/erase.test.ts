import { expect, it, onTestFinished } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { layerId, type ZoneId } from '../../../core/ids.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { eraseLayers } from '../../../operator/erase.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'

const ZONE: ZoneId = 'game/forest'
const layers = [0, 1, 2].map((index) => layerId(ZONE, index))

/** The layers of a zone that was played: each opened and kept at least once. */
async function played() {
  const store = await createSqliteStore({ file: ':memory:' })
  onTestFinished(() => store.close())
  const journals: string[] = []
  const index = { dropJournal: async (layer: string, below: number) => void journals.push(`${layer} ${below}`) }
  const append = async (chain: string, kind: string, epoch: number): Promise<void> => {
    const n = ((await store.head(chain))?.n ?? 0) + 1
    const data = { lastSnapshot: 0, ...(kind === 'open' ? {} : { epoch }) }
    expect(await store.append(chain, n, `${kind} ${n}`, { kind, data })).toBe('Done')
  }
  const play = async (): Promise<void> => {
    for (const layer of layers) {
      const epoch = ((await store.head(chains.layer(layer)))?.n ?? 0) + 1
      await append(chains.layer(layer), 'open', epoch)
      await append(chains.layer(layer), 'snapshot', epoch)
      await append(chains.evidence(layer), 'evidence', epoch)
    }
  }
  /** The kinds of the records of a layer, and of what it did not survive. */
  const kinds = async (): Promise<readonly string[]> => {
    const all = await Promise.all(
      layers.flatMap((layer) => [chains.layer(layer), chains.evidence(layer)]).map((chain) => store.read(chain, 1, 10)),
    )
    return all.map((records) => records.map(({ kind }) => kind).join(' '))
  }
  await play()
  return { store, index, journals, append, play, kinds }
}

/** A store in which the `nth` change is kept back until `meanwhile` is over. */
function delayed(store: Store, nth: number, meanwhile: () => Promise<void>): { store: Store; changes: () => number } {
  let changes = 0
  const before = async (): Promise<void> => {
    changes += 1
    if (changes === nth) await meanwhile()
  }
  const slow: Store = {
    ...{ head: (chain) => store.head(chain), read: (...args) => store.read(...args), due: (...args) => store.due(...args) },
    ...{ remove: (...args) => store.remove(...args), ping: () => store.ping(), close: () => store.close() },
    append: async (...args) => {
      await before()
      return store.append(...args)
    },
    prune: async (...args) => {
      await before()
      return store.prune(...args)
    },
  }
  return { store: slow, changes: () => changes }
}

it('takes away what is stored of every layer, and again finds nothing to take', async () => {
  const { store, index, journals, kinds } = await played()
  expect(await eraseLayers({ store, index }, ZONE, 0)).toBe(3)
  expect(await kinds()).toEqual(Array(6).fill('erased'))
  expect(journals).toEqual(layers.map((layer) => `${layer} 3`))
  expect(await eraseLayers({ store, index }, ZONE, 0)).toBe(0)
})

it('also when a host that did not notice yet writes a few records more', async () => {
  const { store, index, append, kinds } = await played()
  const late = delayed(store, 1, () => append(chains.layer(layerId(ZONE, 0)), 'segment', 1))
  expect(await eraseLayers({ ...late, index }, ZONE, 0)).toBe(3)
  expect(await kinds()).toEqual(Array(6).fill('erased'))
})

it('one that stood still, wherever, while the next leader erased the zone and it was made anew takes nothing of the new one', async () => {
  for (let nth = 1; ; nth++) {
    const { store, index, kinds, play } = await played()
    let leading = true
    const frozen = delayed(store, nth, async () => {
      leading = false
      await eraseLayers({ store, index }, ZONE, 0)
      await play()
    })
    const done = eraseLayers({ store: frozen.store, index, mayAct: () => leading }, ZONE, 0)
    if (nth > 12) {
      // Each of six chains is appended to and pruned.
      expect([await done, frozen.changes()]).toEqual([3, 12])
      return
    }
    // What it was about to do when it froze is done, and harms nothing.
    if (nth < 12) await expect(done).rejects.toMatchObject({ code: 'Busy', found: 'the lease was lost' })
    else expect(await done).toBe(3)
    const anew = (await kinds()).map((found) => found.replace(/^erased /, ''))
    expect([nth, anew]).toEqual([nth, layers.flatMap(() => ['open snapshot', 'evidence'])])
  }
})

it('a layer that was opened meanwhile is somebody else’s, whatever the clock says of the lease', async () => {
  const { store, index, kinds, play } = await played()
  const frozen = delayed(store, 1, async () => {
    await eraseLayers({ store, index }, ZONE, 0)
    await play()
  })
  await expect(eraseLayers({ store: frozen.store, index }, ZONE, 0)).rejects.toMatchObject({
    code: 'Busy',
    found: 'it was opened meanwhile',
  })
  expect((await kinds())[0]).toBe('erased open snapshot')
})
