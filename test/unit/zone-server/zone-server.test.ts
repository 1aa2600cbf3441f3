import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LAYER, pause, until, World, ZONE, zone } from './world-kit.ts'

let world: World

beforeEach(async () => {
  // No host dies here: none is taken for dead because the machine is busy.
  world = await World.create({ hostDeadAfter: 60_000, outdatedSettle: 100 })
})

afterEach(() => world.end())

describe('a place where players meet', () => {
  it('two see each other move, talk, whisper, hand a thing over, and leave with what they have', async () => {
    await world.host('host-1')
    await world.character('ada')
    await world.character('bob')
    const ada = await world.join('ada')
    const bob = await world.join('bob', 'tcp')
    await ada.until((client) => client.find('Bob') !== undefined)
    await bob.until((client) => client.find('Ada') !== undefined)

    const before = bob.find('Ada')?.x ?? 0
    const sequence = ada.input({ case: 'move', value: { vx: 6_000, vy: 0 } })
    await bob.until((client) => (client.find('Ada')?.x ?? 0) > before + 500)
    await ada.until((client) => client.states.at(-1)?.acknowledged === sequence)
    ada.input({ case: 'move', value: { vx: 0, vy: 0 } })

    ada.input({ case: 'say', value: { text: 'hello there' } })
    expect(await bob.next('said')).toMatchObject({ from: 'Ada', text: 'hello there' })
    bob.input({ case: 'tell', value: { to: 'ada', text: 'psst', id: 7 } })
    expect(await ada.next('told')).toMatchObject({ from: 'Bob', text: 'psst' })
    expect(await bob.next('tellResult')).toMatchObject({ id: 7, delivered: true })

    bob.input({ case: 'drop', value: { item: 'bob/1' } })
    await ada.until((client) => [...client.view.values()].some(({ kind, name }) => kind === 'item' && name === 'lantern'))
    expect(await bob.next('inventory')).toMatchObject({ items: [] })
    bob.input({ case: 'leave', value: {} })
    expect(await bob.next('goodbye')).toMatchObject({ reason: 'Left' })
    await ada.until((client) => client.find('Bob') === undefined)
    expect(await world.characterHead('bob')).toMatchObject({
      n: 3,
      kind: 'released',
      data: { state: { zone: ZONE, inventory: [], inputSequence: 3 } },
    })
    await until(async () => (await world.index.getLocation('bob'))?.state === 'Offline')
    expect(await world.index.getLocation('ada')).toMatchObject({ state: 'InZone', zone: ZONE, layer: LAYER })
  })

  it('what is refused is said to the sender alone and changes nothing', async () => {
    await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    const refused = async (sequence: number) => (await ada.next('refused', (value) => value.sequence === sequence)).code
    expect(await refused(ada.input({ case: 'move', value: { vx: 9_000, vy: 0 } }))).toBe('MoveTooFast')
    expect(await refused(ada.input({ case: 'say', value: { text: ' ' } }))).toBe('TextInvalid')
    expect(await refused(ada.input({ case: 'say', value: { text: 'x'.repeat(301) } }))).toBe('TextInvalid')
    expect(await refused(ada.input({ case: 'say', value: { text: 'a\u0007' } }))).toBe('TextInvalid')
    expect(await refused(ada.input({ case: 'drop', value: { item: 'nothing' } }))).toBe('ItemUnknown')
    expect(await refused(ada.input({ case: 'pickUp', value: { entity: 4_000_000_000 } }))).toBe('ItemUnknown')
    expect(await refused(ada.input({ case: 'say', value: { text: 'no number' } }, 0))).toBe('FrameInvalid')
    ada.input({ case: 'ping', value: { nonce: 42 } }, 0)
    expect(await ada.next('pong')).toMatchObject({ nonce: 42 })
  })

  it('a client that sends too much is told so once a second, and nobody else notices', async () => {
    await world.host('host-1')
    await world.character('ada')
    await world.character('bob')
    const ada = await world.join('ada')
    const bob = await world.join('bob')
    for (let i = 0; i < 300; i++) ada.input({ case: 'say', value: { text: `${i}` } })
    await ada.next('refused', ({ code }) => code === 'TooManyRequests')
    bob.input({ case: 'say', value: { text: 'still here' } })
    await ada.next('said', ({ text }) => text === 'still here')
    expect(ada.messages.filter((body) => body.case === 'refused').length).toBeLessThan(3)
    expect(bob.messages.filter((body) => body.case === 'said').length).toBeLessThan(100)
  })
})

describe('tickets', () => {
  beforeEach(async () => {
    await world.host('host-1')
    await world.character('ada')
  })

  const refusal = async (layer: string, ticket: string, endpoint: string, kind: 'websocket' | 'tcp' = 'websocket'): Promise<string> => {
    const client = await world.connect(endpoint, kind)
    client.hello(layer, ticket)
    const { code } = await client.next('refused')
    await client.ended()
    return code
  }

  it('unknown, used, expired and of another layer are told apart, and the connection ends', async () => {
    const { ticket, endpoint } = await world.ticket('ada')
    expect(await refusal(LAYER, 'made-up', endpoint)).toBe('TicketUnknown')
    expect(await refusal('game/forest/0', ticket, endpoint)).toBe('LayerLost')
    expect(await refusal('no layer at all', ticket, endpoint, 'tcp')).toBe('LayerLost')
    const ada = await world.connect(endpoint)
    ada.hello(LAYER, ticket)
    await ada.welcome()
    expect(await refusal(LAYER, ticket, endpoint)).toBe('TicketUsed')
    const short = await world.ticket('ada', LAYER, 1)
    await pause(5)
    expect(await refusal(LAYER, short.ticket, endpoint)).toBe('TicketExpired')
    await world.index.putZone({ ...zone(), zone: 'game/forest', uid: 'uid-2' })
    const other = await world.ticket('ada', 'game/forest/0')
    expect(await refusal(LAYER, other.ticket, endpoint)).toBe('TicketUnknown')
  })

  it('of a character of another account or one that does not exist', async () => {
    const stolen = await world.ticket('ada', LAYER, 15_000, 'account-2')
    expect(await refusal(LAYER, stolen.ticket, stolen.endpoint)).toBe('CharacterNotYours')
    const nobody = await world.ticket('nobody')
    expect(await refusal(LAYER, nobody.ticket, nobody.endpoint)).toBe('CharacterUnknown')
  })

  it('of a character that is in another zone names that zone', async () => {
    await world.join('ada')
    await world.index.putZone({ ...zone(), zone: 'game/forest', uid: 'uid-2' })
    const { ticket, endpoint } = await world.ticket('ada', 'game/forest/0')
    const client = await world.connect(endpoint)
    client.hello('game/forest/0', ticket)
    const refused = await client.next('refused')
    expect(refused.code).toBe('CharacterElsewhere')
    expect(refused.message).toContain('game/meadow')
  })

  it('of a full zone', async () => {
    await world.index.putZone(zone({ layers: { min: 1, max: 1, maxPlayers: 1 } }))
    await world.character('bob')
    await world.join('ada')
    const { ticket, endpoint } = await world.ticket('bob')
    expect(await refusal(LAYER, ticket, endpoint)).toBe('ZoneFull')
    expect(await world.characterHead('bob')).toMatchObject({ n: 1, kind: 'released' })
  })

  it('first frames that are no hello', async () => {
    const { endpoint } = await world.ticket('ada')
    for (const bytes of [Uint8Array.of(1, 0xff, 0xff), Uint8Array.of(9), new Uint8Array(0)]) {
      const client = await world.connect(endpoint, 'tcp')
      client.sendBytes(bytes)
      expect((await client.next('refused')).code).toBe('FrameInvalid')
      await client.ended()
    }
    const early = await world.connect(endpoint)
    early.input({ case: 'say', value: { text: 'hi' } })
    expect((await early.next('refused')).code).toBe('HelloExpected')
    await early.ended()
    const huge = await world.connect(endpoint)
    huge.sendBytes(new Uint8Array(20_000))
    expect((await huge.next('refused')).code).toBe('FrameTooLarge')
    await huge.ended()
  })
})

describe('connections', () => {
  it('a second one takes the character over; the first is told', async () => {
    await world.host('host-1')
    await world.character('ada')
    const first = await world.join('ada')
    first.input({ case: 'say', value: { text: 'one' } })
    await first.next('said')
    const second = await world.join('ada')
    expect(await first.next('goodbye')).toMatchObject({ reason: 'TakenOver' })
    second.input({ case: 'say', value: { text: 'one again' } }, 1)
    second.input({ case: 'say', value: { text: 'two' } }, 2)
    expect((await second.next('said')).text).toBe('two')
    expect(await world.characterHead('ada')).toMatchObject({ n: 2, kind: 'held' })
  })

  it('one that is lost leaves the avatar standing, until it comes back', async () => {
    await world.host('host-1')
    await world.character('ada')
    await world.character('bob')
    const bob = await world.join('bob')
    const lost = await world.join('ada')
    await bob.until((client) => client.find('Ada') !== undefined)
    lost.cut()
    bob.input({ case: 'tell', value: { to: 'Ada', text: 'there?', id: 1 } })
    await until(async () => {
      bob.input({ case: 'tell', value: { to: 'Ada', text: 'there?', id: 2 } })
      return !(await bob.next('tellResult')).delivered
    })
    expect(bob.find('Ada')).toBeDefined()
    const back = await world.join('ada')
    await back.until((client) => client.states.length > 0)
    expect(await world.characterHead('ada')).toMatchObject({ n: 2, kind: 'held' })
  })
})

describe('sleep', () => {
  it('an OnDemand zone that is empty closes in order, and is there again on a join', async () => {
    await world.index.putZone(zone({ activation: 'OnDemand', idleAfterMs: 100 }))
    await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    const { x = 0 } = ada.find('Ada') ?? {}
    ada.input({ case: 'drop', value: { item: 'ada/1' } })
    await ada.next('inventory')
    ada.input({ case: 'leave', value: {} })
    await ada.next('goodbye')
    await until(async () => (await world.index.getLayer(`game/zone-servers`, LAYER)).state === 'Asleep')
    expect((await world.layerChain()).at(-1)?.kind).toBe('close')
    const again = await world.join('ada')
    await again.until((client) => [...client.view.values()].some(({ kind }) => kind === 'item'))
    expect(Math.abs((again.find('Ada')?.x ?? 0) - x)).toBeLessThan(20_000)
    expect(again.messages.find((body) => body.case === 'welcome')).toBeUndefined()
  })

  it('not while somebody is on the way in', async () => {
    await world.index.putZone(zone({ activation: 'OnDemand', idleAfterMs: 50 }))
    await world.host('host-1')
    await world.character('ada')
    const { ticket, endpoint } = await world.ticket('ada')
    await pause(300)
    const ada = await world.connect(endpoint)
    ada.hello(LAYER, ticket)
    await ada.welcome()
  })
})

describe('closing on request', () => {
  it('tells the players, checks everybody in, and frees the slot', async () => {
    await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    await world.index.requestClose('game/zone-servers', LAYER, 'Suspend')
    expect(await ada.next('redirect')).toMatchObject({ reason: 'Suspend' })
    await ada.next('goodbye')
    await until(async () => (await world.index.getLayer('game/zone-servers', LAYER)).state === 'Asleep')
    expect((await world.layerChain()).map(({ kind }) => kind)).toEqual(['snapshot', 'segment', 'snapshot', 'close'])
    expect(await world.characterHead('ada')).toMatchObject({
      kind: 'released',
      data: { state: { zone: ZONE, inventory: [{ id: 'ada/1', kind: 'lantern' }] } },
    })
  })
})

describe('the end of a host', () => {
  it('asked to stop: layers close in order, it leaves, shuts down, and is done', async () => {
    const { server, gameServer } = await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    const stopped = server.close()
    expect(await ada.next('redirect')).toMatchObject({ reason: 'Drain' })
    await ada.next('goodbye')
    await stopped
    expect(gameServer.wishes).toEqual(['ready', 'allocate', 'shutdown'])
    expect((await world.layerChain()).at(-1)?.kind).toBe('close')
    expect((await world.index.fleetView('game/zone-servers')).hosts.map(({ state }) => state)).toEqual(['Leaving'])
  })

  it('of an outdated template: its players move to the other host, then it goes', async () => {
    const old = await world.host('host-1')
    await world.character('ada')
    const ada = await world.join('ada')
    await world.host('host-2')
    await until(async () => (await world.index.fleetView('game/zone-servers')).hosts.length === 2)
    old.gameServer.become({ annotations: { 'bailiwick.dev/outdated': 'true' } })
    expect(await ada.next('redirect')).toMatchObject({ reason: 'Drain' })
    const again = await world.join('ada')
    await again.until((client) => client.find('Ada') !== undefined)
    await old.server.done
    expect(old.gameServer.wishes.at(-1)).toBe('shutdown')
  })

  it('retired when it is not needed: leaves, gives itself back, is taken', async () => {
    const { server, gameServer } = await world.host('host-1')
    await until(async () => (await world.index.fleetView('game/zone-servers')).hosts.length === 1)
    await until(async () => {
      await world.index.autoscale('game/zone-servers', { spare: 0, min: 0, max: 100, emptyAfterMs: 0, allocated: 0 })
      return gameServer.wishes.join() === 'ready,allocate,ready'
    })
    await server.done
    expect((await world.index.fleetView('game/zone-servers')).hosts.map(({ state }) => state)).toEqual(['Leaving'])
  })
})
