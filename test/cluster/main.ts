import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { agonesKind, installAgones } from './agones.ts'
import { down, isUp, load, up } from './cluster.ts'
import { useCluster } from './harness.ts'
import { kubeconfigPath, logDir, netnsPath, root } from './paths.ts'
import { ensureTools } from './tools.ts'

const usage = `Usage: npm run cluster COMMAND

  up                  start Kubernetes in a network namespace of its own; says so when it is up already
  down                end it; leaves no process, mount or namespace
  load                build the images from the sources as they are and hand the changed ones to the cluster
  agones NAMESPACE …  install Agones for game servers in these namespaces: the emulator, unless BAILIWICK_AGONES_CHART names the real one
  shell [-- COMMAND]  open a shell inside, or run a command there: kubectl, helm and ctr find the cluster
  logs [NAME]         what a part said (etcd, apiserver, kubelet …), or what there is to ask for
`

const say = (line: string) => console.error(`cluster: ${line}`)

async function main(): Promise<number> {
  const { positionals } = parseArgs({ allowPositionals: true, strict: false })
  const [command, ...rest] = positionals
  switch (command) {
    case 'up':
      return start()
    case 'down':
      await down()
      say('down')
      return 0
    case 'load': {
      const names = await load(say)
      say(names.length > 0 ? `loaded ${names.join(', ')}; pods made from now on use them` : 'nothing changed')
      return 0
    }
    case 'agones':
      return agones(rest)
    case 'shell':
      return shell(rest)
    case 'logs':
      return logs(rest[0])
    default:
      console.error(usage)
      return command === undefined || command === 'help' ? 0 : 2
  }
}

async function start(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort(new Error(`${signal}: gave up the start`)))
  const began = performance.now()
  const started = await up(say, interrupted.signal)
  say(started ? `up after ${((performance.now() - began) / 1000).toFixed(1)} s` : 'up already')
  console.error(`
  npm run cluster shell                        a shell inside: kubectl, helm, curl to pods and services
  npm run cluster shell -- kubectl get pods -A one command inside
  npm run cluster load                         after a change of source: new images
  npm run cluster logs kubelet                 what a part says
  npm run cluster down                         end it
`)
  return 0
}

/** Runs again inside the cluster's network, where the API server can be reached. */
async function agones(namespaces: string[]): Promise<number> {
  if (namespaces.length === 0) throw new Error('name the namespaces of the game servers, as in: npm run cluster agones game')
  if (process.env['BAILIWICK_IN_CLUSTER'] === undefined) return shell([process.execPath, import.meta.filename, 'agones', ...namespaces])
  await installAgones(await useCluster(), { gameServerNamespaces: namespaces })
  say(`${agonesKind === 'real' ? 'Agones' : 'the emulator of Agones'} serves ${namespaces.join(', ')}`)
  return 0
}

async function shell(command: string[]): Promise<number> {
  if (!isUp()) throw new Error('the cluster is not up; start it with: npm run cluster up')
  const tools = await ensureTools(say)
  const path = [...tools.folders, join(root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter)
  const env = { ...process.env, PATH: path, KUBECONFIG: kubeconfigPath, BAILIWICK_IN_CLUSTER: '1' }
  const [program, ...args] = command.length > 0 ? command : [process.env['SHELL'] ?? 'sh']
  return runHere('nsenter', [`--net=${netnsPath}`, program ?? 'sh', ...args], env)
}

function runHere(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const child = spawn(program, args, { stdio: 'inherit', env })
  // The terminal sends these to the child as well; it decides.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.on('error', reject)
  child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  return promise
}

async function logs(name: string | undefined): Promise<number> {
  if (!existsSync(logDir)) throw new Error('the cluster is not up and left no logs')
  const files = readdirSync(logDir).filter((file) => file.endsWith('.log'))
  if (name !== undefined && files.includes(`${name}.log`)) return runHere('tail', ['-n', '200', join(logDir, `${name}.log`)], process.env)
  say(
    `logs of ${files.map((file) => file.replace('.log', '')).join(', ')} in ${logDir}; of a pod: npm run cluster shell -- kubectl -n NS logs POD`,
  )
  return name === undefined ? 0 : 2
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(`cluster: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  },
)
