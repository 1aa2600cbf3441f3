import { describe, expect, it } from 'vitest'
import { type ClaimSeen, type ClaimStep, decideClaim, MAX_BEATEN } from '../../../zone-server/decide-claim.ts'

const nothing: ClaimSeen = { head: undefined, opened: undefined, fence: undefined, headAgain: undefined, snapshots: [], beaten: 0 }
const opened: ClaimSeen = { ...nothing, head: { n: 7, newestSnapshot: 6 }, opened: 'Done' }
const owner: ClaimSeen = { ...opened, fence: 8, headAgain: { n: 8, own: true } }
const whole = (n: number) => ({ n, outcome: 'whole' as const, before: n - 2 })
const corrupt = (n: number, before: number | undefined) => ({ n, outcome: 'corrupt' as const, before })

const table: readonly (readonly [string, ClaimSeen, ClaimStep | { do: 'stop'; code: string }])[] = [
  ['begins by reading the head', nothing, { do: 'readHead' }],
  ['an empty chain is opened at 1', { ...nothing, head: null }, { do: 'open', n: 1, lastSnapshot: 0 }],
  [
    'opens behind the head, pointing to the newest snapshot',
    { ...nothing, head: { n: 7, newestSnapshot: 6 } },
    { do: 'open', n: 8, lastSnapshot: 6 },
  ],
  ['another was faster: reads the head again', { ...opened, opened: 'Conflict', beaten: 2 }, { do: 'readHead' }],
  ['another was faster too often', { ...opened, opened: 'Conflict', beaten: MAX_BEATEN }, { do: 'stop', code: 'LayerLost' }],
  ['opened: raises the fence to its number', opened, { do: 'raiseFence', epoch: 8 }],
  ['a higher fence', { ...opened, fence: 9 }, { do: 'stop', code: 'LayerLost' }],
  ['fenced: reads the head again', { ...opened, fence: 8 }, { do: 'readHeadAgain' }],
  ['the head is another’s', { ...opened, fence: 8, headAgain: { n: 9, own: false } }, { do: 'stop', code: 'LayerLost' }],
  ['reads the newest snapshot', owner, { do: 'readSnapshot', n: 6 }],
  ['it is whole: serves', { ...owner, snapshots: [whole(6)] }, { do: 'serve', epoch: 8, snapshot: 6 }],
  ['a corrupt one: the one before it', { ...owner, snapshots: [corrupt(6, 4)] }, { do: 'readSnapshot', n: 4 }],
  ['the one before is whole', { ...owner, snapshots: [corrupt(6, 4), whole(4)] }, { do: 'serve', epoch: 8, snapshot: 4 }],
  ['none before it', { ...owner, snapshots: [corrupt(6, 0)] }, { do: 'stop', code: 'StoreCorrupt' }],
  ['one that does not say what was before it', { ...owner, snapshots: [corrupt(6, undefined)] }, { do: 'stop', code: 'StoreCorrupt' }],
  ['one that is missing', { ...owner, snapshots: [{ n: 6, outcome: 'missing', before: undefined }] }, { do: 'stop', code: 'StoreCorrupt' }],
  ['never had one: begins anew', { ...owner, head: { n: 7, newestSnapshot: 0 } }, { do: 'serve', epoch: 8, snapshot: 0 }],
  ['the first claim ever', { ...owner, head: null, fence: 1, headAgain: { n: 1, own: true } }, { do: 'serve', epoch: 1, snapshot: 0 }],
]

describe('claim', () => {
  for (const [name, seen, step] of table) it(name, () => expect(decideClaim(seen)).toMatchObject(step))
})
