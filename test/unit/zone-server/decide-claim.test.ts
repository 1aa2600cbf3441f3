import { describe, expect, it } from 'vitest'
import { type ClaimSeen, type ClaimStep, decideClaim, MAX_BEATEN, MAX_FORKED, nothingSeen } from '../../../zone-server/decide-claim.ts'

/** The journal ends at tick 9. */
const fence = (epoch: number, last = 9) => ({ epoch, replid: 'r', last })
const found: ClaimSeen = { ...nothingSeen, head: { n: 7, newestSnapshot: 6, erasedAt: 0, ended: false } }
const opened: ClaimSeen = { ...found, fenced: true, opened: 'Done' }
const owner: ClaimSeen = { ...opened, fence: fence(8), headAgain: { n: 8, own: true } }
/** With the journal up to tick 5. */
const whole = (n: number) => ({ n, outcome: 'whole' as const, before: n - 2, entry: 5 })
const corrupt = (n: number, before: number | undefined) => ({ n, outcome: 'corrupt' as const, before, entry: 0 })
const based: ClaimSeen = { ...owner, snapshots: [whole(6)] }
const read: ClaimSeen = { ...based, journal: 'Read' }
/** To tick 12, which the chain alone knew of. */
const recovered: ClaimSeen = { ...read, recovered: 12 }

const table: readonly (readonly [string, ClaimSeen, ClaimStep | { do: 'stop'; code: string }])[] = [
  ['begins by reading the head', nothingSeen, { do: 'readHead' }],
  [
    'a fence above the chain: reads the head once more, for it was read beside the fence',
    { ...found, fenced: true, fenceEpoch: 8 },
    { do: 'readHead' },
  ],
  [
    'a fence above the chain for certain: the store is older than the index',
    { ...found, fenced: true, fenceEpoch: 8, headIsLater: true },
    { do: 'stop', code: 'StoreOlder', found: 'a fence of epoch 8 in the index, and records up to 7 in the store' },
  ],
  [
    'a fence over an empty chain: another store',
    { ...nothingSeen, head: null, fenceEpoch: 3, headIsLater: true },
    { do: 'stop', code: 'StoreOlder', found: 'a fence of epoch 3 in the index, and no record in the store' },
  ],
  [
    'a fence at the head: opens behind it',
    { ...found, fenced: true, fenceEpoch: 7, headIsLater: true },
    { do: 'open', n: 8, lastSnapshot: 6, erasedAt: 0 },
  ],
  ['an empty chain is opened at 1', { ...nothingSeen, head: null }, { do: 'open', n: 1, lastSnapshot: 0, erasedAt: 0 }],
  [
    'opens behind the head, pointing to the newest snapshot',
    { ...found, fenced: true },
    { do: 'open', n: 8, lastSnapshot: 6, erasedAt: 0 },
  ],
  ['somebody served it: looks whether the index still has its fence', found, { do: 'lookAtFence' }],
  ['the index forgot it: waits for the owner', { ...found, fenced: false }, { do: 'waitForOwner' }],
  ['waited: opens all the same', { ...found, fenced: false, waited: true }, { do: 'open', n: 8, lastSnapshot: 6, erasedAt: 0 }],
  [
    'its last epoch ended in order: nobody to wait for',
    { ...nothingSeen, head: { n: 7, newestSnapshot: 6, erasedAt: 0, ended: true } },
    { do: 'open', n: 8, lastSnapshot: 6, erasedAt: 0 },
  ],
  [
    'never had a snapshot, so nobody was served: nobody to wait for',
    { ...nothingSeen, head: { n: 7, newestSnapshot: 0, erasedAt: 0, ended: false } },
    { do: 'open', n: 8, lastSnapshot: 0, erasedAt: 0 },
  ],
  ['another was faster: reads the head again', { ...opened, opened: 'Conflict', beaten: 2 }, { do: 'readHead' }],
  ['another was faster too often', { ...opened, opened: 'Conflict', beaten: MAX_BEATEN }, { do: 'stop', code: 'LayerLost' }],
  ['opened: raises the fence to its number', opened, { do: 'raiseFence', epoch: 8 }],
  [
    'a chain without a snapshot: drops what the index remembers',
    { ...opened, head: { n: 7, newestSnapshot: 0, erasedAt: 0, ended: false } },
    { do: 'dropJournal', epoch: 7 },
  ],
  [
    'dropped: raises the fence',
    { ...opened, head: { n: 7, newestSnapshot: 0, erasedAt: 0, ended: false }, dropped: true },
    { do: 'raiseFence', epoch: 8 },
  ],
  ['a higher fence', { ...opened, fence: fence(9) }, { do: 'stop', code: 'LayerLost' }],
  ['fenced: reads the head again', { ...opened, fence: fence(8) }, { do: 'readHeadAgain' }],
  ['the head is another’s', { ...opened, fence: fence(8), headAgain: { n: 9, own: false } }, { do: 'stop', code: 'LayerLost' }],
  ['reads the newest snapshot', owner, { do: 'readSnapshot', n: 6 }],
  ['a corrupt one: the one before it', { ...owner, snapshots: [corrupt(6, 4)] }, { do: 'readSnapshot', n: 4 }],
  [
    'the one before is whole: reads the journal',
    { ...owner, snapshots: [corrupt(6, 4), whole(4)] },
    { do: 'readJournal', fence: fence(8) },
  ],
  ['none before it', { ...owner, snapshots: [corrupt(6, 0)] }, { do: 'stop', code: 'StoreCorrupt' }],
  ['one that does not say what was before it', { ...owner, snapshots: [corrupt(6, undefined)] }, { do: 'stop', code: 'StoreCorrupt' }],
  [
    'one that is missing',
    { ...owner, snapshots: [{ n: 6, outcome: 'missing', before: undefined, entry: 0 }] },
    { do: 'stop', code: 'StoreCorrupt' },
  ],
  ['it is whole: reads the journal', based, { do: 'readJournal', fence: fence(8) }],
  [
    'never had one: reads the journal all the same',
    { ...owner, head: { n: 7, newestSnapshot: 0, erasedAt: 0, ended: false }, dropped: true },
    { do: 'readJournal', fence: fence(8) },
  ],
  ['the journal ends in the snapshot: recovers', { ...based, fence: fence(8, 5) }, { do: 'recover', epoch: 8, snapshot: 6 }],
  ['the journal ends before it: recovers', { ...based, fence: fence(8, 3) }, { do: 'recover', epoch: 8, snapshot: 6 }],
  ['recovered to where the journal ends: serves', { ...based, fence: fence(8, 5), recovered: 5 }, { do: 'serve' }],
  ['so too when it was read', { ...read, recovered: 9 }, { do: 'serve' }],
  [
    'recovered past the end of the journal, which was not read: starts it',
    { ...based, fence: fence(8, 5), recovered: 6 },
    { do: 'startJournal', fence: fence(8, 5) },
  ],
  [
    'nothing ever happened: serves',
    { ...owner, head: null, fence: fence(1, 0), headAgain: { n: 1, own: true }, recovered: 0 },
    { do: 'serve' },
  ],
  ['the journal is fenced by another', { ...based, journal: 'Fenced' }, { do: 'stop', code: 'LayerLost' }],
  ['the index forgot the fence: begins anew', { ...based, journal: 'Forked' }, { do: 'beginAnew' }],
  ['it forgot it too often', { ...based, journal: 'Forked', forked: MAX_FORKED - 1 }, { do: 'stop', code: 'IndexUnavailable' }],
  ['recovered past entries that do not count: drops them', { ...recovered, stray: true }, { do: 'dropJournal', epoch: 8 }],
  ['dropped: begins anew, for the fence went with them', { ...recovered, stray: true, dropped: true }, { do: 'beginAnew' }],
  ['read: recovers', read, { do: 'recover', epoch: 8, snapshot: 6 }],
  [
    'the first claim ever recovers nothing',
    { ...nothingSeen, head: null, opened: 'Done', fence: fence(1, 0), headAgain: { n: 1, own: true } },
    { do: 'recover', epoch: 1, snapshot: 0 },
  ],
  ['recovered: starts the journal', recovered, { do: 'startJournal', fence: fence(8) }],
  ['started: serves', { ...recovered, started: 'Done' }, { do: 'serve' }],
  ['fenced at the last step', { ...recovered, started: 'Fenced' }, { do: 'stop', code: 'LayerLost' }],
  ['forgotten at the last step', { ...recovered, started: 'Forked' }, { do: 'beginAnew' }],
  ['a journal that holds more than was read', { ...recovered, started: 'Ahead' }, { do: 'stop', code: 'StoreCorrupt' }],
]

describe('claim', () => {
  for (const [name, seen, step] of table) it(name, () => expect(decideClaim(seen)).toMatchObject(step))
})
