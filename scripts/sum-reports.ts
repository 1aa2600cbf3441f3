// Adds up what the suites reported (BAILIWICK_REPORTS) and closes with one line. Fails when a suite is missing, ran nothing or failed.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests?: number
  readonly numFailedTestSuites?: number
}

const folder = process.env['BAILIWICK_REPORTS']
if (folder === undefined) throw new Error('BAILIWICK_REPORTS is not set')

let passed = 0
let failed = 0
for (const suite of ['check', 'test', 'faults', 'cluster']) {
  const file = join(folder, `${suite}.json`)
  if (!existsSync(file)) {
    process.stdout.write(`${suite}: did not run\n`)
    failed += 1
    continue
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  const skipped = report.numPendingTests ?? 0
  // A file that fails to load has no failed test, only a failed suite.
  const lost = report.numFailedTests === 0 ? (report.numFailedTestSuites ?? 0) : 0
  if (report.numPassedTests + report.numFailedTests === 0 || skipped > 0) failed += 1
  process.stdout.write(
    `${suite}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped, ${lost} files not loaded\n`,
  )
  passed += report.numPassedTests
  failed += report.numFailedTests + lost
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
