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
    { lease, journal: { trimJournal: async () => answer }, log: silentLog, onRefused: (refusal) => seen.push(refusal) },
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
