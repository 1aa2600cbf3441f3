import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import { Gate, LAYER, pause, until, World, ZONE, zone } from './world-kit.ts'

let world: World

beforeEach(async () => {
  // A host that says nothing is dead as late as in life: sooner, and a machine that stalls for a moment buries one that lives.
  world = await World.create()
})

afterEach(() => world.end())

describe('a host that dies', () => {
  const served = (host: string) =>
    until(async () => {
      const layer = await world.index.getLayer('game/zone-servers', LAYER)
      return layer.host === host && layer.state === 'Serving'
    })

  it('another claims with a higher epoch and has positions, things and residents as of the last snapshot', async () => {
    await world.index.putZone(zone({ snapshotEveryMs: 100 }))
    const first = await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    const welcomeEpoch = ada.states.at(-1)?.epoch ?? (await world.ticket('ada')).epoch
    ada.input({ case: 'move', value: { vx: 5_000, vy: 0 } })
    await pause(200)
    ada.input({ case: 'move', value: { vx: 0, vy: 0 } })
    const sequence = ada.input({ case: 'drop', value: { item: 'ada/1' } })
    await ada.next('inventory')
    await ada.until((client) => client.states.at(-1)?.acknowledged === sequence)
    const { x = 0, y = 0 } = ada.find('Ada') ?? {}
    const { tick = 0 } = ada.states.at(-1) ?? {}
    await until(async () => (await world.layerChain()).some(({ kind, data }) => kind === 'snapshot' && Number(data['tick']) > tick))
    await world.lose(first)
    await world.host('host-2')
    await served('host-2')
    const again = await world.join('ada')
    await again.until((client) => client.states.length > 0)
    expect(again.states[0]?.epoch).toBeGreaterThan(welcomeEpoch)
    expect(again.states[0]?.acknowledged).toBe(sequence)
    expect(again.find('Ada')).toMatchObject({ x, y })
    await again.until((client) => client.find('lantern') !== undefined)
    const lantern = again.find('lantern')
    again.input({ case: 'pickUp', value: { entity: lantern?.id ?? 0 } }, sequence + 1)
    expect(await again.next('inventory')).toMatchObject({ items: [{ id: 'ada/1', kind: 'lantern' }] })
    expect(await world.characterHead('ada')).toMatchObject({ n: 2, kind: 'held' })
  })

  it('before a snapshot held the arrival: the character is adopted by the next one', async () => {
    const first = await world.host('host-1')
    await world.character('ada', { zone: ZONE, position: { x: 5_000, y: 6_000 }, inventory: [{ id: 'k', kind: 'key' }], inputSequence: 3 })
    await world.join('ada')
    await world.lose(first)
    await world.host('host-2')
    await served('host-2')
    const ada = await world.join('ada')
    await ada.until((client) => client.find('Ada') !== undefined)
    expect(ada.find('Ada')).toMatchObject({ x: 5_000, y: 6_000 })
    expect(await world.characterHead('ada')).toMatchObject({ n: 2, kind: 'held' })
  })

  it('frozen, and awake again after another took over: it drops the layer and sends its clients away', async () => {
    await world.index.putZone(zone({ snapshotEveryMs: 100 }))
    const gate = new Gate()
    await world.host('host-1', { index: gate.through(world.index), store: gate.through(world.store) })
    await world.character('ada')
    await world.character('bob')
    const ada = await world.join('ada')
    await until(async () => (await world.layerChain()).some(({ kind }) => kind === 'snapshot'))
    gate.freeze()
    await world.host('host-2')
    await served('host-2')
    const bob = await world.join('bob')
    await bob.until((client) => client.states.length > 0)
    const epoch = bob.states[0]?.epoch ?? 0
    gate.thaw()
    expect(await ada.next('goodbye')).toMatchObject({ reason: 'LayerLost' })
    await pause(300)
    const owners = (await world.layerChain()).filter(({ n }) => n > epoch).map(({ data }) => data['epoch'])
    expect(new Set(owners)).toEqual(new Set([epoch]))
    bob.input({ case: 'say', value: { text: 'still here' } })
    await bob.next('said')
  })
})

describe('the store away', () => {
  it('play goes on, joins and leaves wait with a clear error, and all is made good afterwards', async () => {
    const gate = new Gate()
    await world.host('host-1', { store: gate.through(world.store) })
    await world.character('ada')
    await world.character('bob')
    const ada = await world.join('ada')
    const { ticket, endpoint } = await world.ticket('bob')
    gate.fail(new BailiwickError('StoreUnavailable', { found: 'a store that the test took away' }))
    const bob = await world.connect(endpoint)
    bob.hello(LAYER, ticket)
    expect((await bob.next('refused')).code).toBe('StoreUnavailable')
    ada.input({ case: 'say', value: { text: 'on we go' } })
    await ada.next('said')
    ada.input({ case: 'leave', value: {} })
    await pause(300)
    expect(ada.closed).toBe(false)
    gate.fail(undefined)
    await ada.next('goodbye')
    expect(await world.characterHead('ada')).toMatchObject({ n: 3, kind: 'released' })
  })

  it('a layer can not be claimed: the index is told why and it is served later', async () => {
    const gate = new Gate()
    gate.fail(new BailiwickError('StoreUnavailable', { found: 'a store that the test took away' }))
    await world.host('host-1', { store: gate.through(world.store) })
    await world.index.placeLayer('game/zone-servers', LAYER)
    await until(async () => (await world.index.getLayer('game/zone-servers', LAYER)).failure?.includes('store') === true)
    gate.fail(undefined)
    await until(async () => (await world.index.getLayer('game/zone-servers', LAYER)).state === 'Serving')
  })
})

describe('the index away', () => {
  it('for so long that the host is taken for dead, with no other there: play holds, joins are refused, and then it goes on, with nothing lost', async () => {
    const gate = new Gate()
    await world.host('host-1', { index: gate.through(world.index) })
    await world.character('ada')
    await world.character('bob')
    const ada = await world.join('ada')
    const { ticket, endpoint } = await world.ticket('bob')
    gate.fail(new BailiwickError('IndexUnavailable', { found: 'an index that the test took away' }))
    const bob = await world.connect(endpoint)
    bob.hello(LAYER, ticket)
    expect((await bob.next('refused')).code).toBe('IndexUnavailable')
    await until(async () => (await world.index.getLayer('game/zone-servers', LAYER)).state === 'Wished')
    expect((await ada.next('dataHeld')).held).toBe(true)
    ada.input({ case: 'say', value: { text: 'on we go' } })
    await pause(100)
    expect(ada.messages.filter((body) => body.case === 'said')).toEqual([])
    gate.fail(undefined)
    await ada.next('said')
    await until(async () => (await world.index.getLayer('game/zone-servers', LAYER)).state === 'Serving')
    await world.join('bob')
    await ada.until((client) => client.find('Bob') !== undefined)
  })
})

describe('the index flushed', () => {
  it('the host registers anew and goes on serving in a new epoch; players lose nothing', async () => {
    await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    const epoch = ada.states.at(-1)?.epoch
    world.index.flush()
    await world.index.putZone(zone())
    await until(async () => (await world.index.getLayer('game/zone-servers', LAYER)).state === 'Serving')
    ada.input({ case: 'say', value: { text: 'here' } })
    await ada.next('said')
    expect(ada.states.at(-1)?.epoch).toBeGreaterThan(epoch ?? 0)
    expect(ada.find('Ada')).toBeDefined()
    expect(ada.messages.filter((body) => body.case === 'goodbye')).toEqual([])
  })
})
