import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { MERGE } from '../api.ts'
import { type SeenServer, type SeenSet, statesOf } from '../history.ts'
import { row } from '../row.ts'
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
  row(stage, '19: while a pod ends its server keeps its state and is counted', async (own) => {
    const { apply, fleet, ready, api, until, history, pod } = own
    await apply(fleet('r19', 1, { graceSeconds: 5, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r19', 1)
    await allocate(own, server)
    await until('the count of r19', () => fleetStatus(own, 'r19')['allocatedReplicas'] === 1)
    const uid = server?.metadata.uid ?? ''
    await api.ask('DELETE', paths.pod(nameOf(server)))
    await until('the pod to be ending', () => pod(nameOf(server))?.metadata.deletionTimestamp !== undefined)
    // Long enough for a controller that would act on the deletion alone, short of the pod's grace.
    await sleep(2000)
    expect(pod(nameOf(server))?.metadata.deletionTimestamp).toBeDefined()
    expect(history.servers.get(NAMESPACE, nameOf(server))?.status?.state).toBe('Allocated')
    expect(fleetStatus(own, 'r19')).toMatchObject({ replicas: 1, allocatedReplicas: 1 })
    await until('the server of the lost pod to be gone', () => history.servers.gone.has(uid))
    expect(statesOf(history, uid)).toContain('Unhealthy')
    await ready('r19', 1)
  })
}

function deletionRow(stage: () => Stage): void {
  row(stage, '27: a server that is deleted through the API is replaced when it is gone, not before', async (own) => {
    const { apply, fleet, ready, api, until, history, serversOf } = own
    await apply(fleet('r27', 1, { graceSeconds: 6, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r27', 1)
    // Its set has seen it Ready by then, and has no reason to look again.
    await until('the count of r27', () => fleetStatus(own, 'r27')['readyReplicas'] === 1)
    await api.ask('DELETE', paths.server(nameOf(server)))
    const uid = server?.metadata.uid ?? ''
    await until('the deletion', () => history.servers.get(NAMESPACE, nameOf(server))?.metadata.deletionTimestamp !== undefined)
    // Long enough for a controller that would act on the deletion alone, short of the pod's grace.
    await sleep(2000)
    expect(serversOf('r27').map(({ metadata }) => metadata.uid)).toEqual([uid])
    await until('the deleted server to be gone', () => history.servers.gone.has(uid))
    const [next] = await ready('r27', 1)
    expect(next?.metadata.uid).not.toBe(uid)
  })
}

function sizeRows(stage: () => Stage): void {
  row(stage, '20: scaling down takes servers in order, and never Allocated or Reserved ones', async (own) => {
    const { apply, fleet, ready, api, call, inState, until, history, setReplicas, serversOf } = own
    const nodes = await api.ask<{ items: { metadata: { labels: Record<string, string> } }[] }>('GET', '/api/v1/nodes')
    const hostname = nodes.items[0]?.metadata.labels['kubernetes.io/hostname'] ?? ''
    await apply(fleet('r20', 4, { pod: { nodeSelector: { 'kubernetes.io/hostname': hostname } } }))
    const servers = await ready('r20', 4)
    const [first, second, third, fourth] = servers
    await allocate(own, second)
    await call(nameOf(fourth), '/reserve', { seconds: '0' })
    await inState(nameOf(fourth), 'Reserved')
    await setReplicas('r20', 3)
    await until('one server of r20 to go', () => serversOf('r20').length === 3)
    expect(history.servers.gone.has(first?.metadata.uid ?? '')).toBe(true)
    await setReplicas('r20', 0)
    await until('all free servers of r20 to go', () => history.servers.gone.has(third?.metadata.uid ?? ''))
    expect(serversOf('r20').map(nameOf)).toEqual([nameOf(second), nameOf(fourth)])
    await until('the count of r20', () => {
      const { replicas, readyReplicas, allocatedReplicas, reservedReplicas } = fleetStatus(own, 'r20')
      return replicas === 2 && readyReplicas === 0 && allocatedReplicas === 1 && reservedReplicas === 1
    })
  })

  row(stage, '20: fewer than the Allocated ones are asked for: all others go, those that still start too', async (own) => {
    const { apply, fleet, ready, until, setReplicas, serversOf, history } = own
    await apply(fleet('r20-starting', 1))
    const [server] = await ready('r20-starting', 1)
    await allocate(own, server)
    await setReplicas('r20-starting', 2)
    const starting = await until('a second server to begin', () =>
      serversOf('r20-starting').find((each) => nameOf(each) !== nameOf(server)),
    )
    await setReplicas('r20-starting', 0)
    await until('the second server to go', () => history.servers.gone.has(starting.metadata.uid))
    expect(serversOf('r20-starting')).toMatchObject([{ metadata: { uid: server?.metadata.uid }, status: { state: 'Allocated' } }])
  })

  row(stage, '21: a server that shuts down is counted as such and no longer as a replica', async (own) => {
    const { apply, fleet, ready, call, inState, until, history } = own
    await apply(fleet('r21', 1, { graceSeconds: 8, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r21', 1)
    await call(nameOf(server), '/shutdown')
    await inState(nameOf(server), 'Shutdown')
    await until('the replacement to be counted alone', () => {
      const [set] = setsOf(own, 'r21')
      return set?.status?.shutdownReplicas === 1 && set.status.replicas === 1 && fleetStatus(own, 'r21')['replicas'] === 1
    })
    // Servers and sets are watched apart: what was written first may be seen last.
    await until('the deletion of the one that shuts down', () => {
      const seen = history.servers.get(NAMESPACE, nameOf(server))
      return seen === undefined || seen.metadata.deletionTimestamp !== undefined
    })
  })
}

function updateRows(stage: () => Stage): void {
  row(
    stage,
    '21, 22: the new set gets what old Allocated servers leave; a rollback takes the old set; ready on a set at 0 deletes',
    async (own) => {
      const { apply, fleet, ready, until, call, history } = own
      await apply(fleet('r22', 2))
      const [server] = await ready('r22', 2)
      await allocate(own, server)
      const old = setOfVersion(own, 'r22', 'a')
      await setVersion(own, 'r22', 'b')
      await until('the update to b', () => {
        const next = setOfVersion(own, 'r22', 'b')
        const rest = setOfVersion(own, 'r22', 'a')
        return next?.spec.replicas === 1 && next.status?.readyReplicas === 1 && rest?.spec.replicas === 0 && rest.status?.replicas === 1
      })
      await until('the sum over both sets', () => {
        const { replicas, readyReplicas, allocatedReplicas } = fleetStatus(own, 'r22')
        return replicas === 2 && readyReplicas === 1 && allocatedReplicas === 1
      })

      await setVersion(own, 'r22', 'a')
      await until('the rollback to a', () => {
        const again = setOfVersion(own, 'r22', 'a')
        return setsOf(own, 'r22').length === 1 && again?.spec.replicas === 2 && again.status?.readyReplicas === 1
      })
      expect(setOfVersion(own, 'r22', 'a')?.metadata.uid).toBe(old?.metadata.uid)
      expect(history.servers.get(NAMESPACE, nameOf(server))?.status?.state).toBe('Allocated')

      await setVersion(own, 'r22', 'c')
      await until('the update to c', () => {
        const rest = setOfVersion(own, 'r22', 'a')
        return setOfVersion(own, 'r22', 'c')?.status?.readyReplicas === 1 && rest?.spec.replicas === 0 && rest.status?.replicas === 1
      })
      await call(nameOf(server), '/ready')
      await until('the old server to go after ready', () => history.servers.gone.has(server?.metadata.uid ?? ''))
      await until(
        'the new set to be all',
        () => setsOf(own, 'r22').length === 1 && setOfVersion(own, 'r22', 'c')?.status?.readyReplicas === 2,
      )
    },
  )

  row(stage, '22, 23: while all are Allocated no new server comes, and the overflow marks reach the old ones', async (own) => {
    const { apply, fleet, ready, until, history } = own
    const allocationOverflow = { annotations: { 'agones-conf/outdated': 'yes' }, labels: { outdated: 'yes' } }
    await apply(fleet('r23', 1, {}, { allocationOverflow }))
    const [server] = await ready('r23', 1)
    await allocate(own, server)
    expect(history.servers.get(NAMESPACE, nameOf(server))?.metadata.annotations).not.toHaveProperty('agones-conf/outdated')
    await setVersion(own, 'r23', 'b')
    const marked = await until('the marks', () => {
      const found = history.servers.get(NAMESPACE, nameOf(server))
      return found?.metadata.annotations?.['agones-conf/outdated'] === 'yes' && found
    })
    expect(marked.metadata.labels?.['outdated']).toBe('yes')
    expect(marked.status?.state).toBe('Allocated')
    // Servers and sets are watched apart: what was written first may be seen last.
    const next = await until('the new set', () => setOfVersion(own, 'r23', 'b'))
    expect(next.spec.replicas).toBe(0)
    expect(own.serversOf('r23')).toHaveLength(1)
  })
}

interface Events {
  items: { involvedObject: { name: string }; message: string }[]
}

function errorRows(stage: () => Stage): void {
  row(stage, '25: a forbidden pod puts its server into Error, an Event says why, and after 30 s another one is made', async (own) => {
    const { apply, fleet, until, history, api, serversOf } = own
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

  row(stage, '25: deleting a fleet takes its Allocated servers, and each server waits for its pod', async (own) => {
    const { apply, fleet, ready, api, until, history, pod } = own
    await apply(fleet('r25', 1, { graceSeconds: 4, env: { ON_TERM: 'ignore' } }))
    const [server] = await ready('r25', 1)
    await allocate(own, server)
    await api.ask('DELETE', paths.fleet('r25'))
    await until('the pod to be ending', () => pod(nameOf(server))?.metadata.deletionTimestamp !== undefined)
    await until('the server to be ending', () => history.servers.get(NAMESPACE, nameOf(server))?.metadata.deletionTimestamp !== undefined)
    const uid = pod(nameOf(server))?.metadata.uid ?? ''
    await until('the server to be gone', () => history.servers.gone.has(server?.metadata.uid ?? ''))
    await until('the end of the pod to be seen', () => history.pods.gone.has(uid))
    expect(statesOf(history, server?.metadata.uid ?? '').at(-1)).toBe('Allocated')
  })
}

/** Rows 19–23, 25 and 27: what fleets and their sets do. */
export function fleetRows(stage: () => Stage): void {
  errorRows(stage)
  updateRows(stage)
  podLossRow(stage)
  deletionRow(stage)
  sizeRows(stage)
}
