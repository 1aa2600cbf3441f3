import { describe, expect, it } from 'vitest'
import { fleetStatus, planFleet, splitSets, stepSize } from '../../cluster/agones-emulator/controller/fleet-plan.ts'
import type { GameServerSet } from '../../cluster/agones-emulator/types.ts'
import { fleet, versionSet } from './objects.ts'

function shape(plan: ReturnType<typeof planFleet>) {
  return {
    active: plan.activeReplicas,
    resize: plan.resize.map(({ set, replicas }) => [set.metadata.name, replicas]),
    remove: plan.remove.map(({ metadata }) => metadata.name),
  }
}

describe('planFleet', () => {
  const cases: { what: string; fleet: ReturnType<typeof fleet>; sets: GameServerSet[]; want: ReturnType<typeof shape> }[] = [
    { what: 'a new fleet gets one set of its size', fleet: fleet('a', 3), sets: [], want: { active: 3, resize: [], remove: [] } },
    {
      what: 'a changed size goes to the only set',
      fleet: fleet('a', 5),
      sets: [versionSet('a', 3, { ready: 3 })],
      want: { active: 5, resize: [], remove: [] },
    },
    {
      what: 'an update begins with a surge of a quarter, rounded up',
      fleet: fleet('b', 4, 4),
      sets: [versionSet('a', 4, { ready: 4 })],
      want: { active: 1, resize: [['set-a', 3]], remove: [] },
    },
    {
      what: 'the next surge waits until the last one is counted',
      fleet: fleet('b', 4, 3),
      sets: [versionSet('a', 3, { ready: 3 }), versionSet('b', 1, {}, 1)],
      want: { active: 1, resize: [], remove: [] },
    },
    {
      what: 'the new set gets what old Allocated servers leave',
      fleet: fleet('b', 3, 1),
      sets: [versionSet('a', 0, { allocated: 2 }), versionSet('b', 1, { ready: 1 }, 1)],
      want: { active: 1, resize: [], remove: [] },
    },
    {
      what: 'old Reserved servers take room as well once the old sets are at 0',
      fleet: fleet('b', 3),
      sets: [versionSet('a', 0, { allocated: 1, reserved: 1 }), versionSet('b', 1, { ready: 1 }, 1)],
      want: { active: 1, resize: [], remove: [] },
    },
    {
      what: 'nothing new comes while all are Allocated, and the old set goes to 0',
      fleet: fleet('b', 2),
      sets: [versionSet('a', 2, { allocated: 2 }), versionSet('b', 0, {}, 1)],
      want: { active: 0, resize: [['set-a', 0]], remove: [] },
    },
    {
      what: 'old servers that never became Ready go first',
      fleet: fleet('b', 4, 3),
      sets: [versionSet('a', 4, { ready: 2, other: 2 }), versionSet('b', 1, { ready: 1 }, 1)],
      want: { active: 1, resize: [['set-a', 3]], remove: [] },
    },
    {
      what: 'an old set without servers is removed, one whose servers still end is not',
      fleet: fleet('c', 1),
      sets: [versionSet('a', 0), versionSet('b', 0, { shutdown: 1 }, 1), versionSet('c', 1, { ready: 1 }, 2)],
      want: { active: 1, resize: [], remove: ['set-a'] },
    },
    {
      what: 'Recreate ends all old ones at once',
      fleet: fleet('b', 3, 3, { strategy: { type: 'Recreate' } }),
      sets: [versionSet('a', 3, { ready: 2, allocated: 1 })],
      want: { active: 2, resize: [['set-a', 0]], remove: [] },
    },
    {
      what: 'a rollback takes the old set again',
      fleet: fleet('a', 3, 2),
      sets: [versionSet('a', 0, { allocated: 1 }), versionSet('b', 2, { ready: 2 }, 1)],
      want: { active: 0, resize: [['set-b', 1]], remove: [] },
    },
  ]
  it.each(cases)('$what', ({ fleet: wanted, sets, want }) => {
    expect(shape(planFleet(wanted, sets))).toEqual(want)
  })

  it('never gives the current set less than nothing', () => {
    expect(planFleet(fleet('b', 1), [versionSet('a', 0, { allocated: 5 }), versionSet('b', 0, {}, 1)]).activeReplicas).toBe(0)
  })
})

describe('splitSets', () => {
  it('takes the oldest set of the template, whatever null stands in it', () => {
    const older = versionSet('a', 1, {}, 1)
    older.spec.template = {
      ...older.spec.template,
      metadata: { ...older.spec.template.metadata, creationTimestamp: null as unknown as string },
    }
    const { active, rest } = splitSets(fleet('a', 1), [versionSet('a', 1, {}, 2), older, versionSet('b', 1)])
    expect(active).toBe(older)
    expect(rest).toHaveLength(2)
  })
})

describe('stepSize', () => {
  it.each([
    ['25%', 4, 'up', 1],
    ['25%', 5, 'up', 2],
    ['25%', 5, 'down', 1],
    ['25%', 3, 'down', 0],
    [2, 10, 'up', 2],
    [undefined, 8, 'up', 2],
  ] as const)('%s of %d, rounded %s, is %d', (step, of, round, want) => {
    expect(stepSize(step, of, round)).toBe(want)
  })
})

it('a fleet’s counts are the sums of its sets’', () => {
  expect(fleetStatus([versionSet('a', 0, { allocated: 1, reserved: 1 }), versionSet('b', 2, { ready: 2 })])).toEqual({
    replicas: 4,
    readyReplicas: 2,
    allocatedReplicas: 1,
    reservedReplicas: 1,
  })
})
