import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { MERGE } from '../api.ts'
import { type SeenServer, type SeenSet, statesOf } from '../history.ts'
import { FORBIDDEN_NAMESPACE, NAMESPACE, paths, type Stage } from '../stage.ts'

const ERROR_KEPT_MS = 30_000

function setsOf({ history }: Stage, fleet: string): SeenSet[] {
  return history.sets.all(({ metadata }) => metadata.labels?.['agones.dev/fleet'] === fleet)
}

function fleetStatus({ history }: Stage, name: string): Record<string, number | undefined> {
  return { ...history.fleets.get(NAMESPACE, name)?.status }
}

function nameOf(server: SeenServer | undefined): string {
  return server?.metadata.name ?? ''
}

async function allocate({ call, inState }: Stage, server: SeenServer | undefined): Promise<SeenServer> {
  await call(nameOf(server), '/allocate')
  return inState(nameOf(server), 'Allocated')
}

async function setVersion({ api }: Stage, fleet: string, version: string): Promise<void> {
  await api.ask('PATCH', paths.fleet(fleet), { spec: { template: { metadata: { labels: { version } } } } }, MERGE)
}

function setOfVersion(stage: Stage, fleet: string, version: string): SeenSet | undefined {
  return setsOf(stage, fleet).find(({ spec }) => spec.template.metadata?.labels?.['version'] === version)
}

function podLossRow(stage: () => Stage): void {
  it('19: while a pod ends its server keeps its state and is counted', async () => {
    const { apply, fleet, ready, api, until, history, pod } = stage()
    await apply(fleet('r19', 1, { graceSeconds: 5, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r19', 1)
    await allocate(stage(), server)
    await until('the count of r19', () => fleetStatus(stage(), 'r19')['allocatedReplicas'] === 1)
    const uid = server?.metadata.uid ?? ''
    await api.ask('DELETE', paths.pod(nameOf(server)))
    await until('the pod to be ending', () => pod(nameOf(server))?.metadata.deletionTimestamp !== undefined)
    // Long enough for a controller that would act on the deletion alone, short of the pod's grace.
    await sleep(2000)
    expect(pod(nameOf(server))?.metadata.deletionTimestamp).toBeDefined()
    expect(history.servers.get(NAMESPACE, nameOf(server))?.status?.state).toBe('Allocated')
    expect(fleetStatus(stage(), 'r19')).toMatchObject({ replicas: 1, allocatedReplicas: 1 })
    await until('the server of the lost pod to be gone', () => history.servers.gone.has(uid))
    expect(statesOf(history, uid)).toContain('Unhealthy')
    await ready('r19', 1)
  })
}

function sizeRows(stage: () => Stage): void {
  it('20: scaling down takes servers in order, and never Allocated or Reserved ones', async () => {
    const { apply, fleet, ready, api, call, inState, until, history, setReplicas, serversOf } = stage()
    const nodes = await api.ask<{ items: { metadata: { labels: Record<string, string> } }[] }>('GET', '/api/v1/nodes')
    const hostname = nodes.items[0]?.metadata.labels['kubernetes.io/hostname'] ?? ''
    await apply(fleet('r20', 4, { pod: { nodeSelector: { 'kubernetes.io/hostname': hostname } } }))
    const servers = await ready('r20', 4)
    const [first, second, third, fourth] = servers
    await allocate(stage(), second)
    await call(nameOf(fourth), '/reserve', { seconds: '0' })
    await inState(nameOf(fourth), 'Reserved')
    await setReplicas('r20', 3)
    await until('one server of r20 to go', () => serversOf('r20').length === 3)
    expect(history.servers.gone.has(first?.metadata.uid ?? '')).toBe(true)
    await setReplicas('r20', 0)
    await until('all free servers of r20 to go', () => history.servers.gone.has(third?.metadata.uid ?? ''))
    expect(serversOf('r20').map(nameOf)).toEqual([nameOf(second), nameOf(fourth)])
    await until('the count of r20', () => {
      const { replicas, readyReplicas, allocatedReplicas, reservedReplicas } = fleetStatus(stage(), 'r20')
      return replicas === 2 && readyReplicas === 0 && allocatedReplicas === 1 && reservedReplicas === 1
    })
  })

  it('20: fewer than the Allocated ones are asked for: all others go, those that still start too', async () => {
    const { apply, fleet, ready, until, setReplicas, serversOf, history } = stage()
    await apply(fleet('r20-starting', 1))
    const [server] = await ready('r20-starting', 1)
    await allocate(stage(), server)
    await setReplicas('r20-starting', 2)
    const starting = await until('a second server to begin', () =>
      serversOf('r20-starting').find((each) => nameOf(each) !== nameOf(server)),
    )
    await setReplicas('r20-starting', 0)
    await until('the second server to go', () => history.servers.gone.has(starting.metadata.uid))
    expect(serversOf('r20-starting')).toMatchObject([{ metadata: { uid: server?.metadata.uid }, status: { state: 'Allocated' } }])
  })

  it('21: a server that shuts down is counted as such and no longer as a replica', async () => {
    const { apply, fleet, ready, call, inState, until, history } = stage()
    await apply(fleet('r21', 1, { graceSeconds: 8, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r21', 1)
    await call(nameOf(server), '/shutdown')
    await inState(nameOf(server), 'Shutdown')
    await until('the replacement to be counted alone', () => {
      const [set] = setsOf(stage(), 'r21')
      const { replicas, readyReplicas } = fleetStatus(stage(), 'r21')
      return set?.status?.shutdownReplicas === 1 && set.status.replicas === 1 && replicas === 1 && readyReplicas === 0
    })
    expect(history.servers.get(NAMESPACE, nameOf(server))?.metadata.deletionTimestamp).toBeDefined()
  })
}

function updateRows(stage: () => Stage): void {
  it('21, 22: an update gives the new set what the old Allocated servers leave; a rollback takes the old set again; ready on an old set at 0 deletes', async () => {
    const { apply, fleet, ready, until, call, history } = stage()
    await apply(fleet('r22', 3))
    const [server] = await ready('r22', 3)
    await allocate(stage(), server)
    const old = setOfVersion(stage(), 'r22', 'a')
    await setVersion(stage(), 'r22', 'b')
    await until('the update to b', () => {
      const next = setOfVersion(stage(), 'r22', 'b')
      const rest = setOfVersion(stage(), 'r22', 'a')
      return next?.spec.replicas === 2 && next.status?.readyReplicas === 2 && rest?.spec.replicas === 0 && rest.status?.replicas === 1
    })
    await until('the sum over both sets', () => {
      const { replicas, readyReplicas, allocatedReplicas } = fleetStatus(stage(), 'r22')
      return replicas === 3 && readyReplicas === 2 && allocatedReplicas === 1
    })

    await setVersion(stage(), 'r22', 'a')
    await until('the rollback to a', () => {
      const again = setOfVersion(stage(), 'r22', 'a')
      return setsOf(stage(), 'r22').length === 1 && again?.spec.replicas === 3 && again.status?.readyReplicas === 2
    })
    expect(setOfVersion(stage(), 'r22', 'a')?.metadata.uid).toBe(old?.metadata.uid)
    expect(history.servers.get(NAMESPACE, nameOf(server))?.status?.state).toBe('Allocated')

    await setVersion(stage(), 'r22', 'c')
    await until('the update to c', () => {
      const rest = setOfVersion(stage(), 'r22', 'a')
      return setOfVersion(stage(), 'r22', 'c')?.status?.readyReplicas === 2 && rest?.spec.replicas === 0 && rest.status?.replicas === 1
    })
    await call(nameOf(server), '/ready')
    await until('the old server to go after ready', () => history.servers.gone.has(server?.metadata.uid ?? ''))
    await until(
      'the new set to be all',
      () => setsOf(stage(), 'r22').length === 1 && setOfVersion(stage(), 'r22', 'c')?.status?.readyReplicas === 3,
    )
  })

  it('22, 23: while all are Allocated no new server comes, and the overflow marks reach the old ones', async () => {
    const { apply, fleet, ready, until, history } = stage()
    const allocationOverflow = { annotations: { 'agones-conf/outdated': 'yes' }, labels: { outdated: 'yes' } }
    await apply(fleet('r23', 1, {}, { allocationOverflow }))
    const [server] = await ready('r23', 1)
    await allocate(stage(), server)
    expect(history.servers.get(NAMESPACE, nameOf(server))?.metadata.annotations).not.toHaveProperty('agones-conf/outdated')
    await setVersion(stage(), 'r23', 'b')
    const marked = await until('the marks', () => {
      const found = history.servers.get(NAMESPACE, nameOf(server))
      return found?.metadata.annotations?.['agones-conf/outdated'] === 'yes' && found
    })
    expect(marked.metadata.labels?.['outdated']).toBe('yes')
    expect(marked.status?.state).toBe('Allocated')
    expect(setOfVersion(stage(), 'r23', 'b')?.spec.replicas).toBe(0)
    expect(stage().serversOf('r23')).toHaveLength(1)
  })
}

interface Events {
  items: { involvedObject: { name: string }; message: string }[]
}

function errorRows(stage: () => Stage): void {
  it('25: a forbidden pod puts its server into Error, an Event says why, and after 30 s another one is made', async () => {
    const { apply, fleet, until, history, api, serversOf } = stage()
    const elsewhere = fleet('r25-forbidden', 1) as { metadata: { namespace: string } }
    elsewhere.metadata.namespace = FORBIDDEN_NAMESPACE
    await apply(elsewhere)
    const server = await until('a server in Error', () => serversOf('r25-forbidden').find(({ status }) => status?.state === 'Error'))
    const failed = history.servers.versions(server.metadata.uid).find(({ object }) => object.status?.state === 'Error')
    await until('an Event that says why', async () => {
      const { items } = await api.ask<Events>('GET', `/api/v1/namespaces/${FORBIDDEN_NAMESPACE}/events`)
      return items.some(({ involvedObject, message }) => involvedObject.name === nameOf(server) && message.includes('forbidden'))
    })
    const next = await until('another server', () =>
      serversOf('r25-forbidden').find(({ metadata }) => metadata.uid !== server.metadata.uid),
    )
    await until('the first server to be gone', () => history.servers.gone.has(server.metadata.uid))
    const left = history.servers.versions(server.metadata.uid).find(({ object }) => object.status?.state === 'Shutdown')
    // Its age is told in whole seconds.
    expect((left?.at ?? 0) - (failed?.at ?? 0)).toBeGreaterThan(ERROR_KEPT_MS - 2000)
    expect(nameOf(next)).not.toBe(nameOf(server))
  })

  it('25: deleting a fleet takes its Allocated servers, and each server waits for its pod', async () => {
    const { apply, fleet, ready, api, until, history, pod } = stage()
    await apply(fleet('r25', 1, { graceSeconds: 4, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r25', 1)
    await allocate(stage(), server)
    await api.ask('DELETE', paths.fleet('r25'))
    await until('the pod to be ending', () => pod(nameOf(server))?.metadata.deletionTimestamp !== undefined)
    expect(history.servers.get(NAMESPACE, nameOf(server))?.metadata.deletionTimestamp).toBeDefined()
    const uid = pod(nameOf(server))?.metadata.uid ?? ''
    await until('the server to be gone', () => history.servers.gone.has(server?.metadata.uid ?? ''))
    await until('the end of the pod to be seen', () => history.pods.gone.has(uid))
    expect(statesOf(history, server?.metadata.uid ?? '').at(-1)).toBe('Allocated')
  })
}

/** Rows 19–23 and 25: what fleets and their sets do. */
export function fleetRows(stage: () => Stage): void {
  errorRows(stage)
  updateRows(stage)
  podLossRow(stage)
  sizeRows(stage)
}
