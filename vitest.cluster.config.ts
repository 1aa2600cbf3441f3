import { defineConfig } from 'vitest/config'

/** Suites that need a real Kubernetes. One after another in one process: they share the cluster of the run. */
export default defineConfig({
  test: {
    include: ['test/cluster/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    passWithNoTests: false,
    allowOnly: false,
  },
})
