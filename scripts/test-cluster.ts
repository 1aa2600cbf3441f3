// `npm run test:cluster`: the suites that need Kubernetes, inside the network of a cluster that is brought up for them and taken down in all cases.
//   --keep      leaves the cluster up (as does one that was up already)
//   KUBECONFIG  names another cluster to run on; then nothing is brought up
// All other arguments go to vitest.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { down, isUp, keepLogs, load, up } from '../test/cluster/cluster.ts'
import { describeFailure } from '../test/cluster/diagnose.ts'
import { isForeign } from '../test/cluster/harness.ts'
import { leftovers } from '../test/cluster/leftovers.ts'
import { clusterProcesses } from '../test/cluster/namespace.ts'
import { netnsPath } from '../test/cluster/paths.ts'
import { keepPodLogs } from '../test/cluster/pod-logs.ts'
import { takeLock } from '../test/cluster/state.ts'
import { bin, reportArguments, root } from './run.ts'

const say = (line: string) => process.stderr.write(`test:cluster: ${line}\n`)
const keep = process.argv.includes('--keep')
const vitest = [
  bin('vitest'),
  'run',
  '--config',
  'vitest.cluster.config.ts',
  ...reportArguments('cluster'),
  ...process.argv.slice(2).filter((each) => each !== '--keep'),
]

/** Aborted by Ctrl-C, SIGTERM or the end of the terminal; what is running is then ended and everything taken down. */
const interrupted = new AbortController()
let exitCode = 1
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    say(`${signal}: taking everything down`)
    exitCode = 128 + constants.signals[signal]
    interrupted.abort(new Error('interrupted'))
  })
}

async function main(): Promise<number> {
  if (isForeign()) {
    say(`running on the cluster of ${process.env['KUBECONFIG']}`)
    return runTests(vitest)
  }
  const release = takeLock('tests')
  const leave = keep || isUp()
  try {
    if (!(await up(say, interrupted.signal))) say(`using the cluster that is up; loaded ${(await load(say)).join(', ') || 'no new image'}`)
    const ended = keepPodLogs()
    const code = await runTests(['nsenter', `--net=${netnsPath}`, ...vitest]).finally(ended)
    if (code !== 0 && !interrupted.signal.aborted) say(await describeFailure(keepLogs()))
    return code
  } finally {
    if (!leave) await takeDown()
    release()
  }
}

async function takeDown(): Promise<void> {
  const before = clusterProcesses()
  await down()
  const left = leftovers(before)
  say(left.length === 0 ? 'the cluster is down; nothing of it is left' : `the cluster left something behind:\n${left.join('\n')}`)
  if (left.length > 0) process.exitCode = 1
}

/** Runs vitest to its end; when interrupted, asks it to end and kills it after 5 s. Answers its exit code. */
function runTests(command: string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: root, stdio: 'inherit' })
  const end = () => {
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), 5000).unref()
  }
  if (interrupted.signal.aborted) end()
  interrupted.signal.addEventListener('abort', end)
  child.on('error', reject)
  child.on('close', (code) => resolve(interrupted.signal.aborted ? exitCode : (code ?? 1)))
  return promise
}

main().then(
  (code) => {
    process.exitCode ||= code
  },
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = exitCode
  },
)
