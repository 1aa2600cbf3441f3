import { defineConfig } from 'vitest/config'

/** The fault tests at full strength: simulated schedules, killed processes, a mistreated Redis; and the pages in a real browser. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts', 'test/browser/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    passWithNoTests: false,
    allowOnly: false,
  },
})
