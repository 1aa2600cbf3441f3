import { MongoClient } from 'mongodb'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, isForeign, useCluster } from './harness.ts'
import { ownClusterTests } from './own-cluster.ts'

const namespace = 'harness-test'
let cluster: Cluster

beforeAll(async () => {
  cluster = await useCluster()
  await cluster.ensureNamespace(namespace)
})

afterAll(async () => {
  await cluster?.kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false')
})

const container = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

const pod = (name: string, script: string, restartPolicy = 'Always', probe: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    restartPolicy,
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'main',
        image: cluster.images.bailiwick,
        imagePullPolicy: 'IfNotPresent',
        args: ['-e', script],
        securityContext: container,
        ...probe,
      },
    ],
  },
})

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
})

const server = `
const http = require('node:http')
http.createServer((_, response) => response.end(process.version + ' ' + process.getuid())).listen(8080)
`

test('a pod of our image runs as nobody and answers another pod by the name of its Service', async () => {
  await cluster.applyManifest([
    pod('server', server, 'Always', { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }),
    service('server'),
  ])
  await cluster.kubectl('-n', namespace, 'wait', 'pod/server', '--for=condition=Ready', '--timeout=60s')
  const ask = `fetch('http://server.${namespace}.svc.cluster.local').then((answer) => answer.text()).then(console.log)`
  // kube-proxy learns of the endpoint a moment after the pod is Ready, so the first tries may be refused.
  await cluster.applyManifest(pod('asker', ask, 'OnFailure'))
  await cluster.kubectl('-n', namespace, 'wait', 'pod/asker', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s')
  expect(await cluster.kubectl('-n', namespace, 'logs', 'asker')).toMatch(/^v26\.\d+\.\d+ 65532\n$/)
})

test('every program of Bailiwick is in the image', async () => {
  const list = `console.log(require('node:fs').readdirSync('/app').sort().join(' '))`
  await cluster.applyManifest(pod('lister', list, 'Never'))
  await cluster.kubectl('-n', namespace, 'wait', 'pod/lister', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s')
  const folders = (await cluster.kubectl('-n', namespace, 'logs', 'lister')).trim().split(' ')
  expect(folders).toEqual([
    '.compiled',
    'client',
    'core',
    'node_modules',
    'operator',
    'package.json',
    'platform',
    'services',
    'zone-server',
  ])
})

test('a killed container is started again and counted', async () => {
  await cluster.applyManifest(pod('victim', 'setInterval(() => {}, 1000)'))
  await cluster.kubectl('-n', namespace, 'wait', 'pod/victim', '--for=condition=Ready', '--timeout=60s')
  await cluster.killContainer(namespace, 'victim', 'main')
  type Status = { status: { containerStatuses: { restartCount: number; lastState: { terminated?: { exitCode: number } } }[] } }
  const status = await cluster.waitFor('the restart of the killed container', async () => {
    const [first] = (await cluster.kubectlJson<Status>('-n', namespace, 'get', 'pod', 'victim')).status.containerStatuses
    return first && first.restartCount > 0 && first
  })
  expect(status.lastState.terminated?.exitCode).toBe(137)
})

test('a pod that is told to stop before its program listens for signals is gone long before its grace', async () => {
  await cluster.applyManifest(pod('early', 'setInterval(() => {}, 1000)'))
  await cluster.kubectl('-n', namespace, 'wait', 'pod/early', '--for=condition=Ready', '--timeout=60s')
  // The command waits until the pod is gone, and fails at its limit.
  await cluster.kubectl('-n', namespace, 'delete', 'pod', 'early', '--grace-period=300', '--timeout=30s')
})

test('Redis keeps what it was told when its process is killed', async () => {
  const redis = await createClient({ url: cluster.redisUrl })
    .on('error', () => {})
    .connect()
  try {
    await redis.set('harness-test', 'kept')
    const name = await cluster.kubectl(
      '-n',
      'bailiwick-backends',
      'get',
      'pods',
      '-l',
      'app=redis',
      '-o',
      'jsonpath={.items[0].metadata.name}',
    )
    await cluster.killContainer('bailiwick-backends', name, 'redis')
    expect(await cluster.waitFor('Redis to answer again', () => redis.get('harness-test'))).toBe('kept')
    await redis.del('harness-test')
  } finally {
    redis.destroy()
  }
})

test('of concurrent inserts of one id in the MongoDB of the tests exactly one wins', async () => {
  const client = await MongoClient.connect(cluster.mongoUrl)
  try {
    const records = client.db('harness-test').collection<{ _id: string; by: number }>('records')
    const inserts = await Promise.allSettled(Array.from({ length: 20 }, (_, by) => records.insertOne({ _id: 'one', by })))
    const won = inserts.flatMap(({ status }, by) => (status === 'fulfilled' ? by : []))
    expect(won).toHaveLength(1)
    expect(await records.findOne({ _id: 'one' })).toEqual({ _id: 'one', by: won[0] })
    await client.db('harness-test').dropDatabase()
  } finally {
    await client.close()
  }
})

test('kubectl refuses a manifest with a misspelled field', async () => {
  const wrong = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'wrong', namespace }, spec: { prots: [{ port: 80 }] } }
  await expect(cluster.applyManifest(wrong)).rejects.toThrow('unknown field "spec.prots"')
})

test('helm reaches the cluster', async () => {
  expect(await cluster.helm('list', '-A', '-o', 'json')).toMatch(/^\[/)
})

if (!isForeign()) ownClusterTests(() => cluster)
