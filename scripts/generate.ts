/**
 * Makes everything that is generated from a source of truth: the types and schema of a Zone and the chart's copy of its CRD from crds/zone.yaml, the table of
 * errors from core/errors.ts, the chart's copy of its values, the protocol from core/protocol/bailiwick.proto.
 * `node scripts/generate.ts --check` makes it in a temporary folder instead, and fails with the differences when the committed files are not the same.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { errorsDocument } from './generate-errors.ts'
import { zoneTypes } from './generate-zone.ts'

const root = join(import.meta.dirname, '..')
const bin = join(root, 'node_modules', '.bin')
const zoneFile = 'core/zone.generated.ts'
const chartCrdFile = 'charts/bailiwick/files/zone.yaml'
const valuesFile = 'charts/bailiwick/values.yaml'
const chartValuesFile = 'charts/bailiwick/files/values.yaml'
const errorsFile = 'docs/errors.md'
const protocolFolder = 'core/protocol/generated'

/** Writes every generated file below `target`, laid out as in the repository. */
async function generate(target: string): Promise<void> {
  const crd = readFileSync(join(root, 'crds/zone.yaml'), 'utf8')
  const values = readFileSync(join(root, valuesFile), 'utf8')
  const texts = { [zoneFile]: await zoneTypes(crd), [chartCrdFile]: crd, [chartValuesFile]: values, [errorsFile]: errorsDocument() }
  for (const [file, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    writeFileSync(join(target, file), text)
  }
  const work = join(target, 'core/protocol')
  if (target !== root) cpSync(join(root, 'core/protocol'), work, { recursive: true, filter: (path) => !path.endsWith('/generated') })
  execFileSync(join(bin, 'buf'), ['generate', '.'], {
    cwd: work,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
  })
}

/** The relative paths of all generated files below `base`. */
function generatedFiles(base: string): readonly string[] {
  const folder = join(base, protocolFolder)
  const protocol = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()) : []
  return [
    zoneFile,
    chartCrdFile,
    chartValuesFile,
    errorsFile,
    ...protocol.map((entry) => join(entry.parentPath, entry.name).slice(base.length + 1)),
  ].sort()
}

async function check(): Promise<boolean> {
  const temporary = mkdtempSync(join(tmpdir(), 'bailiwick-generate-'))
  try {
    await generate(temporary)
    const files = [...new Set([...generatedFiles(root), ...generatedFiles(temporary)])].sort()
    let same = true
    for (const file of files) {
      const [committed, fresh] = [join(root, file), join(temporary, file)]
      if (existsSync(committed) && existsSync(fresh) && readFileSync(committed).equals(readFileSync(fresh))) continue
      same = false
      console.error(`${file} is not what its source makes of it (- committed, + generated):`)
      const paths = [committed, fresh].map((path) => (existsSync(path) ? path : '/dev/null'))
      const shown = spawnSync('diff', ['-u', ...paths], { encoding: 'utf8' })
      console.error(shown.stdout.split('\n').slice(2, 60).join('\n'))
    }
    if (!same) console.error('run: npm run generate')
    return same
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

if (process.argv.includes('--check')) {
  if (!(await check())) process.exitCode = 1
} else {
  await generate(root)
}
