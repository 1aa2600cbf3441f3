import { expect } from 'vitest'
import { JSON_PATCH, MERGE } from '../api.ts'
import type { SeenFleet, SeenServer } from '../history.ts'
import { row } from '../row.ts'
import { NAMESPACE, paths, type Stage } from '../stage.ts'

/** A pod that no node takes, so that nothing but Agones touches the server. */
const NOWHERE = { nodeSelector: { 'agones-conf': 'nowhere' } }

const ADDRESS_ORDER = ['ExternalDNS', 'ExternalIP', 'InternalDNS', 'InternalIP']

interface SeenNode {
  status: { addresses: { type: string; address: string }[] }
}

function defaultRows(stage: () => Stage): void {
  row(stage, '1: a Fleet defaults to a rolling update of 25% and 25%, packed', async (own) => {
    const { apply, fleet, until, api } = own
    await apply(fleet('r1', undefined), fleet('r1-recreate', 0, {}, { strategy: { type: 'Recreate' } }))
    const { spec } = await until('the defaults of fleet r1', async () => {
      const found = await api.ask<SeenFleet>('GET', paths.fleet('r1'))
      return found.spec.strategy?.rollingUpdate !== undefined && found
    })
    expect(spec.strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } })
    expect(spec.scheduling).toBe('Packed')
    expect(spec.replicas).toBe(0)
    const recreate = await api.ask<SeenFleet>('GET', paths.fleet('r1-recreate'))
    expect(recreate.spec.strategy).toEqual({ type: 'Recreate' })
  })

  row(stage, '2: a GameServer defaults to health 5/3/5, UDP, SDK ports 9357 and 9358, eviction Never', async (own) => {
    const { apply, gameServer, until, history } = own
    const ports = [{ name: 'plain', containerPort: 7777 }]
    await apply(gameServer('r2', { pod: NOWHERE, health: {}, spec: { ports } }))
    const { spec } = await until('game server r2 to be taken up', () => {
      const found = history.servers.get(NAMESPACE, 'r2')
      return found?.status?.state !== undefined && found
    })
    expect(spec.health).toMatchObject({ initialDelaySeconds: 5, failureThreshold: 3, periodSeconds: 5 })
    expect(spec.ports).toMatchObject([{ name: 'plain', portPolicy: 'Dynamic', protocol: 'UDP', containerPort: 7777 }])
    expect(spec.sdkServer).toMatchObject({ grpcPort: 9357, httpPort: 9358 })
    expect(spec.eviction).toEqual({ safe: 'Never' })
    expect(spec.scheduling).toBe('Packed')
    expect(spec.container).toBe('game')
  })

  row(stage, '3: a GameServer has no status subresource, every change raises its generation, its scale is fixed at one', async (own) => {
    const { apply, gameServer, inState, api, history } = own
    await apply(gameServer('r3', { pod: NOWHERE }))
    const starting = await inState('r3', 'Starting')
    expect((await api.send('PATCH', `${paths.server('r3')}/status`, { status: { state: 'Ready' } }, MERGE)).status).toBe(404)
    const generations = history.servers
      .versions(starting.metadata.uid)
      .map(({ object }) => [object.status?.state, object.metadata.generation])
    const [first, last] = [generations[0]?.[1], generations.at(-1)?.[1]]
    expect(Number(last)).toBeGreaterThan(Number(first))
    const scale = await api.ask<{ spec: { replicas: number } }>('GET', `${paths.server('r3')}/scale`)
    expect(scale.spec.replicas).toBe(1)
    const two = { ...scale, spec: { replicas: 2 } }
    expect((await api.send('PUT', `${paths.server('r3')}/scale`, two)).status).toBe(422)
  })

  row(stage, '4: an unknown field is pruned, and refused where strict validation is asked for, as kubectl does', async (own) => {
    const { apply, fleet, api } = own
    const wrong = fleet('r4', 0, { spec: { helth: { periodSeconds: 1 } }, pod: { hostnam: 'x' } }, { replica: 3 }) as SeenFleet
    await expect(apply(wrong)).rejects.toThrow(/unknown field "spec.replica".*unknown field "spec.template.spec.helth"/s)
    await expect(apply(wrong)).rejects.toThrow('unknown field "spec.template.spec.template.spec.hostnam"')
    const pruned = await api.ask<SeenFleet>('POST', `${paths.fleet()}?fieldValidation=Ignore`, wrong)
    expect(pruned.spec).not.toHaveProperty('replica')
    expect(pruned.spec['template']).not.toHaveProperty('spec.helth')
    expect(pruned.spec['template']).not.toHaveProperty('spec.template.spec.hostnam')
  })

  // Made anew it may have numbers: the admission webhook writes them as text before they are looked at.
  row(stage, '28: the quantities of a Fleet that changes are text; a number, which a pod may have, is refused', async (own) => {
    const { apply, fleet, api } = own
    await apply(fleet('r28', 0))
    const change = (cpu: unknown) => {
      const containers = [{ name: 'game', image: 'none', resources: { requests: { cpu } } }]
      const spec = { template: { spec: { template: { spec: { containers } } } } }
      return api.send<Refusal>('PATCH', `${paths.fleet('r28')}?dryRun=All`, { spec }, MERGE)
    }
    expect((await change('1')).status).toBe(200)
    const refused = await change(1)
    expect(refused.status).toBe(422)
    expect(refused.body.message).toMatch(/requests\.cpu.*must be of type string/)
  })
}

function podRows(stage: () => Stage): void {
  row(
    stage,
    '5, 6: a pod has its server’s name, role and server labels only, a restartable sidecar, a probe by it, and no token',
    async (own) => {
      const { apply, gameServer, inState, pod, memory } = own
      await apply(gameServer('r5', { health: { initialDelaySeconds: 4, periodSeconds: 6, failureThreshold: 2 } }))
      const server = await inState('r5', 'Ready')
      expect(server.metadata.finalizers?.some((name) => name.startsWith('agones.dev'))).toBe(true)
      const found = pod('r5')
      expect(found?.metadata.labels).toMatchObject({ 'agones.dev/role': 'gameserver', 'agones.dev/gameserver': 'r5' })
      expect(found?.metadata.ownerReferences).toMatchObject([{ kind: 'GameServer', name: 'r5', uid: server.metadata.uid }])
      expect(found?.spec.serviceAccountName).toBe('agones-sdk')
      expect(found?.spec.restartPolicy).toBe('Never')
      expect(found?.spec.initContainers?.[0]).toMatchObject({ name: 'agones-gameserver-sidecar', restartPolicy: 'Always' })
      const [game] = found?.spec.containers ?? []
      expect(game?.livenessProbe).toMatchObject({
        httpGet: { path: '/gshealthz', port: 8080 },
        initialDelaySeconds: 4,
        periodSeconds: 6,
        failureThreshold: 2,
      })
      expect(game?.env).toContainEqual({ name: 'AGONES_SDK_GRPC_PORT', value: '9357' })
      expect(game?.env).toContainEqual({ name: 'AGONES_SDK_HTTP_PORT', value: '9358' })
      expect((await memory('r5')).token).toBe(false)
    },
  )

  row(
    stage,
    '5, 7, 8: servers of a fleet carry its labels, pods do not; host ports are unique on a node; the address is the node’s first kind',
    async (own) => {
      const { apply, fleet, ready, pod, history, api } = own
      await apply(fleet('r7', 2))
      const servers = await ready('r7', 2)
      for (const server of servers) {
        expect(server.metadata.labels).toMatchObject({ 'agones.dev/fleet': 'r7', version: 'a' })
        expect(server.metadata.labels?.['agones.dev/gameserverset']).toBe(server.metadata.ownerReferences?.[0]?.name)
        const labels = Object.keys(pod(server.metadata.name)?.metadata.labels ?? {})
        expect(labels).not.toContain('agones.dev/fleet')
        expect(labels).not.toContain('agones.dev/gameserverset')
        const port = server.status?.ports?.[0]?.port ?? 0
        expect(port).toBeGreaterThanOrEqual(7000)
        expect(port).toBeLessThanOrEqual(8000)
        expect(pod(server.metadata.name)?.spec.containers[0]?.ports).toMatchObject([
          { containerPort: 8000, hostPort: port, protocol: 'TCP' },
        ])
        const node = await api.ask<SeenNode>('GET', `/api/v1/nodes/${server.status?.nodeName}`)
        const kind = ADDRESS_ORDER.find((type) => node.status.addresses.some((entry) => entry.type === type))
        expect(server.status?.address).toBe(node.status.addresses.find(({ type }) => type === kind)?.address)
      }
      const held = history.servers
        .all((server) => server.status?.nodeName === servers[0]?.status?.nodeName)
        .flatMap((server) => (server.status?.ports ?? []).map(({ port }) => port))
      expect(new Set(held).size).toBe(held.length)
    },
  )

  row(stage, '11: a server that is Allocated before it was scheduled has no address until it says ready', async (own) => {
    const { apply, gameServer, inState, until, pod, api, call, history } = own
    await apply(gameServer('r11', { env: { READY: 'no' }, pod: { schedulingGates: [{ name: 'agones-conf/wait' }] } }))
    const { metadata } = await inState('r11', 'Starting')
    await api.ask('PATCH', paths.server('r11'), { status: { state: 'Allocated' } }, MERGE)
    await api.ask('PATCH', paths.pod('r11'), [{ op: 'remove', path: '/spec/schedulingGates' }], JSON_PATCH)
    await until('the pod of r11 to run', () => pod('r11')?.status?.phase === 'Running')
    await until('the SDK of r11 to answer', async () => (await call('r11', '/gameserver', undefined, 'GET')).status === 200)
    // The call below is the next write: had the address come by itself, a version before it would show it.
    await call('r11', '/metadata/label', { key: 'looked', value: 'yes' }, 'PUT')
    await until('the label of r11', () => history.servers.get(NAMESPACE, 'r11')?.metadata.labels?.['agones.dev/sdk-looked'] === 'yes')
    for (const { object } of history.servers.versions(metadata.uid)) {
      expect(object.status?.address ?? '').toBe('')
      expect(object.status?.ports ?? []).toEqual([])
    }
    await call('r11', '/ready')
    const server: SeenServer = await inState('r11', 'Ready')
    expect(server.status?.address).not.toBe('')
    expect(server.status?.ports).toHaveLength(1)
  })
}

interface Refusal {
  message?: string
}

function evictionRow(stage: () => Stage): void {
  row(stage, '26: eviction.safe is on the pod as label and annotation, and Never can not be evicted', async (own) => {
    const { apply, gameServer, inState, until, pod, api } = own
    const cases = [
      { safe: 'Never', annotation: 'false', label: 'false', allowed: false },
      { safe: 'Always', annotation: 'true', label: 'true', allowed: true },
    ]
    await apply(...cases.map(({ safe }) => gameServer(`r26-${safe.toLowerCase()}`, { spec: { eviction: { safe } } })))
    for (const { safe, annotation, label, allowed } of cases) {
      const name = `r26-${safe.toLowerCase()}`
      await inState(name, 'Ready')
      // A budget does not hold for a pod of which kubelet has not told yet that it runs.
      await until(`the pod of ${name} to be ready`, () =>
        pod(name)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      )
      expect(pod(name)?.metadata.labels?.['agones.dev/safe-to-evict']).toBe(label)
      expect(pod(name)?.metadata.annotations?.['cluster-autoscaler.kubernetes.io/safe-to-evict']).toBe(annotation)
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace: NAMESPACE },
        deleteOptions: { dryRun: ['All'] },
      }
      const answer = await api.send<Refusal>('POST', `${paths.pod(name)}/eviction`, eviction)
      expect(answer.status, answer.body.message).toBe(allowed ? 201 : 429)
    }
    const budget = await api.ask<{ spec: object }>(
      'GET',
      `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets/agones-gameserver-safe-to-evict-false`,
    )
    expect(budget.spec).toMatchObject({ selector: { matchLabels: { 'agones.dev/safe-to-evict': 'false' } } })
  })
}

/** Rows 1–8, 11, 26 and 28: what the objects look like. */
export function objectRows(stage: () => Stage): void {
  defaultRows(stage)
  podRows(stage)
  evictionRow(stage)
}
