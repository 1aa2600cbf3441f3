import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { MERGE } from '../api.ts'
import { type SeenServer, statesOf } from '../history.ts'
import { row } from '../row.ts'
import { NAMESPACE, paths, type Stage } from '../stage.ts'

/** The sidecar waits 500 ms before it writes; what it waited is measured by the game server, whose clock has its own grain. */
const WRITE_DELAY_MS = 490

interface GrpcAnswer {
  status: number
  body: string
}

function stateRows(stage: () => Stage): void {
  row(stage, '9: ready leads over RequestReady to Ready with address and ports', async (own) => {
    const { apply, gameServer, inState, history, command } = own
    await apply(gameServer('r9', { env: { READY: 'no' } }))
    const scheduled = await inState('r9', 'Scheduled')
    const answer = await own.until('the gRPC call', () => command<GrpcAnswer>('r9', '/grpc', { method: 'Ready' }))
    expect(answer.status).toBe(0)
    const server = await inState('r9', 'Ready')
    const states = statesOf(history, scheduled.metadata.uid)
    expect(states.slice(states.indexOf('Scheduled'))).toEqual(['Scheduled', 'RequestReady', 'Ready'])
    expect(server.status?.address).not.toBe('')
    expect(server.status?.ports).toMatchObject([{ name: 'game' }])
    const shown = await command<GrpcAnswer>('r9', '/grpc', { method: 'GetGameServer' })
    expect(shown.status).toBe(0)
    expect(shown.body).toContain('Ready')
  })

  row(stage, '10: a state is written 500 ms or more after the call, and of several calls the last one', async (own) => {
    const { apply, gameServer, inState, history, command, memory } = own
    await apply(gameServer('r10'))
    const { metadata } = await inState('r10', 'Ready')
    const [first] = await command<{ sentAt: number }[]>('r10', '/calls', { paths: '/ready,/allocate' })
    await inState('r10', 'Allocated')
    const states = statesOf(history, metadata.uid)
    expect(states.slice(states.indexOf('Ready'))).toEqual(['Ready', 'Allocated'])
    const shown = await own.until('the game server to be shown Allocated', async () => {
      const { events } = await memory('r10')
      return events.find(({ state }) => state === 'Allocated')
    })
    expect(shown.at - (first?.sentAt ?? 0)).toBeGreaterThan(WRITE_DELAY_MS)
  })

  row(stage, '12: ready after Allocated keeps name, address and port', async (own) => {
    const { apply, gameServer, inState, call, history } = own
    await apply(gameServer('r12'))
    const before = await inState('r12', 'Ready')
    await call('r12', '/allocate')
    await inState('r12', 'Allocated')
    await call('r12', '/ready')
    const after = await inState('r12', 'Ready')
    expect(after.metadata.uid).toBe(before.metadata.uid)
    expect(after.status?.address).toBe(before.status?.address)
    expect(after.status?.ports).toEqual(before.status?.ports)
    expect(statesOf(history, before.metadata.uid)).toContain('Allocated')
  })
}

function finalRows(stage: () => Stage): void {
  row(stage, '13: nothing leaves Shutdown, though calls still answer OK', async (own) => {
    const { apply, gameServer, inState, call, history, memory, until } = own
    await apply(gameServer('r13-shutdown', { graceSeconds: 4, env: { ON_TERM: 'ignore', CALLS_ON: 'Shutdown' } }))
    const { metadata } = await inState('r13-shutdown', 'Ready')
    await call('r13-shutdown', '/shutdown')
    const { calls } = await until('the calls after Shutdown', async () => {
      const found = await memory('r13-shutdown')
      return found.calls.length === 2 && found
    })
    expect(calls).toMatchObject([
      { path: '/ready', status: 200 },
      { path: '/allocate', status: 200 },
    ])
    await until('r13-shutdown to be gone', () => history.servers.gone.has(metadata.uid))
    const states = statesOf(history, metadata.uid)
    expect(states.slice(states.indexOf('Ready'))).toEqual(['Ready', 'Shutdown'])
  })

  row(stage, '13: nothing leaves Unhealthy, though calls still answer OK', async (own) => {
    const { apply, gameServer, inState, history, cluster, until } = own
    const health = { initialDelaySeconds: 8, periodSeconds: 1, failureThreshold: 3 }
    await apply(gameServer('r13-unhealthy', { health, graceSeconds: 30, env: { PINGS: 'off', ON_TERM: 'ignore', CALLS_ON: 'Unhealthy' } }))
    const { metadata } = await inState('r13-unhealthy', 'Unhealthy')
    await until('the calls after Unhealthy', async () => {
      const log = await cluster.kubectl('-n', NAMESPACE, 'logs', 'r13-unhealthy', '-c', 'game')
      return log.includes('"path":"/ready","status":200') && log.includes('"path":"/allocate","status":200')
    })
    // Longer than a write takes: one that comes all the same has come by then.
    await sleep(1500)
    expect(history.servers.get(NAMESPACE, 'r13-unhealthy')?.status?.state).toBe('Unhealthy')
    expect(statesOf(history, metadata.uid).at(-1)).toBe('Unhealthy')
  })

  row(stage, '14: who writes an outdated server gets a conflict; a server that became Allocated is not scaled away', async (own) => {
    const { apply, fleet, ready, api, call, history, until, setReplicas } = own
    await apply(fleet('r14', 3))
    const servers = await ready('r14', 3)
    const [outdated] = servers
    await call(outdated?.metadata.name ?? '', '/metadata/annotation', { key: 'newer', value: 'yes' }, 'PUT')
    await until('the annotation', () => current(own, outdated)?.metadata.annotations?.['agones.dev/sdk-newer'] === 'yes')
    const shutdown = { ...outdated, status: { ...outdated?.status, state: 'Shutdown' } }
    expect((await api.send('PUT', paths.server(outdated?.metadata.name), shutdown)).status).toBe(409)
    // The sidecars write half a second from now, about when the set does.
    await Promise.all(servers.map(({ metadata }) => call(metadata.name, '/allocate')))
    await sleep(480)
    await setReplicas('r14', 0)
    await until('each server of r14 to be Allocated or gone', () =>
      servers.every(({ metadata }) => current(own, { metadata })?.status?.state === 'Allocated' || history.servers.gone.has(metadata.uid)),
    )
    for (const { metadata } of servers) {
      const states = statesOf(history, metadata.uid)
      expect(states.slice(states.indexOf('Ready') + 1)).toSatisfy((rest: string[]) => ['Allocated', 'Shutdown'].includes(rest.join()))
    }
  })
}

function current({ history }: Stage, server: Pick<SeenServer, 'metadata'> | undefined): SeenServer | undefined {
  return history.servers.get(NAMESPACE, server?.metadata.name ?? '')
}

function watchRows(stage: () => Stage): void {
  row(stage, '15: the watch shows the current server first, then annotations, Shutdown and the deletion', async (own) => {
    const { apply, gameServer, inState, api, call, until, memory } = own
    await apply(gameServer('r15', { graceSeconds: 5, env: { ON_TERM: 'ignore' } }))
    const server = await inState('r15', 'Ready')
    await api.ask('PATCH', paths.server('r15'), { metadata: { annotations: { 'agones-conf/told': 'yes' } } }, MERGE)
    await until('the annotation to be shown', async () =>
      (await memory('r15')).events.some(({ annotations }) => annotations['agones-conf/told'] === 'yes'),
    )
    await call('r15', '/shutdown')
    const { events } = await until('the deletion to be shown', async () => {
      const found = await memory('r15')
      return found.events.some(({ deletion }) => deletion > 0) && found
    })
    expect(events[0]).toMatchObject({ name: 'r15' })
    expect(events.find(({ deletion }) => deletion > 0)?.state).toBe('Shutdown')
    expect(events.find(({ state }) => state === 'Ready')?.address).toBe(server.status?.address)
  })

  row(stage, '16: labels and annotations of the SDK get its prefix; a key that can not be is an invalid argument', async (own) => {
    const { apply, gameServer, inState, call, command, until, history } = own
    await apply(gameServer('r16'))
    await inState('r16', 'Ready')
    expect((await call('r16', '/metadata/label', { key: 'colour', value: 'red' }, 'PUT')).status).toBe(200)
    expect((await call('r16', '/metadata/annotation', { key: 'note', value: 'some words' }, 'PUT')).status).toBe(200)
    await until('the prefixed metadata', () => {
      const metadata = history.servers.get(NAMESPACE, 'r16')?.metadata
      return metadata?.labels?.['agones.dev/sdk-colour'] === 'red' && metadata.annotations?.['agones.dev/sdk-note'] === 'some words'
    })
    for (const path of ['/metadata/label', '/metadata/annotation']) {
      const refused = await call('r16', path, { key: 'no good key!', value: 'x' }, 'PUT')
      expect(refused.status).toBe(400)
      expect(JSON.parse(refused.body)).toMatchObject({ code: 3 })
    }
    // KeyValue {key: "a b", value: "x"}
    const grpc = await command<GrpcAnswer>('r16', '/grpc', { method: 'SetAnnotation', message: '0a0361206212 0178'.replaceAll(' ', '') })
    expect(grpc.status).toBe(3)
  })
}

function healthRows(stage: () => Stage): void {
  row(stage, '17: servers that stop pinging become Unhealthy and are replaced, Allocated ones too', async (own) => {
    const { apply, fleet, ready, call, command, inState, until, history } = own
    await apply(fleet('r17', 2, { health: { initialDelaySeconds: 1, periodSeconds: 2, failureThreshold: 4 } }))
    const servers = await ready('r17', 2)
    const allocated = servers[0]?.metadata.name ?? ''
    await call(allocated, '/allocate')
    await inState(allocated, 'Allocated')
    await Promise.all(servers.map(({ metadata }) => command(metadata.name, '/pings', { on: 'false' })))
    await until('both servers of r17 to be gone', () => servers.every(({ metadata }) => history.servers.gone.has(metadata.uid)))
    for (const { metadata } of servers) expect(statesOf(history, metadata.uid)).toContain('Unhealthy')
    await ready('r17', 2)
  })

  row(stage, '17: the health timer starts with the first probe', async (own) => {
    const { apply, gameServer, until, history, pod } = own
    const health = { initialDelaySeconds: 6, periodSeconds: 1, failureThreshold: 1 }
    // The kubelet ends the container at once: it must outlive the sidecar's write, or its end would come first.
    await apply(gameServer('r17-late', { health, graceSeconds: 30, env: { PINGS: 'off', ON_TERM: 'ignore' } }))
    const { metadata } = await own.inState('r17-late', 'Unhealthy')
    const version = history.servers.versions(metadata.uid).find(({ object }) => object.status?.state === 'Unhealthy')
    const written = Math.max(...(version?.object.metadata.managedFields ?? []).map(({ time }) => Date.parse(time)))
    const started = await until('the start of the container', () => {
      const state = pod('r17-late')?.status?.containerStatuses?.find(({ name }) => name === 'game')?.state
      return state?.running?.startedAt ?? state?.terminated?.startedAt
    })
    // Both times are whole seconds.
    expect(written - Date.parse(started)).toBeGreaterThanOrEqual(5000)
  })

  row(stage, '18: a game server that fails is Unhealthy, one that ends by itself is Shutdown; both are replaced', async (own) => {
    const { apply, fleet, ready, command, until, history } = own
    await apply(fleet('r18', 2))
    const [failing, ending] = await ready('r18', 2)
    await command(failing?.metadata.name ?? '', '/exit', { code: '1' })
    await command(ending?.metadata.name ?? '', '/exit', { code: '0' })
    const uids = [failing?.metadata.uid ?? '', ending?.metadata.uid ?? '']
    await until('both servers of r18 to be gone', () => uids.every((uid) => history.servers.gone.has(uid)))
    expect(statesOf(history, uids[0] ?? '')).toContain('Unhealthy')
    expect(statesOf(history, uids[1] ?? '')).not.toContain('Unhealthy')
    expect(statesOf(history, uids[1] ?? '').at(-1)).toBe('Shutdown')
    await ready('r18', 2)
  })
}

/** Rows 9, 10 and 12–18: what the SDK does. */
export function sdkRows(stage: () => Stage): void {
  healthRows(stage)
  finalRows(stage)
  watchRows(stage)
  stateRows(stage)
}
