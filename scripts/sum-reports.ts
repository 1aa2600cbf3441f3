// Names what failed and adds up what the suites reported (BAILIWICK_REPORTS); closes with one line. Fails when a suite is missing, ran nothing or failed.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Report {
  /** One for each file, in the shape that vitest and jest write. */
  readonly testResults?: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests?: number
  readonly numFailedTestSuites?: number
}

const folder = process.env['BAILIWICK_REPORTS']
if (folder === undefined) throw new Error('BAILIWICK_REPORTS is not set')

/** So much of each failure is told again; the whole of it stands where its suite ran. */
const FAILURE_LENGTH = 1_500

/** What failed, at the end of the log, where whoever reads it begins. */
function tellFailures(suite: string, { testResults = [] }: Report): void {
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter((result) => result.status === 'failed')
    for (const { fullName, failureMessages } of failed) tell(`${suite}: FAILED ${name} > ${fullName}`, failureMessages?.join('\n') ?? '')
    if (status === 'failed' && failed.length === 0) tell(`${suite}: FAILED ${name}`, message ?? '')
  }
}

function tell(what: string, why: string): void {
  process.stdout.write(`${what}\n${why.slice(0, FAILURE_LENGTH)}\n`)
}

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
  tellFailures(suite, report)
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
