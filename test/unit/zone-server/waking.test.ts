import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { takeCharacter } from '../../../zone-server/admission.ts'
import type { TestClient } from './test-client.ts'
import { ACCOUNT, FLEET, Gate, LAYER, until, World } from './world-kit.ts'

const LONG = 3_600_000
/** Nothing here is to end because the machine is busy. */
const helloLimits = { claimed: LONG, unheard: LONG }

/** The store with another way to write. */
function withAppend(store: Store, append: Store['append']): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name === 'append' ? append : Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A client that was sent to a host with the placement of its layer, before it is served. */
async function sent(world: World, character: string, ticket = randomUUID()): Promise<TestClient> {
  const view = await world.index.joinLayer(FLEET, LAYER, { id: ticket, account: ACCOUNT, character, ttlMs: LONG })
  expect(view).toMatchObject({ ticketed: true })
  expect(view.state).not.toBe('Serving')
  const client = await world.connect(view.endpoints[0] ?? '', 'tcp')
  client.hello(LAYER, ticket)
  return client
}

describe('a client that comes while its layer is claimed', { timeout: 60_000 }, () => {
  let world: World
  let store: Gate
  /** Characters whose tickets were used up. */
  let redeemed: string[]

  beforeEach(async () => {
    world = await World.create({ claimDeadline: LONG, claimLimit: LONG, hostDeadAfter: LONG })
    store = new Gate()
    redeemed = []
    const index: ZoneIndex = {
      ...world.index,
      redeemTicket: async (...asked) => {
        const answer = await world.index.redeemTicket(...asked)
        if (answer.ok) redeemed.push(answer.character)
        return answer
      },
    }
    const gated = store.through(world.store)
    // What is read is of before, then.
    await world.host('host-1', { index, store: withAppend(world.store, gated.append), helloLimits })
    await until(async () => (await world.index.fleetView(FLEET)).hosts.length === 1)
    for (const name of ['ada', 'bob']) await world.character(name)
  })
  afterEach(() => world.end())

  test('is held, and let in when it is served; nothing is written of it before', async () => {
    store.freeze()
    const clients = [await sent(world, 'ada'), await sent(world, 'bob')]
    await until(() => redeemed.length === 2)
    for (const client of clients) client.input({ case: 'ping', value: { nonce: 7 } }, 0)
    for (const client of clients) expect(await client.next('pong')).toMatchObject({ nonce: 7 })
    expect((await world.index.getLayer(FLEET, LAYER)).state).toBe('Claiming')
    expect(clients.flatMap(({ messages, states }) => [...messages, ...states])).toEqual([])
    store.thaw()
    const welcomes = await Promise.all(clients.map((client) => client.welcome()))
    const { epoch } = await world.index.getLayer(FLEET, LAYER)
    expect(welcomes.map((welcome) => [welcome.name, welcome.epoch])).toEqual([
      ['Ada', epoch],
      ['Bob', epoch],
    ])
    expect(await world.characterHead('ada')).toMatchObject({ n: 2, kind: 'held', data: { layer: LAYER, epoch } })
  })

  test('is refused when the claim fails, and comes in with another ticket', async () => {
    store.freeze()
    const ada = await sent(world, 'ada')
    await until(() => redeemed.length === 1)
    store.fail(new BailiwickError('StoreUnavailable', { found: 'a store that is away' }))
    store.thaw()
    expect(await ada.next('refused')).toMatchObject({ code: 'ZoneWaking' })
    await ada.ended()
    expect((await world.characterHead('ada'))?.n).toBe(1)
    store.fail(undefined)
    await world.join('ada')
    expect(redeemed).toEqual(['ada', 'ada'])
  })

  test('is told when the layer is taken from its host', async () => {
    store.freeze()
    const ada = await sent(world, 'ada')
    await until(() => redeemed.length === 1)
    await world.index.requestClose(FLEET, LAYER, 'Suspend')
    const { generation } = await world.index.getLayer(FLEET, LAYER)
    await world.index.failLayer(FLEET, LAYER, 'host-1', generation, 'taken away')
    expect(await ada.next('refused')).toMatchObject({ code: 'LayerLost' })
  })

  test('and whose account is barred is sent away at once, and held no more', async () => {
    store.freeze()
    const ada = await sent(world, 'ada')
    await until(() => redeemed.length === 1)
    await world.index.barAccount(ACCOUNT, LONG)
    expect(await ada.next('refused')).toMatchObject({ code: 'Banned' })
    const bob = await sent(world, 'bob')
    expect(await bob.next('refused')).toMatchObject({ code: 'Banned' })
  })

  test('is not held without a ticket that counts, nor for a layer that is not to be served here', async () => {
    store.freeze()
    const ada = await sent(world, 'ada')
    const { endpoints } = await world.index.getLayer(FLEET, LAYER)
    const stranger = await world.connect(endpoints[0] ?? '', 'tcp')
    stranger.hello(LAYER, randomUUID())
    expect(await stranger.next('refused')).toMatchObject({ code: 'TicketUnknown' })
    const lost = await world.connect(endpoints[0] ?? '', 'tcp')
    lost.hello('game/elsewhere/0', randomUUID())
    expect(await lost.next('refused')).toMatchObject({ code: 'LayerLost' })
    store.thaw()
    await ada.welcome()
  })

  test('and whose character was taken elsewhere since its chain was read comes in by what it is now', async () => {
    store.freeze()
    const ada = await sent(world, 'ada')
    await until(() => redeemed.length === 1)
    const state = { zone: null, position: null, inventory: [{ id: 'lamp', kind: 'lantern' }], inputSequence: 9 }
    const record = { kind: 'released', account: ACCOUNT, name: 'Ada', createdAt: 0, state } as const
    await world.store.append(chains.character('ada'), 2, randomUUID(), storedCharacter(record))
    store.thaw()
    expect(await ada.welcome()).toMatchObject({ acknowledged: 9 })
    expect((await world.characterHead('ada'))?.n).toBe(3)
  })
})

describe('a host that hears of its layers by heartbeats alone', { timeout: 60_000 }, () => {
  test('asks for itself when a client comes first', async () => {
    const world = await World.create()
    await world.host('host-1', { index: { ...world.index, watchFleet: async () => undefined }, helloLimits })
    await until(async () => (await world.index.fleetView(FLEET)).hosts.length === 1)
    await (await sent(world, await world.character('ada'))).welcome()
    await world.end()
  })
})

describe('the head of a chain that was read ahead', () => {
  const state = { zone: null, position: null, inventory: [], inputSequence: 0 }
  const owner = { account: ACCOUNT, name: 'Ada', createdAt: 0, state }
  const request = { layer: LAYER, epoch: 5, account: ACCOUNT, character: 'ada', now: 1, residentVersion: () => undefined }
  let world: World
  beforeEach(async () => {
    world = await World.create()
    await world.character('ada')
  })
  afterEach(() => world.end())

  const write = (n: number, record: Parameters<typeof storedCharacter>[0]) =>
    world.store.append(chains.character('ada'), n, randomUUID(), storedCharacter(record))

  test('is written behind when it is the newest, with no other look', async () => {
    const ahead = await world.characterHead('ada')
    const blind = { ...world.store, append: world.store.append.bind(world.store), head: () => Promise.reject(new Error('looked')) }
    expect(await takeCharacter(request, blind, ahead)).toMatchObject({ do: 'arrive', fresh: true, arrival: { version: 2 } })
  })

  test('that was released since is not lived twice', async () => {
    await write(2, { kind: 'held', ...owner, layer: LAYER, epoch: 4, at: 1 })
    const ahead = await world.characterHead('ada')
    await write(3, { kind: 'released', ...owner, state: { ...state, inputSequence: 7 } })
    expect(await takeCharacter(request, world.store, ahead)).toMatchObject({
      do: 'arrive',
      fresh: true,
      arrival: { version: 4, state: { inputSequence: 7 } },
    })
  })

  test('that was taken elsewhere since is refused', async () => {
    const ahead = await world.characterHead('ada')
    await write(2, { kind: 'held', ...owner, layer: 'game/forest/0', epoch: 4, at: 1 })
    await expect(takeCharacter(request, world.store, ahead)).rejects.toMatchObject({ code: 'CharacterElsewhere' })
  })
})
