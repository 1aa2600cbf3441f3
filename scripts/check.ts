// `npm run check`: types, lint, architecture, drift of generated files. Runs all, then says which failed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bin, root, run } from './run.ts'

const steps: readonly (readonly [string, string, readonly string[]])[] = [
  ['types', bin('tsc'), ['--noEmit', '-p', root]],
  ['types of the browser page', bin('tsc'), ['--noEmit', '-p', join(root, 'dev', 'page')]],
  ['lint and format', bin('biome'), ['check', '.']],
  ['architecture', bin('vitest'), ['run', 'test/architecture']],
  ['generated files', process.execPath, [join(root, 'scripts', 'generate.ts'), '--check']],
]

const failed: string[] = []
for (const [name, command, args] of steps) {
  const code = await run(command, args)
  process.stdout.write(`check: ${name}: ${code === 0 ? 'ok' : `failed (exit code ${code})`}\n`)
  if (code !== 0) failed.push(name)
}
const reports = process.env['BAILIWICK_REPORTS']
if (reports !== undefined) {
  writeFileSync(
    join(reports, 'check.json'),
    JSON.stringify({ numPassedTests: steps.length - failed.length, numFailedTests: failed.length }),
  )
}
process.exitCode = failed.length === 0 ? 0 : 1
