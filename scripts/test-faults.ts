// `npm run test:faults`: simulated schedules, killed processes, a mistreated Redis. BAILIWICK_FAULTS=full does many times more. Arguments go to vitest.
import { bin, reportArguments, run } from './run.ts'
import { withTemporaryFolder } from './with-temporary-folder.ts'

const extent = process.env['BAILIWICK_FAULTS'] ?? 'usual'
process.exitCode = await withTemporaryFolder((env) =>
  run(bin('vitest'), ['run', '--config', 'vitest.faults.config.ts', ...reportArguments('faults'), ...process.argv.slice(2)], {
    ...env,
    BAILIWICK_FAULTS: extent,
  }),
)
