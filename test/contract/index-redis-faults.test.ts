import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { defaultIndexRules } from '../../core/index-rules.ts'
import type { FleetChange } from '../../core/ports/index-port.ts'
import { fleetChanges, fleetClock, fleetKeys, zoneContents, zoneSettings } from '../../platform/redis/keys.ts'
import { readLibrary } from '../../platform/redis/library.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { smallZone } from '../zone-settings.ts'
import { beat, createWorld, PATIENCE, registration, report, rules, type World } from './index-harness.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import { type Line, opened, rawClient, reached, recordingLog, started } from './redis-stage.ts'

/** What happens to the zone index when Redis is killed, frozen, emptied or badly set up. */
vi.setConfig({ testTimeout: 60_000 })

/** Of a changed library: raise LIBRARY_VERSION once it was released, and write the new digest here. */
const recorded = [1, '2a521d07e6f92df5']

/** What the first release's library knew: its programs pass these rules and so many keys. */
const firstRules = new Set([
  'hostDeadAfter',
  'grace',
  'clockJump',
  'claimDeadline',
  'claimLimit',
  'hostForgottenAfter',
  'leavingCounted',
  'barForgottenAfter',
  'ticketRemembered',
  'failedLayerWaitMin',
  'failedLayerWaitMax',
  'ticketsPerLayer',
  'sweepLimit',
  'failureLength',
  'changesKept',
])
const FIRST_KEYS = 15
const isFirst = ([rule]: [string, unknown]): boolean => firstRules.has(rule)

interface Scene {
  readonly server: RedisServer
  readonly world: World
  readonly lines: Line[]
}

/** A fleet with host a, which serves layer 0, and host b. */
async function scene(): Promise<Scene> {
  // With everysec a killed Redis may lose what it answered while its disk was slow.
  const server = await started(['--appendfsync', 'always'])
  const raw = await rawClient(server)
  const { index, lines } = opened(server.url)
  const world = createWorld({
    index,
    advance: async (fleet, ms) => void (await raw.hIncrBy(fleetClock(fleet), 'offset', ms)),
    flush: async () => void (await raw.flushAll()),
    restart: async () => {
      await server.kill()
      await server.start()
    },
  })
  await world.register('a')
  await world.serve(world.layer(0), 7, 3)
  await world.register('b')
  return { server, world, lines }
}

async function watched(world: World): Promise<FleetChange[]> {
  const changes: FleetChange[] = []
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  await world.index.watchFleet(world.fleet, (change) => changes.push(change), controller.signal)
  return changes
}

describe('a killed Redis', () => {
  it('has forgotten nothing when it is back; meanwhile calls say so, and watches tell of a gap', async () => {
    const { server, world, lines } = await scene()
    const { index, fleet } = world
    const before = await index.fleetView(fleet)
    const changes = await watched(world)
    await server.kill()
    const refused = [
      index.getLayer(fleet, world.layer(0)),
      index.heartbeat(fleet, beat('a')),
      index.ping(),
      index.watchFleet(fleet, () => undefined, new AbortController().signal),
    ]
    for (const call of await Promise.allSettled(refused)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'IndexUnavailable' } })
    }
    await server.start()
    await reached(index)
    expect({ ...(await index.fleetView(fleet)), now: 0 }).toEqual({ ...before, now: 0 })
    await vi.waitFor(() => expect(changes).toEqual([{ kind: 'gap' }]), PATIENCE)
    await index.drainHost(fleet, 'b')
    await vi.waitFor(() => expect(changes).toEqual([{ kind: 'gap' }, { kind: 'host', host: 'b' }]), PATIENCE)
    await index.close()
    // Of each connection one line when it broke and one when it was made again, however often it was tried.
    const told = lines.filter((line) => line.event.startsWith('zone index'))
    expect(told.map((line) => line.level).sort()).toEqual(['info', 'info', 'warn', 'warn', 'warn'])
  })

  it('finds nobody dead until everybody had time to be heard', async () => {
    const { server, world } = await scene()
    const { index, fleet } = world
    await world.live(2, [beat('b')])
    await server.kill()
    await server.start()
    await reached(index)
    await world.live(1, [beat('b')])
    expect(await index.sweep(fleet)).toBe(0)
    expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'a', state: 'Serving' })
    await world.live(3, [beat('b')])
    expect(await index.sweep(fleet)).toBe(1)
    expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'b', generation: 2 })
  })
})

describe('an emptied Redis', () => {
  it('has the library again with the next call, and its layers when the hosts are back', async () => {
    const { server, world } = await scene()
    const { index, fleet } = world
    const raw = await rawClient(server)
    await raw.flushAll()
    await raw.functionFlush()
    const serving = [report(world.layer(0), 5, 7, 'Serving', 3)]
    expect(await index.heartbeat(fleet, beat('a', serving))).toMatchObject({ known: false })
    await index.registerHost(fleet, registration('a'), serving)
    expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Serving', generation: 5, epoch: 7, host: 'a', players: 3 })
  })
})

describe('a frozen Redis', () => {
  it('is given up after the deadline of a call, and reached again when it goes on', async () => {
    const { server, world, lines } = await scene()
    const { pid } = server
    if (pid === undefined) throw new Error('redis-server does not run')
    process.kill(pid, 'SIGSTOP')
    try {
      await expect(world.index.ping()).rejects.toMatchObject({
        code: 'IndexUnavailable',
        found: expect.stringContaining('no answer within'),
      })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await reached(world.index)
    expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Serving', host: 'a' })
    expect(lines.filter((line) => line.level === 'warn')).toHaveLength(1)
  })
})

describe('a watch', () => {
  it('tells of a gap when changes are gone that it has not read', async () => {
    const { server, world } = await scene()
    const raw = await rawClient(server)
    const changes = await watched(world)
    const [last] = (await raw.xRevRange(fleetChanges(world.fleet), '+', '-', { COUNT: 1 })) ?? []
    const number = Number(last?.message['n']) + 5
    await raw.xAdd(fleetChanges(world.fleet), '*', { n: String(number), kind: 'host', id: 'later', host: 'later' })
    await vi.waitFor(() => expect(changes).toEqual([{ kind: 'gap' }, { kind: 'host', host: 'later' }]), PATIENCE)
  })
})

describe('the function library', () => {
  const stand = (version: number, digest: string): string =>
    `#!lua name=bailiwick\nredis.register_function{function_name='bailiwick_version', callback=function() return {${version}, '${digest}'} end, flags={'no-writes'}}`

  it.each([
    ['an older one is replaced', 0, true],
    ['another one of the same version is replaced', 1, true],
    ['a newer one is left alone', 1_000_000, false],
  ])('%s', async (_, version, replaced) => {
    const server = await started()
    const raw = await rawClient(server)
    await raw.functionLoad(stand(version, 'other'))
    const { index } = opened(server.url)
    await reached(index)
    const found = await raw.sendCommand<[number, string]>(['FCALL_RO', 'bailiwick_version', '0'])
    expect(found[0] === version && found[1] === 'other').toBe(!replaced)
    await raw.functionLoad(stand(version, 'other'), { REPLACE: true })
    await index.ping()
    const again = await raw.sendCommand<[number, string]>(['FCALL_RO', 'bailiwick_version', '0'])
    expect(again[1] === 'other').toBe(!replaced)
  })
})

describe('the text of the library', () => {
  it('changes only with its version, or servers that have it would not load the new one', () => {
    const { version, digest } = readLibrary()
    expect([version, digest]).toEqual(recorded)
  })
})

describe('a program of the first release', () => {
  it('is answered by the default of every rule that it does not send', () => {
    const [, table = ''] = /local LATER_RULES = \{([^}]*)\}/.exec(readLibrary().text) ?? []
    const later = [...table.matchAll(/(\w+) = (\d+)/g)].map(([, rule, value]) => [rule, Number(value)])
    expect(Object.fromEntries(later)).toEqual(Object.fromEntries(Object.entries(defaultIndexRules).filter((rule) => !isFirst(rule))))
  })

  it('places and scales, and says nothing of Allocated servers', async () => {
    const { server, world } = await scene()
    const raw = await rawClient(server)
    const keys = fleetKeys(world.fleet).slice(0, FIRST_KEYS)
    const sent = JSON.stringify(Object.fromEntries(Object.entries({ ...defaultIndexRules, ...rules }).filter(isFirst)))
    const ask = (name: string, asked: object) => raw.fCall(`bailiwick_${name}`, { keys, arguments: [sent, JSON.stringify(asked)] })
    await ask('register_host', { host: registration('c'), serving: [] })
    await ask('place_layer', { layer: world.layer(1) })
    expect(await world.index.getLayer(world.fleet, world.layer(1))).toMatchObject({ state: 'Assigned' })
    const counts = await ask('autoscale', { min: 0, max: 9, spare: 0, emptyAfterMs: 1_000 })
    expect(JSON.parse(String(counts))).toMatchObject({ live: 3, strays: 0 })
  })

  it('stored no hash of a content: such a zone is changed and deleted', async () => {
    const { server, world } = await scene()
    const raw = await rawClient(server)
    const { zone, uid } = smallZone()
    const store = () => raw.hSet(zoneSettings, zone, JSON.stringify({ ...smallZone(), content: { walls: [] } }))
    await store()
    expect(await world.index.putZone(smallZone({ generation: 2, content: 'hash' }), 'text')).toBe('Done')
    expect(await world.index.getZone(zone)).toMatchObject({ content: 'hash' })
    expect(await raw.hGet(zoneContents, 'hash')).toBe('text')
    await store()
    await world.index.deleteZone(zone, uid)
    expect(await world.index.getZone(zone)).toBeUndefined()
  })
})

describe('the connection', () => {
  it('warns of settings that may lose what the index knows, and of nothing else', async () => {
    const careless = await started(['--appendonly', 'no', '--appendfsync', 'no', '--maxmemory-policy', 'allkeys-lru'])
    const first = opened(careless.url)
    await reached(first.index)
    expect(first.lines.map(({ level, setting, found }) => [level, setting, found]).sort()).toEqual([
      ['warn', 'appendfsync', 'no'],
      ['warn', 'appendonly', 'no'],
      ['warn', 'maxmemory-policy', 'allkeys-lru'],
    ])
    const careful = opened((await started(['--appendfsync', 'always'])).url)
    await reached(careful.index)
    expect(careful.lines).toEqual([])
  })

  it('warns of replicas that nobody waits for', async () => {
    const server = await started(['--repl-diskless-sync-delay', '0'])
    await started(['--replicaof', '127.0.0.1', String(server.port)])
    const raw = await rawClient(server)
    await vi.waitFor(async () => expect(await raw.info('replication')).toContain('state=online'), PATIENCE)
    const careless = opened(server.url)
    await reached(careless.index)
    expect(careless.lines.map(({ level, setting, found, recommended }) => [level, setting, found, recommended])).toEqual([
      ['warn', 'min-replicas-to-write', '0', '1'],
    ])
    await raw.configSet('min-replicas-to-write', '1')
    const careful = opened(server.url)
    await reached(careful.index)
    expect(careful.lines).toEqual([])
  })

  it('to nobody says IndexUnavailable, once in the log, and never the password', async () => {
    const server = await startRedisServer()
    await server.stop()
    const { index, lines } = opened(`redis://user:hunter2@127.0.0.1:${server.port}`)
    await expect(index.ping()).rejects.toMatchObject({ code: 'IndexUnavailable', found: expect.stringContaining('ECONNREFUSED') })
    await expect(index.ping()).rejects.toMatchObject({ code: 'IndexUnavailable' })
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  it('needs a URL that is one', () => {
    for (const url of ['', 'localhost:6379', 'http://localhost']) {
      expect(() => createRedisIndex({ url, log: recordingLog([]) })).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }))
    }
  })
})
