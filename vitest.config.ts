import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Tests that change nothing of their process. They share workers, and with them the modules that each would load again: a third of all that they cost. One that sets a variable of the environment, replaces a global, looks
 * at the process's memory, or leaves something running is to stand outside.
 */
const TOGETHER = [
  'test/unit/{agones,allocator,api,auth,bench,characters,chart,config,core,docs,http,kubernetes,log}/**/*.test.ts',
  'test/unit/{metrics,operator,tokens,zone}/**/*.test.ts',
  'test/unit/agones-emulator/{fleet-plan,gameserver,set-plan}.test.ts',
  'test/unit/client/{inputs,narrate,pure,zone-list}.test.ts',
  'test/unit/dev/{options,page}.test.ts',
  'test/unit/zone-server/{admittance,chain-writer,commit-parts,decide-*,evidence-report,frame-reader,held-hellos}.test.ts',
  'test/unit/zone-server/{host-door,host-load,interest,interest-crowds,lease,membership,purity,read-ahead,session}.test.ts',
  'test/unit/zone-server/{simulation,simulation-*,small-decisions,snapshot-memory,spread,trimming,views}.test.ts',
  'test/contract/index-memory.test.ts',
  'test/faults/{simulator-*,chain-lives,churn,memory-store}.test.ts',
  'test/golden/*.test.ts',
]

/** Of each project those that take longest, most of it in waiting. Begun last, one of them would have the machine for itself at the end. */
const FIRST = [
  'test/contract/store-mongo.test.ts',
  'test/unit/zone-server/program.test.ts',
  'test/e2e/embedded.test.ts',
  'test/contract/index-redis-journal.test.ts',
  'test/contract/index-redis-faults.test.ts',
  'test/unit/client/silence.test.ts',
  'test/unit/auth/main.test.ts',
  'test/unit/auth/auth.test.ts',
  'test/unit/operator/crash.test.ts',
  'test/unit/allocator/day.test.ts',
  'test/unit/allocator/join.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const projects = [...new Set(sorted.map(({ project }) => project))]
    const isFirst = ({ moduleId }: TestSpecification): boolean => FIRST.includes(relative(import.meta.dirname, moduleId))
    const place = (file: TestSpecification): number => 2 * projects.indexOf(file.project) + (isFirst(file) ? 0 : 1)
    return sorted.toSorted((a, b) => place(a) - place(b))
  }
}

/** The inner loop: everything that needs no cluster. The cluster suites have their own configuration. */
export default defineConfig({
  test: {
    // Most of these wait more than they compute: four at once also on a machine of two cores, where the default is one.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    passWithNoTests: false,
    allowOnly: false,
    projects: [
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      {
        extends: true,
        test: {
          name: 'apart',
          // Of the fault tests those that start no processes; all of them: vitest.faults.config.ts.
          include: ['test/{unit,contract,golden,architecture,e2e}/**/*.test.ts', 'test/faults/*.test.ts'],
          exclude: TOGETHER,
        },
      },
    ],
    // Of a test that takes a second alone, on a machine that is twenty times as slow.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes late on a machine that is busy: a second is not enough.
    expect: { poll: { timeout: 15_000 } },
  },
})
