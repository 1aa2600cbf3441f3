import { customResourceDefinitions } from './manifests/crds.ts'
import { HEALTH_PORT, SAFE_TO_EVICT_BUDGET, SAFE_TO_EVICT_LABEL, SDK_SERVICE_ACCOUNT } from './names.ts'

const CONTROLLER = 'agones-emulator'
const RBAC = 'rbac.authorization.k8s.io'

export interface EmulatorOptions {
  /** Where the controller runs. */
  namespace: string
  /** The image that holds the emulator's sources; its entrypoint is node. */
  image: string
}

function namespace(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

function clusterRole(name: string, rules: object[]): object {
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules }
}

function roleRef(name: string): object {
  return { apiGroup: RBAC, kind: 'ClusterRole', name }
}

function sdkRole(): object {
  return clusterRole(SDK_SERVICE_ACCOUNT, [
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    { apiGroups: ['agones.dev'], resources: ['gameservers'], verbs: ['list', 'patch', 'watch'] },
  ])
}

function controllerRole(): object {
  return clusterRole(CONTROLLER, [
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['create', 'get', 'delete', 'list', 'watch'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] },
    {
      apiGroups: ['agones.dev'],
      resources: ['fleets', 'gameserversets', 'gameservers'],
      verbs: ['create', 'delete', 'get', 'list', 'update', 'watch'],
    },
    { apiGroups: ['agones.dev'], resources: ['fleets/status', 'gameserversets/status'], verbs: ['update'] },
    {
      apiGroups: ['agones.dev'],
      resources: ['fleets/finalizers', 'gameserversets/finalizers', 'gameservers/finalizers'],
      verbs: ['update'],
    },
    { apiGroups: ['autoscaling.agones.dev'], resources: ['fleetautoscalers'], verbs: ['list', 'watch'] },
    { apiGroups: ['autoscaling.agones.dev'], resources: ['fleetautoscalers/status'], verbs: ['update'] },
  ])
}

function controllerDeployment({ namespace: where, image }: EmulatorOptions): object {
  const labels = { app: CONTROLLER }
  const container = {
    name: 'controller',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['test/cluster/agones-emulator/main.ts'],
    env: [{ name: 'SIDECAR_IMAGE', value: image }],
    readinessProbe: { httpGet: { path: '/healthz', port: HEALTH_PORT }, periodSeconds: 1, timeoutSeconds: 5 },
    resources: { requests: { cpu: '30m', memory: '64Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65532,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: CONTROLLER, namespace: where, labels },
    spec: {
      replicas: 1,
      // Two controllers at once would give one port to two servers.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: CONTROLLER, terminationGracePeriodSeconds: 5, containers: [container] },
      },
    },
  }
}

function controllerManifests(options: EmulatorOptions): object[] {
  const account = { kind: 'ServiceAccount', name: CONTROLLER, namespace: options.namespace }
  return [
    namespace(options.namespace),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: CONTROLLER, namespace: options.namespace } },
    controllerRole(),
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: CONTROLLER },
      roleRef: roleRef(CONTROLLER),
      subjects: [account],
    },
    controllerDeployment(options),
  ]
}

/**
 * Gives what lets game servers run in a namespace, for the emulator and for Agones, whose chart makes the same: the account of the sidecars, without which their pods are forbidden, and
 * the budget that keeps pods from being evicted.
 */
export function gameServerNamespaceManifests(name: string): object[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: SDK_SERVICE_ACCOUNT, namespace: name } },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata: { name: `${SDK_SERVICE_ACCOUNT}-access`, namespace: name },
      roleRef: roleRef(SDK_SERVICE_ACCOUNT),
      subjects: [{ kind: 'ServiceAccount', name: SDK_SERVICE_ACCOUNT, namespace: name }],
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: SAFE_TO_EVICT_BUDGET, namespace: name },
      spec: { maxUnavailable: '0%', selector: { matchLabels: { [SAFE_TO_EVICT_LABEL]: 'false' } } },
    },
  ]
}

/** Gives what installs the Agones emulator, a test double: definitions, rights and controller. Apply it in this order. */
export function agonesEmulatorManifests(options: EmulatorOptions): object[] {
  return [...customResourceDefinitions(), sdkRole(), ...controllerManifests(options)]
}
