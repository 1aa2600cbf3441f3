import { describe, expect, it, onTestFinished } from 'vitest'
import { readJoin } from '../../../client/answers.ts'
import { systemClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { readTicket } from '../../../core/ticket.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { fleet, type HostOptions, IndexHost, meadow, zoneSettings } from '../client/doubles/index-host.ts'
import { allocatorStage } from './stage.ts'

async function startHost(index: ZoneIndex, parts: Partial<HostOptions> = {}): Promise<IndexHost> {
  const host = new IndexHost(index, { name: 'host-1', endpoints: ['127.0.0.1:7000'], ...parts })
  onTestFinished(() => host.die())
  await host.start()
  return host
}

describe('join', () => {
  it('a quarantined layer is told with its reason, and does not keep others from another layer', async () => {
    const stage = await allocatorStage()
    const { index } = stage
    const crash = { tick: 7, replayed: true }
    await index.putZone(zoneSettings({ layers: { min: 1, max: 1, maxPlayers: 10 } }))
    await index.registerHost(fleet, { name: 'host-1', incarnation: 'a', node: 'n', endpoints: ['127.0.0.1:7000'], capacity: 4 })
    await expect
      .poll(async () => {
        const { state, generation, host } = await index.placeLayer(fleet, 'game/meadow/0')
        if (host !== undefined) await index.failLayer(fleet, 'game/meadow/0', host, generation, 'at tick 7', crash)
        return state
      })
      .toBe('Quarantined')
    const refused = await stage.join(meadow, 'character-1')
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('30')
    expect(await refused.json()).toMatchObject({ code: 'LayerQuarantined', detail: expect.stringContaining('at tick 7') })

    await index.putZone(zoneSettings({ generation: 2, layers: { min: 1, max: 2, maxPlayers: 10 } }))
    const host = await startHost(index, { name: 'host-2' })
    await index.removeHost(fleet, 'host-1')
    const joined = await stage.join(meadow, 'character-1')
    expect(readJoin(await joined.json(), 'join').layer).toBe('game/meadow/1')
    expect(host.claims.map(({ layer }) => layer)).toEqual(['game/meadow/1'])
    await index.setLocation('character-2', 1, { state: 'InZone', zone: meadow, layer: 'game/meadow/0' })
    expect(await (await stage.join(meadow, 'character-2')).json()).toMatchObject({ code: 'LayerQuarantined' })
  })

  it('20 joins at once of a sleeping zone wake it once, and each gets a ticket of its own', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    const host = await startHost(stage.index, { claimMs: 60 })
    const answers = await Promise.all(Array.from({ length: 20 }, (_, k) => stage.join(meadow, `character-${k}`)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200))
    const bodies = await Promise.all(answers.map(async (answer) => readJoin(await answer.json(), 'join')))
    // The one that woke it is any of them; later ones may find it claimed, or served.
    expect(bodies[0]).toEqual({
      layer: 'game/meadow/0',
      state: expect.stringMatching(/^(Waking|Serving)$/),
      epoch: expect.any(Number),
      generation: 1,
      endpoints: ['127.0.0.1:7000'],
      ticket: expect.stringMatching(/^game\/meadow\/0\/[A-Za-z0-9_-]{22}$/),
      expiresInMs: 15_000,
      age: expect.any(Number),
    })
    expect(new Set(bodies.map((body) => body.ticket)).size).toBe(20)
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Serving')
    expect(host.claims.map(({ layer, generation, epoch }) => ({ layer, generation, epoch }))).toEqual([
      { layer: 'game/meadow/0', generation: 1, epoch: 1 },
    ])
    const redeemed = await stage.index.redeemTicket(fleet, 'game/meadow/0', 'host-1', 1, readTicket(bodies[7]?.ticket ?? '').id)
    expect(redeemed).toEqual({ ok: true, account: 'account-1', character: 'character-7' })
    const metrics = await (await fetch(`${stage.internalUrl}/metrics`)).text()
    expect(metrics).toMatch(/bailiwick_joins_total\{result="Joined".*\} 20/)
    expect(metrics).toMatch(/bailiwick_joins_waiting\{.*\} 0/)
    expect(metrics).toMatch(/bailiwick_join_wakes_total\{.*\} [1-9]/)
  })

  it('joins through two allocators at once wake a zone once', async () => {
    const one = await allocatorStage()
    const two = await allocatorStage({ index: one.index })
    await one.index.putZone(zoneSettings())
    const host = await startHost(one.index, { claimMs: 60 })
    const answers = await Promise.all(Array.from({ length: 10 }, (_, k) => (k % 2 === 0 ? one : two).join(meadow, `character-${k}`)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200))
    await expect.poll(async () => (await one.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Serving')
    expect(host.claims.map(({ layer, generation }) => [layer, generation])).toEqual([['game/meadow/0', 1]])
  })

  it('tells at once whose turn would not come in time, and when it is worth to ask again', async () => {
    const index = createMemoryIndex({ clock: systemClock, timing: { podStartGuess: 45_000 } })
    onTestFinished(() => index.close())
    const stage = await allocatorStage({ index, joinWaitMs: 60_000 })
    await index.putZone(zoneSettings())
    const answer = await stage.join(meadow, 'c')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '46'])
    expect(await answer.json()).toMatchObject({
      code: 'NoCapacity',
      detail: expect.stringContaining('place 1 of 1'),
      queue: { place: 1, length: 1 },
    })
    expect((await index.getLayer(fleet, 'game/meadow/0')).state).toBe('Wished')
  })

  it('a queue that is full lets nobody in', async () => {
    const index = createMemoryIndex({ clock: systemClock, timing: { wishesMax: 0 } })
    onTestFinished(() => index.close())
    const stage = await allocatorStage({ index, joinWaitMs: 60_000 })
    await index.putZone(zoneSettings())
    const answer = await stage.join(meadow, 'c')
    expect(answer.status).toBe(503)
    const problem = (await answer.json()) as { queue: object }
    expect(problem).toMatchObject({ code: 'NoCapacity', detail: expect.stringContaining('full'), queue: { length: 0 } })
    expect(problem.queue).not.toHaveProperty('place')
    expect((await index.getLayer(fleet, 'game/meadow/0')).state).toBe('Asleep')
  })

  it('waits for a host that comes while it waits', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    const answer = stage.join(meadow, 'c')
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Wished')
    await startHost(stage.index)
    expect((await answer).status).toBe(200)
  })

  it('sees the layer placed though every notice of change is lost', async () => {
    const deaf = (index: ZoneIndex): ZoneIndex => ({ ...index, watchFleet: async () => {} })
    const stage = await allocatorStage({ wrap: deaf })
    await stage.index.putZone(zoneSettings())
    const answer = stage.join(meadow, 'c')
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Wished')
    await startHost(stage.index, { claimMs: 60 })
    expect((await answer).status).toBe(200)
  })

  it('sees the layer placed though watching fails', async () => {
    const broken = (index: ZoneIndex): ZoneIndex => ({
      ...index,
      watchFleet: async () => {
        throw new BailiwickError('IndexUnavailable', { found: 'no subscriptions' })
      },
    })
    const stage = await allocatorStage({ wrap: broken })
    await stage.index.putZone(zoneSettings())
    const answer = stage.join(meadow, 'c')
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Wished')
    await startHost(stage.index, { claimMs: 60 })
    expect((await answer).status).toBe(200)
  })

  it('says at the end of its patience that there is no host, or that the zone is on its way', async () => {
    const stage = await allocatorStage({ joinWaitMs: 200 })
    await stage.index.putZone(zoneSettings())
    const nobody = stage.join(meadow, 'c')
    const closing = await allocatorStage({ joinWaitMs: 200 })
    await closing.index.putZone(zoneSettings())
    await closing.index.registerHost(fleet, { name: 'h', incarnation: 'a', node: 'n', endpoints: ['127.0.0.1:7000'], capacity: 4 })
    await closing.index.placeLayer(fleet, 'game/meadow/0')
    const layers = [{ layer: 'game/meadow/0', generation: 1, epoch: 3, state: 'Closing', players: 0, dataSafe: true }] as const
    await closing.index.heartbeat(fleet, { host: 'h', incarnation: 'a', outdated: false, layers })
    const waking = closing.join(meadow, 'c')
    const [noHost, notYet] = await Promise.all([nobody, waking])
    expect([noHost.status, noHost.headers.get('retry-after')]).toEqual([503, '6'])
    expect(await noHost.json()).toMatchObject({ code: 'NoCapacity', detail: expect.stringContaining('place 1 of 1') })
    expect([notYet.status, notYet.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await notYet.json()).toMatchObject({ code: 'ZoneWaking', detail: expect.stringContaining('Closing') })
  })

  it('sends to a host that still brings the layer back, and not there again at once when nobody answered', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    const host = await startHost(stage.index, { claimMs: 60_000 })
    const place = readJoin(await (await stage.join(meadow, 'a')).json(), 'join')
    expect(place).toMatchObject({ state: 'Waking', epoch: 0, generation: 1, endpoints: ['127.0.0.1:7000'] })
    const state = async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state
    await expect.poll(state).toBe('Claiming')
    // Others are sent there meanwhile, and wake nothing anew.
    expect(readJoin(await (await stage.join(meadow, 'b')).json(), 'join')).toMatchObject({ state: 'Waking', layer: place.layer })
    const again = stage.join(meadow, 'a', undefined, { layer: place.layer, epoch: 0, generation: 1 })
    const metrics = async (): Promise<string> => (await fetch(`${stage.internalUrl}/metrics`)).text()
    await expect.poll(metrics).toMatch(/bailiwick_join_waits_total\{state="Unreached".*\} 1/)
    expect(host.claims).toHaveLength(1)
    // Its host gives it up, and may try once more: that is another place.
    await stage.index.failLayer(fleet, 'game/meadow/0', 'host-1', 1, 'it could not')
    await stage.index.placeLayer(fleet, 'game/meadow/0')
    const moved = readJoin(await (await again).json(), 'join')
    expect(moved).toMatchObject({ state: 'Waking', generation: 2 })
    expect(moved.ticket).not.toBe(place.ticket)
  })

  it('refuses what can not be joined, and wakes nothing by it', async () => {
    const stage = await allocatorStage()
    const host = await startHost(stage.index)
    await stage.index.putZone(zoneSettings())
    await stage.index.putZone(zoneSettings({ zone: 'game/closed', suspended: true }))
    const table: readonly (readonly [Promise<Response>, number, string])[] = [
      [stage.join('game/nowhere', 'c'), 404, 'ZoneUnknown'],
      [stage.join('game/closed', 'c'), 409, 'ZoneSuspended'],
      [stage.join('Game/meadow', 'c'), 400, 'InvalidInput'],
      [stage.join('game/meadow', ''), 400, 'InvalidInput'],
      [stage.join('game/meadow', 'a/b'), 400, 'InvalidInput'],
      [stage.join('game/meadow', 'c', 'no.valid.token'), 401, 'Unauthenticated'],
    ]
    for (const [answer, status, code] of table) {
      expect((await answer).status).toBe(status)
      expect(await (await answer).json()).toMatchObject({ code })
    }
    await fetch(`${stage.url}/v1/zones/game/meadow`)
    await fetch(`${stage.url}/v1/zones`)
    await fetch(`${stage.url}/readyz`)
    expect(host.claims).toEqual([])
    expect((await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Asleep')
  })

  it('opens another layer when the first is full, and says full when all are', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings({ layers: { min: 1, max: 2, maxPlayers: 3 } }))
    const host = await startHost(stage.index)
    const layerOf = async (answer: Response): Promise<unknown> => readJoin(await answer.json(), 'join').layer
    const fill = async (layer: 'game/meadow/0' | 'game/meadow/1'): Promise<void> => {
      const served = host.served.get(layer)
      if (served === undefined) throw new Error(`${layer} is not served`)
      served.players = 3
      await host.beat()
    }
    expect(await layerOf(await stage.join(meadow, 'a'))).toBe('game/meadow/0')
    await fill('game/meadow/0')
    expect(await layerOf(await stage.join(meadow, 'b'))).toBe('game/meadow/1')
    await fill('game/meadow/1')
    const full = await stage.join(meadow, 'c')
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await full.json()).toMatchObject({ code: 'ZoneFull' })
    await stage.index.setLocation('d', 3, { state: 'InZone', zone: meadow, layer: 'game/meadow/1' })
    expect(await layerOf(await stage.join(meadow, 'd'))).toBe('game/meadow/1')
  })

  it('a join while the layer closes waits until it is open again', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    const host = await startHost(stage.index)
    expect((await stage.join(meadow, 'a')).status).toBe(200)
    await stage.index.requestClose(fleet, 'game/meadow/0', 'Drain')
    const again = await (await stage.join(meadow, 'b')).json()
    expect(again).toMatchObject({ layer: 'game/meadow/0' })
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).epoch).toBe(2)
    expect(host.claims.length).toBe(2)
  })

  it('who could not reach the host is sent to the next one', async () => {
    const stage = await allocatorStage({ sweep: true })
    await stage.index.putZone(zoneSettings())
    const epochs = new Map<LayerId, number>()
    const first = await startHost(stage.index, { name: 'host-1', epochs })
    const place = readJoin(await (await stage.join(meadow, 'a')).json(), 'join')
    expect(place).toMatchObject({ state: 'Waking', epoch: 0, generation: 1 })
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Serving')
    const served = readJoin(await (await stage.join(meadow, 'b')).json(), 'join')
    expect(served).toMatchObject({ state: 'Serving', epoch: 1, generation: 1 })
    await first.die()
    const again = [
      stage.join(meadow, 'a', undefined, { layer: place.layer, epoch: 0, generation: 1 }),
      stage.join(meadow, 'b', undefined, { layer: place.layer, epoch: 1 }),
    ]
    await startHost(stage.index, { name: 'host-2', endpoints: ['127.0.0.1:7001'], epochs })
    for (const answer of again) expect(readJoin(await (await answer).json(), 'join').endpoints).toEqual(['127.0.0.1:7001'])
    const other = await stage.join(meadow, 'a', undefined, { layer: place.layer, epoch: 0, generation: 1 })
    expect(readJoin(await other.json(), 'join').generation).toBe(2)
  })

  it('who could not reach a host that died is sent to the next one while that still claims the layer', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    const first = await startHost(stage.index)
    await stage.join(meadow, 'a')
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Serving')
    const { layer, state, epoch } = readJoin(await (await stage.join(meadow, 'a')).json(), 'join')
    expect([state, epoch]).toEqual(['Serving', 1])
    const second = { name: 'host-2', incarnation: 'a', node: 'n', endpoints: ['127.0.0.1:7001'], capacity: 4, holdsHellos: true }
    await stage.index.registerHost(fleet, second)
    await first.die()
    await stage.index.removeHost(fleet, 'host-1')
    await stage.index.placeLayer(fleet, 'game/meadow/0')
    const layers = [{ layer: 'game/meadow/0', generation: 2, epoch: 0, state: 'Claiming', players: 0, dataSafe: true }] as const
    await stage.index.heartbeat(fleet, { host: 'host-2', incarnation: 'a', outdated: false, layers })
    // It keeps the epoch of before until the new one is known.
    expect(await stage.index.getLayer(fleet, 'game/meadow/0')).toMatchObject({ state: 'Claiming', host: 'host-2', epoch: 1, generation: 2 })
    const answer = readJoin(await (await stage.join(meadow, 'a', undefined, { layer, epoch })).json(), 'join')
    expect(answer).toMatchObject({ state: 'Waking', endpoints: ['127.0.0.1:7001'] })
    const metrics = await (await fetch(`${stage.internalUrl}/metrics`)).text()
    expect(metrics).not.toMatch(/bailiwick_join_waits_total\{state="Unreached".*\} [1-9]/)
  })

  it('waits until it is served for a host that does not say that it holds hellos', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    await startHost(stage.index, { claimMs: 60, holdsHellos: false })
    const answers = await Promise.all(['a', 'b'].map((character) => stage.join(meadow, character)))
    for (const answer of answers) expect(readJoin(await answer.json(), 'join')).toMatchObject({ state: 'Serving', epoch: 1 })
  })

  it('passes over what it does not know of a place', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    await startHost(stage.index)
    const later = { layer: 'game/meadow/0', epoch: 7, later: 'more' }
    expect((await stage.join(meadow, 'a', undefined, later)).status).toBe(200)
  })

  it('who could not reach a host that lives is sent there again in the end', async () => {
    const stage = await allocatorStage({ joinWaitMs: 400 })
    await stage.index.putZone(zoneSettings())
    await startHost(stage.index)
    await stage.join(meadow, 'a')
    await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Serving')
    const place = readJoin(await (await stage.join(meadow, 'a')).json(), 'join')
    expect(place.state).toBe('Serving')
    const again = await stage.join(meadow, 'a', undefined, { layer: place.layer, epoch: place.epoch })
    expect(readJoin(await again.json(), 'join')).toMatchObject({ layer: place.layer, epoch: place.epoch })
  })

  it('answers 503 when the index is away', async () => {
    const stage = await allocatorStage()
    await stage.index.close()
    const answer = await stage.join(meadow, 'c')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({ code: 'IndexUnavailable' })
    expect((await fetch(`${stage.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${stage.url}/livez`)).status).toBe(200)
  })

  it('stops waiting when the one who asked is gone', async () => {
    const stage = await allocatorStage()
    await stage.index.putZone(zoneSettings())
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await stage.token()}` }
    const gone = new AbortController()
    const answer = fetch(`${stage.url}/v1/zones/${meadow}/join`, {
      method: 'POST',
      headers,
      body: '{"character":"c"}',
      signal: gone.signal,
    })
    const waiting = async () => /bailiwick_joins_waiting\{.*\} (\d+)/.exec(await (await fetch(`${stage.internalUrl}/metrics`)).text())?.[1]
    await expect.poll(waiting).toBe('1')
    gone.abort()
    await expect(answer).rejects.toThrow()
    await expect.poll(waiting).toBe('0')
  })

  it('places the layers of a dead host again without the operator', async () => {
    const stage = await allocatorStage({ sweep: true })
    await stage.index.putZone(zoneSettings())
    const epochs = new Map<LayerId, number>()
    const first = await startHost(stage.index, { name: 'host-1', epochs })
    expect((await stage.join(meadow, 'a')).status).toBe(200)
    await first.die()
    const second = await startHost(stage.index, { name: 'host-2', endpoints: ['127.0.0.1:7001'], epochs })
    await expect.poll(() => second.claims.length).toBe(1)
    expect(await (await stage.join(meadow, 'a')).json()).toMatchObject({ epoch: 2, endpoints: ['127.0.0.1:7001'] })
  })
})
