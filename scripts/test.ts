// `npm test`: everything that needs no cluster. Arguments go to vitest.
import { bin, reportArguments, run } from './run.ts'
import { withTemporaryFolder } from './with-temporary-folder.ts'

process.exitCode = await withTemporaryFolder((env) =>
  run(bin('vitest'), ['run', ...reportArguments('test'), ...process.argv.slice(2)], env),
)
