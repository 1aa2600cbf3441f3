import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kubectlOf } from './cluster.ts'
import { componentNames } from './components.ts'
import { ensureTools } from './tools.ts'

const linesShown = 15

/** What a person wants to see first after a failed run: pods, warnings, the end of the logs of pods in trouble, and where the rest is. */
export async function describeFailure(logs: string): Promise<string> {
  const kubectl = kubectlOf(await ensureTools(() => {}))
  const ask = (...args: string[]) =>
    kubectl(['--request-timeout=10s', ...args]).catch((error: unknown) => `(${error instanceof Error ? error.message : error})`)
  const [pods, events] = await Promise.all([
    ask('get', 'pods', '--all-namespaces', '-o', 'wide'),
    ask('get', 'events', '--all-namespaces', '--field-selector', 'type=Warning', '--sort-by', '.lastTimestamp'),
  ])
  const podLogs = globSync('pods/*/*/*.log', { cwd: logs })
    .toSorted()
    .map((file) => ({ title: file, file: join(logs, file) }))
  const parts = componentNames.map((name) => ({ title: name, file: join(logs, `${name}.log`) }))
  const inTrouble = podLogs.filter(({ file }) => !/\/pods\/kube-system_|\/pods\/bailiwick-backends_/.test(file))
  return [
    section('pods', pods),
    section('warnings', lastLines(events)),
    ...inTrouble.slice(-12).map(({ title, file }) => section(title, lastLines(read(file)))),
    ...parts.flatMap(({ title, file }) => fatalLines(title, read(file))),
    `all logs are kept in ${logs}; those of pods that are gone in all-pods`,
  ].join('\n')
}

const section = (title: string, text: string) => `--- ${title}\n${text.trimEnd()}`

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-linesShown).join('\n')
}

/** A part that died says why in a line of level F or in a Go panic. */
function fatalLines(title: string, text: string): string[] {
  const lines = text.split('\n').filter((line) => /^F\d{4} |^panic: |"level":"fatal"|level=fatal/.test(line))
  return lines.length > 0 ? [section(title, lines.slice(-linesShown).join('\n'))] : []
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
