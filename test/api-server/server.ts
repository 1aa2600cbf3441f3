import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesClient } from '../../platform/kubernetes/client.ts'
import type { Endpoint } from '../../platform/kubernetes/plain-endpoint.ts'
import { customResourceDefinitions } from '../cluster/agones-emulator/manifests/crds.ts'
import { ensureTool } from '../cluster/tools.ts'
import { freePorts } from '../free-port.ts'
import { type Audited, type AuditedResource, auditFlags, readAudit } from './audit.ts'
import { flags } from './flags.ts'
import { crdResource, type Definition, namespaceResource, zoneDefinition } from './objects.ts'
import { createPki, type Pki } from './pki.ts'
import { type Program, startProgram, until } from './process.ts'

/** A machine that is busy with other tests is slow to start two Go programs. */
const START_LIMIT = 120_000
/** Building the programs from an empty Go cache takes a quarter of an hour. Hooks that call startApiServer give it this. */
export const BUILD_LIMIT = 2_400_000

export interface ApiServer {
  readonly base: URL
  /** A file that KUBECONFIG may name: every right. */
  readonly kubeconfig: string
  /** What a pod of the same rights has: a folder with its token and the cluster's authority, and where the API server is. */
  readonly pod: { readonly folder: string; readonly host: string; readonly port: string }
  readonly pids: { readonly etcd: number; readonly apiserver: number }
  /** With every right, and connections of its own; close() ends them. */
  endpoint(): Endpoint
  /** The same for a client of the test's. */
  client(): KubernetesClient
  makeNamespace(name: string): Promise<void>
  /** Every write that the options ask to be written down, in the order in which they were answered. */
  audited(): readonly Audited[]
  etcd(): Promise<EtcdSize>
  /** Ends both programs and removes what they wrote. */
  stop(): Promise<void>
}

export interface EtcdSize {
  /** What its database takes on disk, bytes. */
  readonly bytes: number
  /** … and what of it holds something. */
  readonly used: number
  /** Rises by one with each write. */
  readonly revision: number
}

export interface ApiServerOptions {
  /** True: etcd keeps every revision. Otherwise the API server has it forget old ones, every five minutes. */
  readonly keepRevisions?: boolean
  /** Writes to these are written down as the server sees them, for audited(). Default: none. */
  readonly audit?: readonly AuditedResource[]
  /** Before the programs' command lines: `taskset` in a benchmark. */
  readonly prefix?: readonly string[]
  readonly say?: (line: string) => void
}

/**
 * etcd and kube-apiserver alone, real ones, on the loopback address, with the CRDs of Bailiwick and of Agones: no node, no scheduler, no controllers, so nothing
 * collects garbage and no namespace ever goes away. The programs are those of the cluster suites (test/cluster/modules).
 */
export async function startApiServer({
  prefix = [],
  say = () => {},
  audit = [],
  keepRevisions = false,
}: ApiServerOptions = {}): Promise<ApiServer> {
  const [etcdFile, apiserverFile] = [await ensureTool('etcd', say), await ensureTool('kube-apiserver', say)]
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-api-'))
  const pki = await createPki(join(folder, 'pki'))
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3)
  const token = randomBytes(16).toString('hex')
  writeFileSync(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 })
  mkdirSync(join(folder, 'etcd'), { mode: 0o700 })
  const etcdUrl = `http://127.0.0.1:${etcdPort}`
  const etcd = startProgram([...prefix, etcdFile, ...etcdFlags(folder, etcdUrl, peerPort)], join(folder, 'etcd.log'))
  const kept = keepRevisions ? ['--etcd-compaction-interval=0s'] : []
  const serverFlags = [...apiserverFlags(folder, pki, etcdUrl, port), ...auditFlags(folder, audit), ...kept]
  const apiserver = startProgram([...prefix, apiserverFile, ...serverFlags], join(folder, 'apiserver.log'))
  const base = new URL(`https://127.0.0.1:${port}`)
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigText(base, pki, token), { mode: 0o600 })
  const pod = { folder: join(folder, 'account'), host: base.hostname, port: base.port }
  mkdirSync(pod.folder, { mode: 0o700 })
  writeFileSync(join(pod.folder, 'token'), token, { mode: 0o600 })
  copyFileSync(pki.certificate, join(pod.folder, 'ca.crt'))
  const endpoint = (): Endpoint => tokenEndpoint(base, pki, token)
  const own = new KubernetesClient(endpoint())
  const stop = async (): Promise<void> => {
    own.close()
    await Promise.all([apiserver.stop(), etcd.stop()])
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await until(() => isReady(own), [etcd, apiserver], START_LIMIT, 'kube-apiserver to be ready')
    await installDefinitions(own, [etcd, apiserver])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    base,
    kubeconfig,
    pod,
    pids: { etcd: etcd.pid, apiserver: apiserver.pid },
    endpoint,
    client: () => new KubernetesClient(endpoint()),
    async makeNamespace(name) {
      await own.create(namespaceResource, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    },
    audited: () => readAudit(folder),
    etcd: () => etcdStatus(etcdUrl),
    stop,
  }
}

function etcdFlags(folder: string, url: string, peerPort: number): readonly string[] {
  return flags({
    'data-dir': join(folder, 'etcd'),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': `http://127.0.0.1:${peerPort}`,
    'initial-advertise-peer-urls': `http://127.0.0.1:${peerPort}`,
    'initial-cluster': `default=http://127.0.0.1:${peerPort}`,
    'unsafe-no-fsync': true,
  })
}

function apiserverFlags(folder: string, pki: Pki, etcdUrl: string, port: number): readonly string[] {
  return flags({
    'etcd-servers': etcdUrl,
    'secure-port': port,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    // The address of pods is none of a loopback interface, and nobody asks for this Service here.
    'endpoint-reconciler-type': 'none',
    'tls-cert-file': pki.certificate,
    'tls-private-key-file': pki.key,
    'token-auth-file': join(folder, 'tokens.csv'),
    'service-account-key-file': pki.accountsPublic,
    'service-account-signing-key-file': pki.accounts,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'authorization-mode': 'RBAC',
    'service-cluster-ip-range': '10.96.0.0/24',
    // One that lets everybody in: what is measured or disturbed here is the operator.
    'enable-priority-and-fairness': false,
    'max-requests-inflight': 0,
    'max-mutating-requests-inflight': 0,
  })
}

/** A request that needs etcd, authorization and the built-in kinds. */
async function isReady(client: KubernetesClient): Promise<boolean> {
  await client.list(namespaceResource)
  return true
}

async function installDefinitions(client: KubernetesClient, programs: readonly Program[]): Promise<void> {
  const definitions = [zoneDefinition(), ...(customResourceDefinitions() as readonly Definition[])]
  for (const definition of definitions) await client.create(crdResource, definition)
  for (const { spec } of definitions) {
    for (const { name } of spec.versions) {
      const resource = { group: spec.group, version: name, plural: spec.names.plural }
      await until(() => client.list(resource).then(() => true), programs, START_LIMIT, `${resource.plural} to be served`)
    }
  }
}

function tokenEndpoint(base: URL, pki: Pki, token: string): Endpoint {
  const agent = new https.Agent({ keepAlive: true, ca: readFileSync(pki.certificate) })
  return { base, options: async () => ({ agent, headers: { authorization: `Bearer ${token}` } }), close: () => agent.destroy() }
}

function kubeconfigText(base: URL, pki: Pki, token: string): string {
  const authority = readFileSync(pki.certificate).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'api', cluster: { server: base.origin, 'certificate-authority-data': authority } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'api', context: { cluster: 'api', user: 'admin' } }],
    'current-context': 'api',
  })
}

async function etcdStatus(url: string): Promise<EtcdSize> {
  const answer = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}', signal: AbortSignal.timeout(15_000) })
  const status = (await answer.json()) as { dbSize: string; dbSizeInUse: string; header: { revision: string } }
  return { bytes: Number(status.dbSize), used: Number(status.dbSizeInUse), revision: Number(status.header.revision) }
}
