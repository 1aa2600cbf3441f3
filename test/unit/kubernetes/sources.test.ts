import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ServerFate } from '../../../core/ports/zone-source-port.ts'
import { EVENT_REPEAT_AFTER } from '../../../core/timing.ts'
import type { Zone } from '../../../core/zone.ts'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { EventWriter } from '../../../platform/kubernetes/events.ts'
import { KubernetesFleets } from '../../../platform/kubernetes/fleets.ts'
import { KubernetesNodes } from '../../../platform/kubernetes/nodes.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { plainEndpoint } from '../../../platform/kubernetes/plain-endpoint.ts'
import { KubernetesZones } from '../../../platform/kubernetes/zones.ts'
import { event, events, json, MisbehavingServer, object, page } from './misbehaving-server.ts'

const bounds = { min: { x: 0, y: 0 }, max: { x: 1, y: 1 } }
let server: MisbehavingServer
let client: KubernetesClient
let stop: AbortController
let written: { method: string; url: string; body: unknown }[]
const clock = new ManualClock()

beforeEach(async () => {
  server = new MisbehavingServer()
  client = new KubernetesClient(plainEndpoint(await server.start()))
  stop = new AbortController()
  written = []
})
afterEach(async () => {
  stop.abort()
  client.close()
  await server.stop()
})

const options = () => ({ client, namespaces: [], clock, log: silentLog })

function answerWrites(answer: (body: unknown) => { status: number; body: unknown }): void {
  server.other = (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const body: unknown = text === '' ? undefined : JSON.parse(text)
      written.push({ method: request.method ?? '', url: request.url ?? '', body })
      const { status, body: answered } = answer(body)
      json(status, answered)(response)
    })
  }
}

describe('Zones of a cluster', () => {
  const meadow = (version: number, extra: Record<string, unknown> = {}): KubernetesObject =>
    object('meadow', version, { spec: { bounds }, ...extra })

  test('a copy kept by the watch, without what is of no use; names that can not be ours are left out', async () => {
    const noise = { metadata: { ...meadow(5).metadata, managedFields: [{ manager: 'x' }] }, spec: { bounds } }
    server.lists = [page([noise as KubernetesObject, object('mea.dow', 4, { spec: { bounds } })], 10)]
    server.watches = [events([event('MODIFIED', meadow(11))])]
    const zones = new KubernetesZones(options())
    const changed: string[] = []
    await zones.watch((id) => changed.push(id), stop.signal)
    expect(zones.list().map(({ metadata }) => metadata.name)).toEqual(['meadow'])
    expect(zones.get('game/meadow')?.metadata).not.toHaveProperty('managedFields')
    await vi.waitFor(() => expect(changed).toEqual(['game/meadow', 'game/meadow']), 15_000)
    expect(zones.get('game/meadow')?.metadata.resourceVersion).toBe('11')
  })

  test('a status is written whole, only onto the version that was read, and seen in the copy at once', async () => {
    server.lists = [page([meadow(5)], 10)]
    server.watches = [events([])]
    answerWrites(() => ({ status: 200, body: meadow(6, { status: { phase: 'Sleeping' } }) }))
    const zones = new KubernetesZones(options())
    await zones.watch(() => {}, stop.signal)
    const zone = zones.get('game/meadow') as Zone
    await zones.writeStatus(zone, { phase: 'Sleeping' })
    expect(written).toEqual([
      {
        method: 'PATCH',
        url: '/apis/bailiwick.dev/v1alpha1/namespaces/game/zones/meadow/status',
        body: [
          { op: 'replace', path: '/metadata/resourceVersion', value: '5' },
          { op: 'add', path: '/status', value: { phase: 'Sleeping' } },
        ],
      },
    ])
    expect(zones.get('game/meadow')?.status).toEqual({ phase: 'Sleeping' })
  })

  test('somebody else was faster: KubernetesConflict; a refresh brings the copy up to date', async () => {
    server.lists = [page([meadow(5)], 10)]
    server.watches = [events([])]
    answerWrites((body) => (body === undefined ? { status: 200, body: meadow(8) } : { status: 409, body: { message: 'changed' } }))
    const zones = new KubernetesZones(options())
    await zones.watch(() => {}, stop.signal)
    await expect(zones.writeStatus(zones.get('game/meadow') as Zone, {})).rejects.toMatchObject({ code: 'KubernetesConflict' })
    await zones.refresh('game/meadow')
    expect(zones.get('game/meadow')?.metadata.resourceVersion).toBe('8')
  })

  test('the finalizer is added beside those of others, and nothing is written when it is there', async () => {
    const others = { ...meadow(5), metadata: { ...meadow(5).metadata, finalizers: ['others.dev/x'] } }
    server.lists = [page([others], 10)]
    server.watches = [events([])]
    const both = { ...meadow(6), metadata: { ...meadow(6).metadata, finalizers: ['others.dev/x', 'bailiwick.dev/zone'] } }
    answerWrites(() => ({ status: 200, body: both }))
    const zones = new KubernetesZones(options())
    await zones.watch(() => {}, stop.signal)
    await zones.setFinalizer(zones.get('game/meadow') as Zone, true)
    await zones.setFinalizer(zones.get('game/meadow') as Zone, true)
    expect(written.map(({ body }) => (body as object[])[1])).toEqual([
      { op: 'add', path: '/metadata/finalizers', value: ['others.dev/x', 'bailiwick.dev/zone'] },
    ])
  })
})

describe('Fleets of a cluster', () => {
  const fleet = (version: number, spec: Record<string, unknown>): KubernetesObject => object('zone-servers', version, { spec })

  test('changed numbers of servers concern no zone; a changed template, owner or end does', async () => {
    const template = { spec: { template: {} } }
    server.lists = [page([fleet(1, { replicas: 1, template })], 10), page([], 10)]
    server.watches = [
      events([
        event('MODIFIED', fleet(11, { replicas: 9, template })),
        event('MODIFIED', fleet(12, { replicas: 9, template: {} })),
        event('DELETED', fleet(13, {})),
      ]),
      events([]),
    ]
    const changed: string[] = []
    const fleets = new KubernetesFleets(options())
    await fleets.watchFleets((id) => changed.push(id), stop.signal)
    await vi.waitFor(() => expect(changed).toHaveLength(3), 15_000)
    expect(fleets.get('game/zone-servers')).toBeUndefined()
  })

  test('what becomes of game servers', async () => {
    const gameServer = (name: string, version: number, state: string, extra: Record<string, unknown> = {}): KubernetesObject => {
      const { metadata } = object(name, version)
      return { metadata: { ...metadata, labels: { 'agones.dev/fleet': 'zone-servers' }, ...extra }, status: { state } }
    }
    server.lists = [page([gameServer('a', 1, 'Allocated'), gameServer('b', 2, 'Error'), gameServer('c', 3, 'Allocated')], 10)]
    server.watches = [
      events([
        event('MODIFIED', gameServer('a', 11, 'Shutdown')),
        event('MODIFIED', gameServer('c', 12, 'Allocated', { deletionTimestamp: 'now' })),
        event('DELETED', gameServer('a', 13, 'Shutdown')),
        event('MODIFIED', gameServer('c', 15, 'Unhealthy', { deletionTimestamp: 'now' })),
        event('ADDED', object('stranger', 14, { status: { state: 'Error' } })),
      ]),
    ]
    const fates: ServerFate[] = []
    const fleets = new KubernetesFleets(options())
    await fleets.watchServers((server) => fates.push(server), stop.signal)
    await vi.waitFor(
      () => expect(fates.map(({ name, fate }) => `${name} ${fate}`)).toEqual(['b gone', 'a leaving', 'c leaving', 'a gone', 'c unhealthy']),
      15_000,
    )
    expect(fleets.troubleOf('game/zone-servers')).toContain('game server b is in state Error')
    expect(fleets.troubleOf('game/other')).toBeUndefined()
  })
})

describe('nodes', () => {
  test('which are cordoned, and when that changes', async () => {
    const node = (name: string, version: number, unschedulable?: boolean): KubernetesObject => ({
      metadata: { name, uid: name, resourceVersion: String(version) },
      spec: { podCIDR: '10.0.0.0/24', ...(unschedulable === undefined ? {} : { unschedulable }) },
    })
    server.lists = [page([node('a', 1), node('b', 2, true), node('c', 3, true)], 10)]
    server.watches = [
      events([
        event('MODIFIED', node('a', 11)),
        event('MODIFIED', node('a', 12, true)),
        event('MODIFIED', node('a', 13, true)),
        event('MODIFIED', node('b', 14)),
        event('DELETED', node('c', 15, true)),
      ]),
    ]
    const nodes = new KubernetesNodes({ client, log: silentLog })
    const seen: string[] = []
    nodes.watchNodes(() => seen.push(['a', 'b', 'c'].filter((name) => nodes.isCordoned(name)).join('')), stop.signal)
    await vi.waitFor(() => expect(seen).toEqual(['b', 'bc', 'abc', 'ac', 'a']), 15_000)
    expect(['a', 'b', 'c', 'd'].map((name) => nodes.isCordoned(name))).toEqual([true, false, undefined, undefined])
  })
})

describe('events', () => {
  const about = object('meadow', 1)

  test('the same event is one Event whose count rises, written now and then', async () => {
    answerWrites(() => ({ status: 200, body: object('e', 1) }))
    const writer = new EventWriter(client, clock, silentLog)
    for (let n = 0; n < 50; n++) writer.write(about, { type: 'Normal', reason: 'Running', message: 'players can join' })
    clock.advance(EVENT_REPEAT_AFTER)
    writer.write(about, { type: 'Normal', reason: 'Running', message: 'players can join' })
    await vi.waitFor(() => expect(written).toHaveLength(2), 15_000)
    expect(written.map(({ method, body }) => [method, (body as { count: number }).count])).toEqual([
      ['POST', 1],
      ['PATCH', 51],
    ])
  })

  test('one that an operator before wrote is told again, by its time', async () => {
    answerWrites((body) => {
      const isNew = (body as { kind?: string }).kind === 'Event'
      return isNew ? { status: 409, body: { message: 'exists' } } : { status: 200, body: object('e', 1) }
    })
    const writer = new EventWriter(client, clock, silentLog)
    writer.write(about, { type: 'Normal', reason: 'Running', message: 'players can join' })
    await vi.waitFor(() => expect(written).toHaveLength(2), 15_000)
    expect(written[1]).toMatchObject({
      method: 'PATCH',
      body: { lastTimestamp: (written[0]?.body as { lastTimestamp?: string } | undefined)?.lastTimestamp ?? 'never' },
    })
  })

  test('a clock that is set back takes nothing of the budget away', async () => {
    answerWrites(() => ({ status: 200, body: object('e', 1) }))
    const writer = new EventWriter(client, clock, silentLog)
    writer.write(about, { type: 'Warning', reason: 'Failed', message: 'before' })
    clock.advance(-3_600_000)
    writer.write(about, { type: 'Warning', reason: 'Failed', message: 'after' })
    await vi.waitFor(() => expect(written).toHaveLength(2), 15_000)
  })

  test('a flood of different ones is held to a budget, and what fails fails alone', async () => {
    answerWrites(() => ({ status: 403, body: { message: 'no' } }))
    const writer = new EventWriter(client, clock, silentLog)
    for (let n = 0; n < 1_000; n++) writer.write(about, { type: 'Warning', reason: 'Failed', message: `layer ${n}` })
    await vi.waitFor(() => expect(written).toHaveLength(100), 15_000)
    clock.advance(1_000)
    for (let n = 0; n < 1_000; n++) writer.write(about, { type: 'Warning', reason: 'Failed', message: `again ${n}` })
    await vi.waitFor(() => expect(written).toHaveLength(110), 15_000)
  })
  test('what ten thousand zones say of players leaves room for a warning, and what had no room is said later', async () => {
    answerWrites(() => ({ status: 200, body: object('e', 1) }))
    const writer = new EventWriter(client, clock, silentLog)
    const plain = { type: 'Normal', reason: 'Running', message: 'players can join' } as const
    for (let n = 0; n < 1_000; n++) writer.write(object(`zone-${n}`, 1), { ...plain, message: `players can join ${n}` })
    for (let n = 0; n < 10; n++) writer.write(about, { type: 'Warning', reason: 'Failed', message: `layer ${n}` })
    await vi.waitFor(() => expect(written).toHaveLength(80), 15_000)
    clock.advance(10_000)
    writer.write(object('zone-999', 1), { ...plain, message: 'players can join 999' })
    await vi.waitFor(() => expect(written.filter(({ body }) => (body as { type?: string }).type === 'Normal')).toHaveLength(71), 15_000)
  })
})
