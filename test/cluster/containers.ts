import { randomBytes } from 'node:crypto'
import { containerdSocket } from './paths.ts'
import { run } from './run.ts'

/** Signals the first process of a container of the harness' own cluster. */
export async function killByContainerd(id: string, signal: NodeJS.Signals): Promise<void> {
  await run('ctr', ['-a', containerdSocket, '-n', 'k8s.io', 'tasks', 'kill', '--signal', signal, id])
}

/** Run on the node: finds the container's processes by its id in their cgroup, and signals the one that is first in its namespace. */
const killScript = `
const fs = require('node:fs')
const [id, signal] = process.argv.slice(1)
const ours = fs.readdirSync('/proc').filter((name) => {
  try {
    return /^\\d+$/.test(name) && fs.readFileSync('/proc/' + name + '/cgroup', 'utf8').includes(id) && /^NSpid:.*\\s1$/m.test(fs.readFileSync('/proc/' + name + '/status', 'utf8'))
  } catch { return false }
})
if (ours.length !== 1) throw new Error('expected one process 1 of container ' + id + ', found ' + ours.length)
process.kill(Number(ours[0]), signal)
`

type Target = { id: string; signal: NodeJS.Signals; node: string; image: string }

/** The same on a cluster that is not ours: by a privileged pod on the container's node that sees the node's processes. */
export async function killByNode(
  withInput: (args: readonly string[], input: string) => Promise<string>,
  kubectl: (...args: string[]) => Promise<string>,
  target: Target,
): Promise<void> {
  const name = `kill-${randomBytes(4).toString('hex')}`
  const container = {
    name: 'kill',
    image: target.image,
    command: ['/usr/local/bin/node', '-e', killScript, target.id, target.signal],
    securityContext: { privileged: true, runAsUser: 0, runAsNonRoot: false },
  }
  const spec = {
    hostPID: true,
    restartPolicy: 'Never',
    nodeName: target.node,
    automountServiceAccountToken: false,
    containers: [container],
  }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'kube-system' }, spec }
  await withInput(['create', '-f', '-'], JSON.stringify(pod))
  try {
    await kubectl('-n', 'kube-system', 'wait', 'pod', name, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s')
  } catch (error) {
    const said = await kubectl('-n', 'kube-system', 'logs', name).catch(() => '')
    throw new Error(`container ${target.id} could not be sent ${target.signal}: ${said}`, { cause: error })
  } finally {
    await kubectl('-n', 'kube-system', 'delete', 'pod', name, '--ignore-not-found', '--wait=false')
  }
}
