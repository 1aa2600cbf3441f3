import { imageNames } from './images.ts'
import { dnsServiceIp } from './paths.ts'

type Apply = (args: readonly string[], input: string) => Promise<unknown>

export const backendsNamespace = 'bailiwick-backends'

/** Images of the two servers: they must have `redis-server` and `mongod` in their path, as the official ones do. */
export type BackendImages = { redis: string; mongodb: string }

export const ownBackendImages: BackendImages = { redis: imageNames.redis, mongodb: imageNames.mongodb }

/** Applies CoreDNS. It knows the cluster's names only: there is nothing else to reach. */
export async function deployDns(kubectl: Apply): Promise<void> {
  await apply(kubectl, dnsManifests())
}

/** Applies Redis and MongoDB's stand-in as one pod each, in their own namespace. */
export async function deployBackends(kubectl: Apply, images: BackendImages = ownBackendImages): Promise<void> {
  await apply(kubectl, backendManifests(images))
}

async function apply(kubectl: Apply, items: object[]): Promise<void> {
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

const corefile = `.:1053 {
  errors
  ready :1055
  kubernetes cluster.local in-addr.arpa {
    ttl 1
  }
  cache 1
}
`

function dnsManifests(): object[] {
  const name = 'coredns'
  const namespace = 'kube-system'
  const read = [
    { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ]
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' }
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'system:coredns' }, rules: read },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef,
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { Corefile: corefile } },
    deployment(name, namespace, {
      serviceAccountName: name,
      priorityClassName: 'system-cluster-critical',
      dnsPolicy: 'Default',
      containers: [
        {
          name,
          image: imageNames.coredns,
          imagePullPolicy: 'IfNotPresent',
          args: ['-conf', '/etc/coredns/Corefile'],
          readinessProbe: { httpGet: { path: '/ready', port: 1055 }, periodSeconds: 1 },
          securityContext: hardened,
          volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
        },
      ],
      volumes: [{ name: 'config', configMap: { name } }],
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace },
      spec: {
        clusterIP: dnsServiceIp,
        selector: { app: name },
        ports: ['UDP', 'TCP'].map((protocol) => ({ name: `dns-${protocol.toLowerCase()}`, port: 53, targetPort: 1053, protocol })),
      },
    },
  ]
}

function backendManifests(images: BackendImages): object[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: backendsNamespace } },
    // The settings that the chart recommends: a killed process loses nothing that was answered.
    ...server('redis', 6379, {
      image: images.redis,
      command: ['redis-server'],
      args: ['--dir', '/data', '--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--protected-mode', 'no'],
    }),
    ...server('mongodb', 27017, { image: images.mongodb, command: ['mongod'], args: ['--bind_ip_all', '--dbpath', '/data'] }),
  ]
}

const hardened = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** A Deployment of one pod with an emptyDir at /data, which outlives a killed process, and its Service. */
function server(name: string, port: number, container: object): object[] {
  return [
    deployment(name, backendsNamespace, {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 2,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 },
      containers: [
        {
          name,
          imagePullPolicy: 'IfNotPresent',
          // Without a request they get what starting pods leave, which may be nothing for seconds: every host then waits for them.
          resources: { requests: { cpu: '150m', memory: '64Mi' } },
          ports: [{ containerPort: port }],
          readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
          securityContext: hardened,
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
          ...container,
        },
      ],
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'tmp', emptyDir: {} },
      ],
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: backendsNamespace },
      spec: { selector: { app: name }, ports: [{ port }] },
    },
  ]
}

function deployment(name: string, namespace: string, spec: object): object {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}
