import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { FLEET_ANNOTATIONS } from '../../core/capacity.ts'
import { OUTDATED_ANNOTATION } from '../../core/ports/game-server-port.ts'
import { BACKUP_ABANDONED_AFTER, HEALTH_EVERY, POD_GRACE, POD_START_MAX } from '../../core/timing.ts'
import { isForeign } from './harness.ts'
import { root } from './paths.ts'
import { CommandError, run } from './run.ts'
import { ensureTools } from './tools.ts'

const chart = join(root, 'charts', 'bailiwick')
const release = 'world'
const trial = { redis: { embedded: { enabled: true } }, mongodb: { embedded: { enabled: true } } }

type Values = { readonly [key: string]: unknown }
type PodSpec = {
  automountServiceAccountToken?: boolean
  serviceAccountName?: string
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type?: string } }
  hostNetwork?: boolean
  hostPID?: boolean
  hostIPC?: boolean
  terminationGracePeriodSeconds?: number
  containers: Container[]
  initContainers?: Container[]
  volumes?: Record<string, unknown>[]
}
type Probe = { httpGet: { path: string; port: string } }
type Container = {
  name: string
  image: string
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[]
  ports?: { name?: string; containerPort?: number; hostPort?: number }[]
  livenessProbe?: Probe
  readinessProbe?: Probe
  startupProbe?: Probe
  securityContext?: Record<string, unknown>
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  volumeMounts?: { name: string }[]
}
type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] }
type Manifest = {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  // biome-ignore lint/suspicious/noExplicitAny: one type for what every kind may hold would say nothing
  spec?: any
  rules?: Rule[]
  data?: Record<string, string>
  stringData?: Record<string, string>
  automountServiceAccountToken?: boolean
}

/** Rendering needs helm and no cluster, so these tests run wherever helm is. */
async function helmProgram(): Promise<string> {
  return isForeign() ? 'helm' : (await ensureTools(() => {})).file('helm')
}

/** Every object that the chart makes of the values, hooks included. @throws CommandError with what helm said. */
async function render(
  values: Values,
  { set = [], check = false, from = chart }: { set?: string[]; check?: boolean; from?: string } = {},
): Promise<Manifest[]> {
  const helm = await helmProgram()
  const flags = ['--namespace', 'bailiwick', '--kube-version', '1.34.0', ...set.flatMap((each) => ['--set', each])]
  const agones = check ? {} : { agones: { check: false } }
  const input = JSON.stringify({ ...agones, ...values })
  const text = await run(helm, ['template', release, from, ...flags, '--values', '-'], { input })
  // As Kubernetes reads it.
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    const manifest: Manifest | null = document.toJS()
    return manifest === null ? [] : [manifest]
  })
}

function one(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((each) => each.kind === kind && each.metadata.name === name)
  expect(
    found.map((each) => `${each.kind} ${each.metadata.name}`),
    `${kind} ${name}`,
  ).toHaveLength(1)
  const [manifest] = found
  if (manifest === undefined) throw new Error('unreachable')
  return manifest
}

/** The pods that the chart asks for, by the name of what makes them. */
function pods(manifests: readonly Manifest[]): { owner: string; spec: PodSpec }[] {
  return manifests.flatMap((each) => {
    const owner = `${each.kind}/${each.metadata.name}`
    if (['Deployment', 'StatefulSet', 'Job', 'DaemonSet'].includes(each.kind)) return [{ owner, spec: each.spec.template.spec }]
    if (each.kind === 'CronJob') return [{ owner, spec: each.spec.jobTemplate.spec.template.spec }]
    return each.kind === 'Fleet' ? [{ owner, spec: each.spec.template.spec.template.spec }] : []
  })
}

const failure = (values: Values, options?: { set?: string[]; check?: boolean }): Promise<string> =>
  render(values, options).then(
    () => 'it was accepted',
    (error: unknown) => (error instanceof CommandError ? error.stderr : String(error)),
  )

const variants: Record<string, Values> = {
  trial,
  'own databases': { redis: { url: 'rediss://u:p@redis.example:6379' }, mongodb: { url: 'mongodb+srv://u:p@mongo.example' } },
  'existing Secrets, chosen namespaces': {
    redis: { existingSecret: { name: 'connections', key: 'redis' } },
    mongodb: { existingSecret: { name: 'connections', key: 'mongodb' } },
    auth: { signingKey: { existingSecret: { name: 'key', key: 'ed25519.pem' } } },
    hosts: { namespaces: ['game', 'game-eu'], existingSecret: 'host-connections', capacity: 1, spare: 0 },
    watchNamespaces: ['game', 'game-eu'],
    backup: { enabled: true, existingClaim: 'backups', keep: 3 },
  },
}

describe.each(Object.entries(variants))('chart with %s', (_name, values) => {
  it('runs every container hardened', async () => {
    const all = pods(await render(values))
    expect(all.map((each) => each.owner)).toEqual(expect.arrayContaining(['Deployment/world-bailiwick-operator', 'Fleet/zone-servers']))
    for (const { owner, spec } of all) {
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC], owner).toEqual([undefined, undefined, undefined])
      expect(spec.securityContext?.seccompProfile?.type, owner).toBe('RuntimeDefault')
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        expect(container.securityContext, `${owner} ${container.name}`).toMatchObject({
          allowPrivilegeEscalation: false,
          privileged: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        })
        expect(container.ports?.some((port) => port.hostPort !== undefined) ?? false, owner).toBe(false)
      }
      for (const volume of spec.volumes ?? []) {
        expect(['secret', 'emptyDir', 'persistentVolumeClaim'], owner).toContain(Object.keys(volume).find((key) => key !== 'name'))
      }
    }
  })

  it('asks each program for its health where no player comes', async () => {
    const programs = pods(await render(values)).filter(({ owner }) => owner.startsWith('Deployment/'))
    expect(programs).toHaveLength(4)
    for (const { owner, spec } of programs) {
      const [container] = spec.containers
      const probes = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe]
      expect(
        probes.map((probe) => [probe?.httpGet.path, probe?.httpGet.port]),
        owner,
      ).toEqual([
        ['/livez', 'internal'],
        ['/livez', 'internal'],
        ['/readyz', 'internal'],
      ])
      expect(container?.ports?.find(({ name }) => name === 'internal')?.containerPort, owner).toBe(8_000)
    }
  })

  it('gives a Kubernetes token to the operator and the uninstall hook alone, and to nobody the right to read Secrets', async () => {
    const manifests = await render(values)
    const withToken = pods(manifests).filter(
      ({ owner, spec }) => !owner.startsWith('Fleet/') && spec.automountServiceAccountToken !== false,
    )
    expect(withToken.map((each) => each.owner).toSorted()).toEqual(['Deployment/world-bailiwick-operator', 'Job/world-bailiwick-uninstall'])
    for (const account of manifests.filter((each) => each.kind === 'ServiceAccount'))
      expect(account.automountServiceAccountToken).toBe(false)
    const rules = manifests.flatMap((each) => each.rules ?? [])
    expect(rules.length).toBeGreaterThan(5)
    for (const rule of rules) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs]).not.toContain('*')
      expect(rule.resources.filter((resource) => /secrets|pods|rolebindings|roles/.test(resource))).toEqual([])
    }
  })

  it('keeps fleets as Agones and rolling updates need them', async () => {
    const manifests = await render(values)
    const fleets = manifests.filter((each) => each.kind === 'Fleet')
    expect(fleets.length).toBeGreaterThan(0)
    for (const fleet of fleets) {
      expect(fleet.spec).not.toHaveProperty('replicas')
      expect(fleet.spec.allocationOverflow).toEqual({ annotations: { [OUTDATED_ANNOTATION]: 'true' } })
      expect(Object.keys(fleet.metadata.annotations ?? {}).toSorted()).toEqual(Object.values(FLEET_ANNOTATIONS).toSorted())
      const server = fleet.spec.template.spec
      expect(server.ports).toEqual([
        { name: 'game', container: 'zone-server', portPolicy: 'Dynamic', containerPort: 7654, protocol: 'TCP' },
      ])
      expect(server.eviction).toEqual({ safe: 'Always' })
      // A slow start is not taken for a hang, nor are a few pings that come late.
      const { initialDelaySeconds, periodSeconds, failureThreshold } = server.health
      expect(initialDelaySeconds + (failureThreshold - 1) * periodSeconds).toBeGreaterThan(POD_START_MAX / 1_000)
      expect((failureThreshold * periodSeconds * 1_000) / HEALTH_EVERY).toBeGreaterThan(10)
      const pod: PodSpec = server.template.spec
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(POD_GRACE / 1_000)
      expect(pod.serviceAccountName).toBeUndefined()
      const [host] = pod.containers
      expect(host?.args).toEqual(['zone-server/main.ts'])
      expect(host?.resources?.limits).not.toHaveProperty('cpu')
      expect(host?.env?.map((each) => each.name)).toEqual(
        expect.arrayContaining(['NODE_NAME', 'POD_NAME', 'POD_NAMESPACE', 'REDIS_URL', 'MONGODB_URL', 'GAME_PORT', 'CAPACITY']),
      )
      const scaler = manifests.find((each) => each.kind === 'FleetAutoscaler' && each.metadata.namespace === fleet.metadata.namespace)
      const service = scaler?.spec.policy.webhook.service
      expect(scaler?.spec).toMatchObject({ fleetName: fleet.metadata.name, sync: { type: 'FixedInterval', fixedInterval: { seconds: 1 } } })
      expect(service).toMatchObject({ namespace: 'bailiwick', path: '/autoscale' })
      const target = one(manifests, 'Service', service.name)
      expect(target.spec.ports[0].port).toBe(service.port)
    }
  })

  it('selects what is there: Services, budgets and policies match pods, Secrets that are named are made or given', async () => {
    const manifests = await render(values)
    const labels = manifests.flatMap((each) => {
      const template = each.kind === 'Fleet' ? each.spec.template.spec.template : each.spec?.template
      return template?.metadata?.labels === undefined ? [] : [template.metadata.labels]
    })
    const matches = (selector: Record<string, string>) =>
      labels.some((each) => Object.entries(selector).every(([key, value]) => each[key] === value))
    for (const each of manifests) {
      const selector =
        each.kind === 'Service' ? each.spec.selector : (each.spec?.podSelector?.matchLabels ?? each.spec?.selector?.matchLabels)
      if (selector !== undefined) expect(matches(selector), `${each.kind} ${each.metadata.name}`).toBe(true)
    }
    const made = new Set(manifests.filter((each) => each.kind === 'Secret').map((each) => each.metadata.name))
    const given = new Set(['connections', 'key', 'host-connections'])
    const named = pods(manifests).flatMap(({ spec }) => [
      ...spec.containers.flatMap((container) => (container.env ?? []).flatMap((each) => each.valueFrom?.secretKeyRef?.name ?? [])),
      ...(spec.volumes ?? []).flatMap((volume) => (volume as { secret?: { secretName: string } }).secret?.secretName ?? []),
    ])
    expect(named.length).toBeGreaterThan(8)
    for (const name of named) expect(made.has(name) || given.has(name), name).toBe(true)
  })
})

const valuesBefore = readFileSync(join(root, 'test', 'cluster', 'values-before.yaml'), 'utf8')

/** What `helm upgrade --reuse-values` renders: this chart, with the values of an older one in the place of its own. */
async function renderWithOlder(older: string, values: Values): Promise<Manifest[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-chart-'))
  try {
    cpSync(chart, folder, { recursive: true })
    writeFileSync(join(folder, 'values.yaml'), older)
    return await render(values, { from: folder })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Without the signing key, which is another one each time. */
const repeatable = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.map((each) => (each.data?.['signing-key.pem'] === undefined ? each : { ...each, data: {} }))

// With no values at all every value is one that the release before did not have: so each new one needs nothing but its default in values.yaml.
describe.each([
  ['the values of the release before', valuesBefore],
  ['no values at all', '{}'],
])('chart upgraded with %s', (_name, older) => {
  it.each(Object.entries(variants))('is as installed: %s', async (_variant, values) => {
    const monitoring = { dashboard: { enabled: true }, rules: { enabled: true }, podMonitors: { enabled: true } }
    const asked = { ...values, monitoring }
    const installed = repeatable(await render(asked))
    expect(installed.length).toBeGreaterThan(40)
    expect(repeatable(await renderWithOlder(older, asked))).toEqual(installed)
    expect(repeatable(await renderWithOlder(older, values))).toEqual(repeatable(await render(values)))
  })
})

describe('chart upgraded', () => {
  it('fills in left-out values before any template reads them', () => {
    const templates = readdirSync(join(chart, 'templates')).filter((name) => !name.endsWith('.tpl'))
    expect(templates).toContain('NOTES.txt')
    for (const name of templates) {
      expect(readFileSync(join(chart, 'templates', name), 'utf8').split('\n')[0], name).toBe('{{- include "bailiwick.defaults" . -}}')
    }
  })

  it('leaves what was set: a zero, an empty list, a limit that was taken away', async () => {
    const asked = {
      ...trial,
      auth: { standIn: { afterDays: 0 } },
      mongodb: { embedded: { enabled: true, command: [] } },
      podDisruptionBudgets: { enabled: false },
      allocator: { resources: { limits: null } },
    }
    const found = repeatable(await renderWithOlder(valuesBefore, asked))
    expect(found).toEqual(repeatable(await render(asked)))
    const auth = one(found, 'Deployment', 'world-bailiwick-auth').spec.template.spec.containers[0]
    expect(auth.env).toContainEqual({ name: 'STAND_IN_AFTER_DAYS', value: '0' })
    const allocator = one(found, 'Deployment', 'world-bailiwick-allocator').spec.template.spec.containers[0]
    expect(allocator.resources).not.toHaveProperty('limits')
    expect(found.filter((each) => each.kind === 'PodDisruptionBudget' && each.metadata.name === 'world-bailiwick-auth')).toEqual([])
  })
})

describe('chart', () => {
  it('passes helm lint', async () => {
    const helm = await helmProgram()
    const input = JSON.stringify({ ...trial, agones: { check: false } })
    const said = await run(helm, ['lint', '--strict', chart, '--kube-version', '1.34.0', '--values', '-'], { input })
    expect(said).toContain('0 chart(s) failed')
  })

  it('keeps the CRD, unchanged, and leaves it out when asked', async () => {
    const crd = one(await render(trial), 'CustomResourceDefinition', 'zones.bailiwick.dev')
    expect(crd.metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep' })
    const source = await run('cat', [join(root, 'crds', 'zone.yaml')])
    const [document] = parseAllDocuments(source, { version: '1.1' })
    expect(crd.spec).toEqual(document?.toJS().spec)
    const without = await render({ ...trial, crd: { install: false } })
    expect(without.filter((each) => each.kind === 'CustomResourceDefinition')).toEqual([])
  })

  it('gives a Fleet its quantities as text, which is all that Agones takes in changes: --set makes numbers', async () => {
    const fleets = (
      await render({ ...trial, hosts: { resources: { requests: { cpu: 2, memory: 1073741824 }, limits: { cpu: 2.5 } } } })
    ).filter((each) => each.kind === 'Fleet')
    expect(fleets.length).toBeGreaterThan(0)
    for (const fleet of fleets) {
      const [host] = fleet.spec.template.spec.template.spec.containers
      expect(host?.resources).toMatchObject({
        requests: { cpu: '2', memory: expect.stringMatching(/^1073741824$|^1\.073741824e\+09$/) },
        limits: { cpu: '2.5' },
      })
    }
  })

  it('keeps hosts when only the chart, the services or the size of the fleet change', async () => {
    const before = one(await render(trial), 'Fleet', 'zone-servers').spec
    const changes: Values[] = [
      { ...trial, allocator: { replicas: 5 }, auth: { resources: { requests: { cpu: '1' } } }, operator: { podAnnotations: { a: 'b' } } },
      { ...trial, hosts: { spare: 3, min: 2, max: 7 } },
      { ...trial, networkPolicies: { enabled: false }, podDisruptionBudgets: { enabled: false }, uninstall: { deadlineSeconds: 60 } },
      { ...trial, image: { tag: '9.9.9' }, hosts: { image: { tag: '0.1.0' } } },
    ]
    for (const values of changes) expect(one(await render(values), 'Fleet', 'zone-servers').spec).toEqual(before)
    expect(JSON.stringify(before)).not.toContain('helm.sh/chart')
    expect(JSON.stringify(before)).not.toContain('app.kubernetes.io/version')
    const other = one(await render({ ...trial, hosts: { image: { tag: '9.9.9' } } }), 'Fleet', 'zone-servers').spec
    expect(other).not.toEqual(before)
  })

  it('gives every namespace with hosts its Fleet, FleetAutoscaler, Secret, budget and policy', async () => {
    const manifests = await render({ ...trial, hosts: { namespaces: ['a', 'b'], redisUrl: 'redis://hosts@r:6379' } })
    for (const kind of ['Fleet', 'FleetAutoscaler', 'Secret', 'PodDisruptionBudget', 'NetworkPolicy']) {
      const found = manifests.filter(
        (each) => each.kind === kind && each.metadata.labels?.['app.kubernetes.io/component'] === 'zone-server',
      )
      expect(
        found.map((each) => each.metadata.namespace),
        kind,
      ).toEqual(['a', 'b'])
    }
    const secret = manifests.find((each) => each.kind === 'Secret' && each.metadata.namespace === 'a')
    expect(secret?.stringData).toEqual({
      REDIS_URL: 'redis://hosts@r:6379',
      MONGODB_URL: 'mongodb://world-bailiwick-mongodb.bailiwick.svc:27017/?directConnection=true',
    })
  })

  it('mounts the signing key for auth alone, an Ed25519 key in PKCS#8', async () => {
    const manifests = await render(trial)
    const holders = pods(manifests).filter(({ spec }) => JSON.stringify(spec).includes('signing-key'))
    expect(holders.map((each) => each.owner)).toEqual(['Deployment/world-bailiwick-auth'])
    const secret = one(manifests, 'Secret', 'world-bailiwick-signing-key')
    const { createPrivateKey } = await import('node:crypto')
    const key = createPrivateKey(Buffer.from(secret.data?.['signing-key.pem'] ?? '', 'base64'))
    expect(key.asymmetricKeyType).toBe('ed25519')
  })

  it('tells auth alone of issuers of accounts, and mounts their secrets where it says', async () => {
    const studio = { id: 'studio', name: 'The "Studio": {{ x }}', url: 'https://accounts.example.com', clientId: 'game' }
    const other = { id: 'other', name: 'Other', url: 'https://other.example/tenant', clientId: 'c', scopes: [], nameClaim: 'nickname' }
    const issuers = [{ ...studio, existingSecret: { name: 'studio-client', key: 'secret-key' } }, other]
    const manifests = await render({ ...trial, auth: { publicUrl: 'https://play.example.com', issuers } })
    const holders = pods(manifests).filter(({ spec }) => /OIDC_ISSUERS|studio-client/.test(JSON.stringify(spec)))
    expect(holders.map((each) => each.owner)).toEqual(['Deployment/world-bailiwick-auth'])
    const [spec] = holders.map((each) => each.spec)
    const value = (name: string) => spec?.containers[0]?.env?.find((each) => each.name === name)?.value ?? ''
    const folder = '/etc/bailiwick/issuers/studio'
    expect(JSON.parse(value('OIDC_ISSUERS'))).toEqual([{ ...studio, secretFile: `${folder}/secret` }, other])
    expect(value('PUBLIC_URL')).toBe('https://play.example.com')
    expect(spec?.volumes).toContainEqual({
      name: 'issuer-studio',
      secret: { secretName: 'studio-client', defaultMode: 0o440, items: [{ key: 'secret-key', path: 'secret' }] },
    })
    expect(spec?.containers[0]?.volumeMounts).toContainEqual({ name: 'issuer-studio', mountPath: folder, readOnly: true })
    expect(await failure({ ...trial, auth: { issuers } })).toContain('Set auth.publicUrl')
    const twice = { publicUrl: 'https://play.example.com', issuers: [other, other] }
    expect(await failure({ ...trial, auth: twice })).toContain('two of the id other')
    for (const wrong of [{ url: 'http://accounts.example.com' }, { id: 'A B' }, { clientSecret: 'hush-hush' }]) {
      expect(await failure({ ...trial, auth: { ...twice, issuers: [{ ...other, ...wrong }] } })).toContain('issuers/0')
    }
  })

  it('has auth alone trust the authorities of issuers that a ConfigMap holds', async () => {
    const issuersCa = { existingConfigMap: { name: 'studio-ca', key: 'root.pem' } }
    const holders = pods(await render({ ...trial, auth: { issuersCa } })).filter(({ spec }) => JSON.stringify(spec).includes('studio-ca'))
    expect(holders.map((each) => each.owner)).toEqual(['Deployment/world-bailiwick-auth'])
    const [spec] = holders.map((each) => each.spec)
    const mountPath = '/etc/bailiwick/issuers-ca'
    expect(spec?.containers[0]?.env).toContainEqual({ name: 'NODE_EXTRA_CA_CERTS', value: `${mountPath}/ca.crt` })
    expect(spec?.containers[0]?.volumeMounts).toContainEqual({ name: 'issuers-ca', mountPath, readOnly: true })
    expect(spec?.volumes).toContainEqual({
      name: 'issuers-ca',
      configMap: { name: 'studio-ca', defaultMode: 0o440, items: [{ key: 'root.pem', path: 'ca.crt' }] },
    })
    expect(JSON.stringify(await render(trial))).not.toContain('NODE_EXTRA_CA_CERTS')
  })

  it('narrows the operator to roles of the watched namespaces', async () => {
    const manifests = await render({ ...trial, watchNamespaces: ['bailiwick', 'game'] })
    const bound = manifests.filter((each) => each.kind === 'ClusterRoleBinding')
    expect(bound).toEqual([])
    const roles = manifests.filter((each) => each.kind === 'Role' && each.metadata.name === 'world-bailiwick-operator-zones')
    expect(roles.map((each) => each.metadata.namespace)).toEqual(['bailiwick', 'game'])
    const operator = one(manifests, 'Deployment', 'world-bailiwick-operator')
    expect(operator.spec.template.spec.containers[0].env).toContainEqual({ name: 'WATCH_NAMESPACES', value: 'bailiwick,game' })
    expect(operator.spec.template.spec.containers[0].env).toContainEqual({ name: 'WATCH_NODES', value: 'false' })
  })

  it('lets the operator see nodes, unless it is narrowed or told not to', async () => {
    const rightsOf = async (values: Values) => {
      const manifests = await render(values)
      const operator = one(manifests, 'Deployment', 'world-bailiwick-operator')
      const env = operator.spec.template.spec.containers[0].env?.find(({ name }: { name: string }) => name === 'WATCH_NODES')?.value
      return [env, manifests.filter(({ kind, metadata }) => kind.startsWith('ClusterRole') && metadata.name.includes('-nodes-')).length]
    }
    expect(await rightsOf(trial)).toEqual(['true', 2])
    expect(await rightsOf({ ...trial, operator: { watchNodes: 'never' } })).toEqual(['false', 0])
    expect(await rightsOf({ ...trial, watchNamespaces: ['bailiwick', 'game'], operator: { watchNodes: 'always' } })).toEqual(['true', 2])
  })

  const refused: [string, Values, { set?: string[]; check?: boolean }, RegExp][] = [
    ['a missing Agones', trial, { check: true }, /does not serve the API agones\.dev\/v1: install Agones first/],
    [
      'no Redis',
      { mongodb: trial.mongodb },
      {},
      /exactly one of redis\.url, redis\.existingSecret\.name and redis\.embedded\.enabled \(0 are set\)/,
    ],
    [
      'two MongoDBs',
      { ...trial, mongodb: { url: 'mongodb://m', embedded: { enabled: true } } },
      {},
      /exactly one of mongodb\.url.*\(2 are set\)/,
    ],
    ['hosts without a URL', { ...trial, redis: { existingSecret: { name: 'x' } } }, {}, /set hosts\.redisUrl, or hosts\.existingSecret/],
    ['a misspelled value', { ...trial, hosts: { spares: 2 } }, {}, /\/hosts.*additional properties 'spares' not allowed/],
    ['a wrong type', { ...trial, hosts: { capacity: 'four' } }, {}, /\/hosts\/capacity/],
    ['a wrong URL', { ...trial, redis: { url: 'http://redis' } }, {}, /\/redis\/url/],
    ['too short a grace', { ...trial, hosts: { terminationGracePeriodSeconds: 30 } }, {}, /\/hosts\/terminationGracePeriodSeconds/],
    ['backups without a volume', { ...trial, backup: { enabled: true } }, {}, /Set backup\.existingClaim/],
    ['bounds out of order', { ...trial, hosts: { min: 5, max: 2 } }, {}, /hosts\.min \(5\) must not be above hosts\.max \(2\)/],
    ['the port of metrics for the game', { ...trial, hosts: { gamePort: 8080 } }, {}, /hosts\.gamePort must not be 8000 or 8080/],
    [
      'hosts that nobody watches',
      { ...trial, watchNamespaces: ['game'] },
      {},
      /hosts\.namespaces holds bailiwick, which watchNamespaces does not/,
    ],
  ]
  it.each(refused)('refuses %s with a sentence', async (_what, values, options, sentence) => {
    expect(await failure(values, options)).toMatch(sentence)
  })

  it('brings dashboard, alerts and what is scraped when asked, and nothing of them otherwise', async () => {
    const kinds = ['PrometheusRule', 'PodMonitor']
    const dashboards = (manifests: Manifest[]) => manifests.filter((each) => each.metadata.name === 'world-bailiwick-dashboard')
    const none = await render(trial)
    expect(none.filter((each) => kinds.includes(each.kind))).toEqual([])
    expect(dashboards(none)).toEqual([])
    const all = await render({
      ...trial,
      hosts: { namespaces: ['bailiwick', 'game'] },
      monitoring: {
        dashboard: { enabled: true, namespace: 'grafana', annotations: { grafana_folder: 'Games' } },
        rules: { enabled: true, labels: { release: 'prometheus' }, runbook: 'https://docs.example/operations' },
        podMonitors: { enabled: true, labels: { release: 'prometheus' }, interval: '30s' },
      },
    })
    const [dashboard] = dashboards(all)
    expect(dashboard?.metadata).toMatchObject({
      namespace: 'grafana',
      labels: { grafana_dashboard: '1' },
      annotations: { grafana_folder: 'Games' },
    })
    const source = async (name: string): Promise<string> => run('cat', [join(chart, 'files', name)])
    expect(JSON.parse(dashboard?.data?.['bailiwick.json'] ?? '')).toEqual(JSON.parse(await source('dashboard.json')))
    const rule = one(all, 'PrometheusRule', 'world-bailiwick')
    const [written] = parseAllDocuments(
      (await source('alerts.yaml'))
        .replaceAll('runbook_url: docs/operations.md#', 'runbook_url: https://docs.example/operations#')
        .replaceAll('cronjob=~".*bailiwick.*-backup"', 'cronjob="world-bailiwick-backup"'),
    )
    expect(rule.spec).toEqual(written?.toJS())
    expect(rule.metadata.labels).toMatchObject({ release: 'prometheus' })
    const names = rule.spec.groups.flatMap(({ rules }: { rules: { alert: string }[] }) => rules.map(({ alert }) => alert))
    const described = readFileSync(join(root, 'docs', 'operations.md'), 'utf8')
    expect(names).toContain('BailiwickBackupOverdue')
    for (const name of names) expect(described, name).toContain(`### ${name}\n`)
    const monitors = all.filter((each) => each.kind === 'PodMonitor')
    expect(monitors.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()).toEqual([
      ...['allocator', 'auth', 'characters', 'hosts', 'operator'].map((each) => `bailiwick/world-bailiwick-${each}`),
      'game/world-bailiwick-hosts',
    ])
    for (const monitor of monitors) {
      const wanted = Object.entries(monitor.spec.selector.matchLabels)
      const [endpoint] = monitor.spec.podMetricsEndpoints
      const scraped = all.flatMap((each) => {
        const template = each.kind === 'Fleet' ? each.spec.template.spec.template : each.spec?.template
        const own = each.metadata.namespace === monitor.metadata.namespace
        return own && template !== undefined && wanted.every(([key, value]) => template.metadata?.labels?.[key] === value) ? [template] : []
      })
      expect(scraped.length, monitor.metadata.name).toBe(1)
      expect(scraped[0].spec.containers[0].ports.map(({ name }: { name: string }) => name)).toContain(endpoint.port)
    }
  })

  it('lets none read metrics but those of the values', async () => {
    const peers = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }]
    const inner = async (component: string, metrics: unknown[]) => {
      const clients = [{ ipBlock: { cidr: '198.51.100.0/24' } }]
      const policy = one(await render({ ...trial, networkPolicies: { clients, metrics } }), 'NetworkPolicy', `world-bailiwick-${component}`)
      return policy.spec.ingress.find(({ ports }: { ports: { port: unknown }[] }) => ports[0]?.port === 'internal')?.from
    }
    for (const component of ['auth', 'characters', 'operator']) {
      expect(await inner(component, []), component).toBeUndefined()
      expect(await inner(component, peers), component).toEqual(peers)
    }
    expect(await inner('allocator', peers)).toEqual(expect.arrayContaining(peers))
  })

  it('backs up when asked: by the image, on the claim, with the URL of the store and nothing else', async () => {
    const jobs = (manifests: Manifest[]) => manifests.filter((each) => each.kind === 'CronJob')
    expect(jobs(await render(trial))).toEqual([])
    const [job] = jobs(await render({ ...trial, backup: { enabled: true, existingClaim: 'backups', schedule: '0 * * * *', keep: 48 } }))
    expect(job?.spec).toMatchObject({ schedule: '0 * * * *', concurrencyPolicy: 'Forbid' })
    // Or one that hangs would keep all later ones from beginning.
    expect(job?.spec.jobTemplate.spec.activeDeadlineSeconds).toBe(12 * 3_600)
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'))
    expect(schema.properties.backup.properties.deadlineSeconds.maximum * 1_000).toBeLessThanOrEqual(BACKUP_ABANDONED_AFTER)
    const pod = job?.spec.jobTemplate.spec.template.spec
    expect(pod.containers[0].args).toEqual(['services/backup/main.ts', 'create', '/backups', '--keep', '48'])
    expect(pod.containers[0].env.map(({ name }: { name: string }) => name)).toEqual(['LOG_LEVEL', 'MONGODB_URL', 'MONGODB_DATABASE'])
    expect(pod.volumes).toEqual([{ name: 'backups', persistentVolumeClaim: { claimName: 'backups' } }])
    expect(pod.automountServiceAccountToken).toBe(false)
  })

  it('accepts Agones when the cluster serves it', async () => {
    const helm = await helmProgram()
    const apis = ['--api-versions', 'agones.dev/v1', '--api-versions', 'autoscaling.agones.dev/v1']
    const text = await run(helm, ['template', release, chart, '--kube-version', '1.34.0', ...apis, '--values', '-'], {
      input: JSON.stringify(trial),
    })
    expect(text).toContain('kind: Fleet')
  })
})
