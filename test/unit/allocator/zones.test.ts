import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { COPY_STALE_AFTER } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { IndexCopy } from '../../../services/allocator/copy/index-copy.ts'
import { ZoneEntry, zoneOf } from '../../../services/allocator/copy/zone-entry.ts'
import { Watchers } from '../../../services/allocator/watchers.ts'
import { fleet, IndexHost, meadow, zoneSettings } from '../client/doubles/index-host.ts'
import { allocatorStage, type Stage } from './stage.ts'

const PATIENCE = { timeout: 15_000, interval: 5 }

async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const answer = await fetch(url, { headers })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text), headers: answer.headers }
}

/** Three zones in two namespaces; a host serves what is joined. */
async function populated(): Promise<Stage> {
  const stage = await allocatorStage()
  for (const zone of ['game/forest', 'game/meadow', 'test/meadow'] as const) await stage.index.putZone(zoneSettings({ zone, uid: zone }))
  const host = new IndexHost(stage.index, { name: 'h', endpoints: ['10.0.0.1:7000'] })
  await host.start()
  onTestFinished(() => host.die())
  expect((await stage.join(meadow, 'ada')).status).toBe(200)
  const served = host.served.get(`${meadow}/0`)
  if (served !== undefined) served.players = 2
  await vi.waitFor(
    async () => expect((await get(`${stage.url}/v1/zones/game/meadow`)).body).toMatchObject({ state: 'Serving', players: 2 }),
    PATIENCE,
  )
  return stage
}

describe('the list of zones', () => {
  it('is filtered, and comes page by page', async () => {
    const { url } = await populated()
    const names = async (query: string): Promise<unknown> => {
      const { status, body } = await get(`${url}/v1/zones?${query}`)
      expect(status).toBe(200)
      return (body['zones'] as { namespace: string; name: string }[]).map(({ namespace, name }) => `${namespace}/${name}`)
    }
    await vi.waitFor(async () => expect(await names('')).toHaveLength(3), PATIENCE)
    expect(await names('namespace=game')).toEqual(['game/forest', 'game/meadow'])
    expect(await names('prefix=mea')).toEqual(['game/meadow', 'test/meadow'])
    expect(await names('state=Serving')).toEqual(['game/meadow'])
    expect(await names('players=true')).toEqual(['game/meadow'])
    expect(await names('players=false&namespace=game')).toEqual(['game/forest'])
    const first = await get(`${url}/v1/zones?limit=2`)
    expect(first.body).toMatchObject({ next: 'game/meadow', age: expect.any(Number) })
    expect(await names('limit=2&cursor=game/meadow')).toEqual(['test/meadow'])
    expect((await get(`${url}/v1/zones?limit=3`)).body).not.toHaveProperty('next')
    expect((await get(`${url}/v1/zones`)).body['zones']).toContainEqual({
      namespace: 'game',
      name: 'meadow',
      state: 'Serving',
      players: 2,
      layers: 1,
    })
  })

  it.each(['limit=0', 'limit=1001', 'limit=x', 'state=Running', 'players=maybe', 'cursor=meadow', 'prefix=A', 'colour=red'])(
    'refuses %s',
    async (query) => {
      const { url } = await allocatorStage()
      expect(await get(`${url}/v1/zones?${query}`)).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    },
  )
})

describe('one zone', () => {
  it('has an ETag, which holds as long as what is said holds', async () => {
    const { url, index } = await populated()
    const address = `${url}/v1/zones/game/meadow`
    const first = await get(address)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^W\/"/)
    expect(first.body['age']).toBe(Number(first.headers.get('x-index-age')))
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*'])
      expect(await get(address, { 'if-none-match': known })).toMatchObject({ status: 304, body: {} })
    expect(await get(address, { 'if-none-match': '"other"' })).toMatchObject({ status: 200 })
    await index.putZone(zoneSettings({ generation: 2, uid: meadow, suspended: true }))
    await vi.waitFor(
      async () => expect(await get(address, { 'if-none-match': etag })).toMatchObject({ status: 200, body: { state: 'Suspended' } }),
      PATIENCE,
    )
  })

  it('names the zones whose border with it is open', async () => {
    const { url, index } = await populated()
    const neighbours = async (): Promise<unknown> => (await get(`${url}/v1/zones/game/forest`)).body['neighbours']
    expect(await neighbours()).toEqual([])
    await index.putZone(zoneSettings({ zone: 'game/forest', generation: 2, uid: 'game/forest', neighbours: [meadow] }))
    await vi.waitFor(async () => expect(await neighbours()).toEqual([meadow]), PATIENCE)
  })

  it('is waited for until it changes, or for so long', async () => {
    const { url, index } = await populated()
    const address = `${url}/v1/zones/game/forest`
    const etag = (await get(address)).headers.get('etag') ?? ''
    expect(await get(`${address}?wait=10&since=${encodeURIComponent(etag)}`)).toMatchObject({ status: 304 })
    expect(await get(`${address}?wait=10000&since=other`)).toMatchObject({ status: 200 })
    const changed = get(`${address}?wait=10000`, { 'if-none-match': etag })
    const gone = get(
      `${url}/v1/zones/test/meadow?wait=10000&since=${encodeURIComponent((await get(`${url}/v1/zones/test/meadow`)).headers.get('etag') ?? '')}`,
    )
    await index.putZone(zoneSettings({ zone: 'game/forest', generation: 2, uid: 'game/forest', suspended: true }))
    await index.deleteZone('test/meadow', 'test/meadow')
    expect(await changed).toMatchObject({ status: 200, body: { state: 'Suspended' } })
    expect(await gone).toMatchObject({ status: 404, body: { code: 'ZoneUnknown' } })
  })

  it('streams its changes until it is gone', async () => {
    const { url, index } = await populated()
    const answer = await fetch(`${url}/v1/zones/game/forest`, { headers: { accept: 'text/event-stream' } })
    expect(answer.headers.get('content-type')).toMatch('text/event-stream')
    let text = ''
    const reading = (async () => {
      for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) text += part
    })()
    await vi.waitFor(() => expect(text).toContain('"state":"Asleep"'), PATIENCE)
    await index.putZone(zoneSettings({ zone: 'game/forest', generation: 2, uid: 'game/forest', suspended: true }))
    await vi.waitFor(() => expect(text).toContain('"state":"Suspended"'), PATIENCE)
    await index.deleteZone('game/forest', 'game/forest')
    await reading
    const events = text.split('\n\n').filter((one) => one.startsWith('event:'))
    expect(events.map((one) => one.split('\n')[0])).toEqual(['event: zone', 'event: zone', 'event: gone'])
  })

  it('that is streamed moves to a fleet that no other zone uses: that is told, and the list is answered as before', async () => {
    const { url, index } = await populated()
    const answer = await fetch(`${url}/v1/zones/game/forest`, { headers: { accept: 'text/event-stream' } })
    let text = ''
    void (async () => {
      for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) text += part
    })().catch(() => undefined)
    await vi.waitFor(() => expect(text).toContain('"state":"Asleep"'), PATIENCE)
    await index.putZone(zoneSettings({ zone: 'game/forest', generation: 2, uid: 'game/forest', fleet: 'game/other', suspended: true }))
    await vi.waitFor(() => expect(text).toContain('"state":"Suspended"'), PATIENCE)
    await vi.waitFor(async () => {
      for (const path of ['', '/game/meadow', '/game/forest']) expect((await get(`${url}/v1/zones${path}`)).status).toBe(200)
    }, PATIENCE)
    await index.deleteZone('game/forest', 'game/forest')
    await vi.waitFor(() => expect(text).toContain('event: gone'), PATIENCE)
  })

  it('that is not there, is 404 also for who would wait', async () => {
    const { url } = await allocatorStage()
    for (const headers of [{}, { accept: 'text/event-stream' }])
      expect(await get(`${url}/v1/zones/game/nowhere?wait=1000&since=x`, headers)).toMatchObject({
        status: 404,
        body: { code: 'ZoneUnknown' },
      })
  })
})

describe('players', () => {
  it('are shown to their account and to moderators', async () => {
    const stage = await allocatorStage()
    const ask = async (character: string, token: string) =>
      get(`${stage.url}/v1/players/${character}`, { authorization: `Bearer ${token}` })
    await stage.index.setLocation('ada', 3, { state: 'InZone', zone: meadow, layer: `${meadow}/0`, account: 'account-1' })
    const own = await stage.token('account-1')
    expect(await ask('ada', own)).toMatchObject({
      status: 200,
      body: { character: 'ada', state: 'InZone', zone: meadow, layer: `${meadow}/0`, since: expect.any(Number), age: expect.any(Number) },
    })
    expect((await ask('ada', own)).body).not.toHaveProperty('account')
    expect(await ask('ada', await stage.token('account-2'))).toMatchObject({ status: 403, body: { code: 'CharacterNotYours' } })
    expect(await ask('ada', await stage.token('account-2', 'moderator'))).toMatchObject({ status: 200 })
    expect(await ask('bob', own)).toMatchObject({ status: 404, body: { code: 'CharacterUnknown' } })
    expect(await get(`${stage.url}/v1/players/ada`)).toMatchObject({ status: 401 })
    await stage.index.setLocation('ada', 4, { state: 'Offline', account: 'account-1' })
    expect((await ask('ada', own)).body).toMatchObject({ state: 'Offline' })
  })
})

describe('limits', () => {
  it('an account that asks too often is told when to come back, whatever its address; others are not', async () => {
    const stage = await allocatorStage({ accountRate: { perSecond: 0.1, burst: 2, addresses: 10 } })
    const ask = async (token: string) => get(`${stage.url}/v1/players/ada`, { authorization: `Bearer ${token}` })
    const token = await stage.token('account-1')
    expect([(await ask(token)).status, (await ask(token)).status]).toEqual([404, 404])
    const refused = await ask(token)
    expect(refused).toMatchObject({ status: 429, body: { code: 'TooManyRequests' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask(await stage.token('account-2'))).status).toBe(404)
  })

  it('those who wait are bounded, in all and of one address', () => {
    const watchers = new Watchers()
    const leaves = Array.from({ length: 200 }, () => watchers.enter('10.0.0.1'))
    expect(() => watchers.enter('::ffff:10.0.0.1')).toThrow(expect.objectContaining({ code: 'TooManyRequests' }))
    leaves[0]?.()
    leaves[0]?.()
    watchers.enter('10.0.0.1')
    for (let i = watchers.count; i < 5_000; i++) watchers.enter(`10.1.${i % 100}.1`)
    expect(() => watchers.enter('10.2.0.1')).toThrow(expect.objectContaining({ code: 'Busy' }))
    const ofSite = new Watchers()
    const left = Array.from({ length: 3_200 }, (_, k) => ofSite.enter(`2001:db8:1:${k.toString(16)}::1`))
    expect(() => ofSite.enter('2001:db8:1:ffff::1')).toThrow(expect.objectContaining({ code: 'TooManyRequests' }))
    ofSite.enter('2001:db8:2::1')()
    for (const leave of left) leave()
    expect(ofSite.count).toBe(0)
  })
})

describe('the copy of the index', () => {
  it('says how old it is, and answers no more when it is too old', async () => {
    const clock = new ManualClock()
    const real = createMemoryIndex({ clock })
    let away = false
    const index = new Proxy(real, {
      get: (target, name: keyof ZoneIndex) =>
        away && (name === 'fleetNews' || name === 'zoneNews') ? () => Promise.reject(new BailiwickError('IndexUnavailable')) : target[name],
    })
    await real.putZone(zoneSettings())
    let later = 0
    const copy = new IndexCopy(index, silentLog, () => performance.now() + later)
    onTestFinished(() => copy.stop())
    expect(() => copy.find(meadow)).toThrow(expect.objectContaining({ code: 'IndexStale' }))
    await copy.start()
    expect(copy.find(meadow)?.entry.settings).toEqual(zoneSettings())
    away = true
    later = COPY_STALE_AFTER / 2
    expect(copy.find(meadow)?.age).toBeGreaterThanOrEqual(later)
    later = COPY_STALE_AFTER * 4
    for (const ask of [() => copy.find(meadow), () => copy.find('game/nowhere'), () => copy.list(undefined)])
      expect(ask).toThrow(expect.objectContaining({ code: 'IndexStale', retryAfterMs: expect.any(Number) }))
    later = 0
    away = false
    await real.registerHost(fleet, { name: 'h', incarnation: 'i', node: 'n', endpoints: ['a:1'], capacity: 1 })
    await real.placeLayer(fleet, `${meadow}/0`)
    await vi.waitFor(() => expect(copy.find(meadow)?.entry.described.state).toBe('Waking'), PATIENCE)
  })

  it('has missed nothing after it was too old, whatever those who watch do, and tells them', async () => {
    const index = createMemoryIndex({ clock: new ManualClock() })
    const zones = ['game/forest', meadow, 'test/meadow'] as const
    for (const zone of zones) await index.putZone(zoneSettings({ zone, uid: zone }))
    let later = 0
    const copy = new IndexCopy(index, silentLog, () => performance.now() + later)
    onTestFinished(() => copy.stop())
    await copy.start()
    const failed = new Set<string>()
    const told = new Map<string, string | undefined>()
    for (const zone of zones) {
      copy.watch(zone, () => {
        failed.add(zone)
        told.set(zone, copy.find(zone)?.entry.described.detail)
      })
      copy.watch(zone, () => {
        throw new Error('a watcher that fails')
      })
    }
    later = COPY_STALE_AFTER * 4
    await index.registerHost(fleet, { name: 'h', incarnation: 'i', node: 'n', endpoints: ['a:1'], capacity: 9 })
    for (const zone of zones) await index.placeLayer(fleet, `${zone}/0`)
    await vi.waitFor(() => expect([...failed].sort()).toEqual(zones), PATIENCE)
    expect(told.size).toBe(0)
    later = 0
    await vi.waitFor(() => expect([...told.keys()].sort()).toEqual(zones), PATIENCE)
    const { layers } = await index.fleetView(fleet)
    for (const zone of zones) {
      const own = layers.filter(({ layer }) => zoneOf(layer) === zone)
      const { detail } = new ZoneEntry(zoneSettings({ zone, uid: zone }), () => own).described
      await vi.waitFor(() => expect([copy.find(zone)?.entry.described.detail, told.get(zone)]).toEqual([detail, detail]), PATIENCE)
    }
  })

  it('follows a zone to another fleet, and forgets what is gone', async () => {
    const index = createMemoryIndex({ clock: new ManualClock() })
    await index.putZone(zoneSettings())
    await index.registerHost(fleet, { name: 'h', incarnation: 'i', node: 'n', endpoints: ['a:1'], capacity: 1 })
    await index.placeLayer(fleet, `${meadow}/0`)
    const copy = new IndexCopy(index, silentLog)
    onTestFinished(() => copy.stop())
    await copy.start()
    expect(copy.find(meadow)?.entry.described.state).toBe('Waking')
    await index.putZone(zoneSettings({ generation: 2, fleet: 'game/other' }))
    await vi.waitFor(() => expect(copy.find(meadow)?.entry.described.state).toBe('Asleep'), PATIENCE)
    index.flush()
    await vi.waitFor(() => expect([copy.find(meadow), copy.size]).toEqual([undefined, 0]), PATIENCE)
  })
})
