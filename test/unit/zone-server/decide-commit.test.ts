import { describe, expect, it } from 'vitest'
import type { AppendAnswer } from '../../../core/ports/journal-port.ts'
import {
  beginning,
  type CommitAction,
  type CommitEvent,
  type CommitState,
  decideCommit,
  MAX_RECLAIMS,
  MAX_ROUND,
} from '../../../zone-server/commit/decide-commit.ts'

const idle = beginning
const asking: CommitState = { ...beginning, waiting: [7, 8, 9], phase: 'Asking' }
const resting: CommitState = { ...asking, phase: 'Resting', failures: 2 }
const reclaiming: CommitState = { ...asking, phase: 'Reclaiming', reclaims: 1 }
const answered = (...answers: readonly AppendAnswer[]): CommitEvent => ({ is: 'answered', answers })

const table: readonly (readonly [string, CommitState, CommitEvent, Partial<CommitState>, readonly CommitAction[]])[] = [
  ['a tick is appended at once', idle, { is: 'stepped', tick: 7 }, { waiting: [7], phase: 'Asking' }, [{ do: 'append', ticks: [7] }]],
  ['one more waits for the one under way', asking, { is: 'stepped', tick: 10 }, { waiting: [7, 8, 9, 10], phase: 'Asking' }, []],
  [
    'confirmed: it leaves, and those that came meanwhile are appended in one call',
    asking,
    answered('Done'),
    { waiting: [8, 9], phase: 'Asking' },
    [
      { do: 'confirm', ticks: [7] },
      { do: 'append', ticks: [8, 9] },
    ],
  ],
  [
    'the last one is confirmed',
    { ...asking, waiting: [7], reclaims: 3, failures: 2 },
    answered('Done'),
    { waiting: [], phase: 'Idle', reclaims: 0, failures: 0 },
    [{ do: 'confirm', ticks: [7] }],
  ],
  [
    'no answer: the same is asked for again after a while',
    asking,
    { is: 'unanswered' },
    { phase: 'Resting', failures: 1 },
    [{ do: 'rest', failures: 1 }],
  ],
  ['rested', resting, { is: 'rested' }, { phase: 'Asking', failures: 2, waiting: [7, 8, 9] }, [{ do: 'append', ticks: [7, 8, 9] }]],
  ['ticks go on being gathered meanwhile', resting, { is: 'stepped', tick: 10 }, { phase: 'Resting', waiting: [7, 8, 9, 10] }, []],
  [
    'fenced: nothing leaves any more',
    asking,
    answered('Fenced'),
    { phase: 'Over', waiting: [] },
    [{ do: 'stop', reason: 'another host owns it' }],
  ],
  ['forked: a new epoch', asking, answered('Forked'), { phase: 'Reclaiming', waiting: [7, 8, 9], reclaims: 1 }, [{ do: 'reclaim' }]],
  [
    'ticks go on being gathered while it is claimed',
    reclaiming,
    { is: 'stepped', tick: 10 },
    { phase: 'Reclaiming', waiting: [7, 8, 9, 10] },
    [],
  ],
  [
    'claimed: what the journal lacks is appended anew',
    reclaiming,
    { is: 'reclaimed', confirmed: 0 },
    { phase: 'Asking', waiting: [7, 8, 9], reclaims: 1 },
    [{ do: 'append', ticks: [7, 8, 9] }],
  ],
  [
    'claimed: what the journal had leaves',
    reclaiming,
    { is: 'reclaimed', confirmed: 2 },
    { phase: 'Asking', waiting: [9] },
    [
      { do: 'confirm', ticks: [7, 8] },
      { do: 'append', ticks: [9] },
    ],
  ],
  [
    'forgotten while it was claimed: once more',
    reclaiming,
    { is: 'forkedAgain' },
    { phase: 'Reclaiming', reclaims: 2 },
    [{ do: 'reclaim' }],
  ],
  [
    'forgotten too often',
    { ...reclaiming, reclaims: MAX_RECLAIMS },
    { is: 'forkedAgain' },
    { phase: 'Over' },
    [{ do: 'stop', reason: `the index forgot the fence ${MAX_RECLAIMS} times in a row` }],
  ],
  [
    'out of sequence: a fork that went unnoticed, once',
    asking,
    answered('OutOfSequence'),
    { phase: 'Reclaiming', reclaims: 1 },
    [{ do: 'reclaim' }],
  ],
  [
    'out of sequence in an epoch that was just claimed: a contradiction',
    { ...asking, reclaims: 1 },
    answered('OutOfSequence'),
    { phase: 'Over' },
    [{ do: 'stop', reason: 'the journal does not hold what this owner appended' }],
  ],
  ['told of a fork while nothing waits', idle, { is: 'forked' }, { phase: 'Reclaiming', reclaims: 1 }, [{ do: 'reclaim' }]],
  ['told of a fork while an append is under way: that is told the same', asking, { is: 'forked' }, { phase: 'Asking' }, []],
  ['new content waits for the append under way', asking, { is: 'renew' }, { phase: 'Asking', renew: true }, []],
  [
    'and comes before the next',
    { ...asking, renew: true },
    answered('Done'),
    { phase: 'Reclaiming', renew: false, waiting: [8, 9] },
    [{ do: 'confirm', ticks: [7] }, { do: 'reclaim' }],
  ],
  [
    'several in one call: those before a refusal leave, in order',
    asking,
    answered('Done', 'Done', 'Forked'),
    { phase: 'Reclaiming', waiting: [9], reclaims: 1 },
    [{ do: 'confirm', ticks: [7, 8] }, { do: 'reclaim' }],
  ],
  [
    'several in one call, replaced after the first',
    asking,
    answered('Done', 'Fenced', 'Fenced'),
    { phase: 'Over', waiting: [] },
    [
      { do: 'confirm', ticks: [7] },
      { do: 'stop', reason: 'another host owns it' },
    ],
  ],
  [
    'more answers than ticks wait: a contradiction',
    { ...asking, waiting: [7] },
    answered('Done', 'Done'),
    { phase: 'Over' },
    [{ do: 'stop', reason: '2 answers for 1 ticks' }],
  ],
  [
    'no more than a round goes with one call',
    { ...resting, waiting: Array.from({ length: MAX_ROUND + 5 }, (_, k) => k + 1) },
    { is: 'rested' },
    { phase: 'Asking' },
    [{ do: 'append', ticks: Array.from({ length: MAX_ROUND }, (_, k) => k + 1) }],
  ],
  ['an answer nobody waits for', reclaiming, answered('Done'), { phase: 'Reclaiming', waiting: [7, 8, 9] }, []],
  ['over is over', { ...asking, phase: 'Over', waiting: [] }, { is: 'stepped', tick: 11 }, { phase: 'Over', waiting: [] }, []],
]

describe('output commit', () => {
  for (const [name, state, event, after, actions] of table)
    it(name, () => {
      const decision = decideCommit(state, event)
      expect(decision.state).toMatchObject(after)
      expect(decision.actions).toEqual(actions)
    })
})
