// `npm test`: everything that needs no cluster. Arguments go to vitest.
import { bin, reportArguments, run } from './run.ts'

process.exitCode = await run(bin('vitest'), ['run', ...reportArguments('test'), ...process.argv.slice(2)])
