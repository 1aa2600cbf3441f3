import { defineConfig } from 'vitest/config'

/** The inner loop: everything that needs no cluster. The cluster suites have their own configuration. */
export default defineConfig({
  test: {
    // Of the fault tests those that start no processes; all of them: vitest.faults.config.ts.
    include: ['test/{unit,contract,golden,architecture,e2e}/**/*.test.ts', 'test/faults/*.test.ts'],
    // Most of these wait more than they compute: four at once also on a machine of two cores, where the default is one.
    maxWorkers: 4,
    // Of a test that takes a second alone, on a machine that is twenty times as slow.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes late on a machine that is busy: a second is not enough.
    expect: { poll: { timeout: 15_000 } },
    passWithNoTests: false,
    allowOnly: false,
  },
})
