import { defineConfig } from 'vitest/config'

/**
 * Unit tests that change nothing of their process. They share workers, and with them the modules that each would load again: a third of all that they cost. One that sets a variable of the environment, replaces a global, or
 * leaves something running is to stand outside.
 */
const TOGETHER = [
  'test/unit/{agones,allocator,api,auth,bench,characters,chart,config,core,docs,http,kubernetes,log}/**/*.test.ts',
  'test/unit/{metrics,operator,tokens,zone}/**/*.test.ts',
]

/** The inner loop: everything that needs no cluster. The cluster suites have their own configuration. */
export default defineConfig({
  test: {
    // Most of these wait more than they compute: four at once also on a machine of two cores, where the default is one.
    maxWorkers: 4,
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
