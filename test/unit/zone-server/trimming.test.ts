import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Lease } from '../../../zone-server/lease.ts'
import type { PackedSnapshot } from '../../../zone-server/snapshot-file.ts'
import { Trimming } from '../../../zone-server/trimming.ts'

const LAYER = 'game/meadow/0'
const snapshot = { tick: 20 } as PackedSnapshot

/** Trims behind a snapshot and answers what was made of the journal's answer, when the lease is in this epoch and under the fence of this one. */
async function refusals(answer: 'Done' | 'Fenced' | 'Forked', epoch: number, fenceEpoch: number): Promise<string[]> {
  const seen: string[] = []
  const lease = {
    ...{ layer: LAYER, epoch, fence: { epoch: fenceEpoch, replid: 'r' } },
    verify: async () => undefined,
    prune: async () => undefined,
  } as unknown as Lease
  const trimming = new Trimming(
    { n: 2, tick: 0 },
    {
      lease,
      journal: { trimJournal: async () => answer },
      log: silentLog,
      signal: new AbortController().signal,
      onRefused: (refusal) => seen.push(refusal),
    },
  )
  await trimming.behind(3, snapshot)
  return seen
}

describe('trimming the journal', () => {
  test.each([
    ['done', 'Done', 4, 4, []],
    ['refused by another owner', 'Fenced', 4, 4, ['Fenced']],
    ['refused by an index that forgot', 'Forked', 4, 4, ['Forked']],
    ['refused by our own next fence, whose raising is not answered yet', 'Fenced', 6, 4, []],
  ] as const)('%s', async (_, answer, epoch, fenceEpoch, expected) => {
    expect(await refusals(answer, epoch, fenceEpoch)).toEqual(expected)
  })
})

test('the end of a layer waits for what is under way, reads its last snapshot back once, and leaves nothing behind that still asks the store', async () => {
  const asked: string[] = []
  const pruned = Promise.withResolvers<void>()
  const lease = {
    ...{ layer: LAYER, epoch: 4, fence: { epoch: 4, replid: 'r' } },
    verify: async (n: number) => void asked.push(`verify ${n}`),
    prune: async (below: number) => {
      asked.push(`prune ${below}`)
      if (below === 2) await pruned.promise
    },
  } as unknown as Lease
  const journal = {
    trimJournal: async (_layer: string, _fence: unknown, through: number) => {
      asked.push(`trim ${through}`)
      return 'Done' as const
    },
  }
  const trimming = new Trimming(
    { n: 2, tick: 0 },
    { lease, journal, log: silentLog, signal: new AbortController().signal, onRefused: () => undefined },
  )
  const underWay = trimming.behind(3, snapshot)
  const over = trimming.end(3, snapshot).then(() => asked.push('over'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toEqual(['verify 3', 'prune 2'])
  pruned.resolve()
  await Promise.all([underWay, over])
  expect(asked).toEqual(['verify 3', 'prune 2', 'trim 0', 'prune 2', 'trim 20', 'over'])
})
