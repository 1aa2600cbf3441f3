import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { eraseLayers } from '../../../operator/erase.ts'
import { FLEET, Gate, LAYER, pause, until, World, ZONE, zone } from './world-kit.ts'

let world: World

beforeEach(async () => {
  world = await World.create()
  await world.character('ada')
})

afterEach(() => world.end())

const served = (host: string) =>
  until(async () => {
    const layer = await world.index.getLayer('game/zone-servers', LAYER)
    return layer.host === host && layer.state === 'Serving'
  })

const head = async (character: string) => (await world.characterHead(character))?.kind

/** A store in which releases get stuck: before they are written, or after. */
function stuckReleases(store: Store, when: 'before' | 'after'): { store: Store; stuck: Promise<void> } {
  let tell: () => void = () => undefined
  const stuck = new Promise<void>((resolve) => {
    tell = resolve
  })
  const append: Store['append'] = async (...args) => {
    if (args[3].kind !== 'released') return store.append(...args)
    if (when === 'after') await store.append(...args)
    tell()
    return new Promise(() => undefined)
  }
  return { store: { ...store, append }, stuck }
}

describe('durable before it leaves', () => {
  for (const when of ['before', 'after'] as const) {
    it(`a host that dies just ${when} a release is written: the next one settles it, once`, async () => {
      const { store, stuck } = stuckReleases(world.store, when)
      const first = await world.host('host-1', { store })
      const ada = await world.join('ada')
      ada.input({ case: 'leave', value: {} })
      await stuck
      expect(await head('ada')).toBe(when === 'before' ? 'held' : 'released')
      await world.lose(first)
      await world.host('host-2')
      await served('host-2')
      await until(async () => (await head('ada')) === 'released')
      const again = await world.join('ada')
      await again.until((client) => client.find('Ada') !== undefined)
      expect(await world.characterHead('ada')).toMatchObject({
        n: 4,
        kind: 'held',
        data: { state: { inventory: [{ id: 'ada/1', kind: 'lantern' }] } },
      })
    })
  }

  it('a release is written only behind the segment that holds the leaving', async () => {
    const order: string[] = []
    const append: Store['append'] = async (...args) => {
      const answer = await world.store.append(...args)
      order.push(args[3].kind)
      return answer
    }
    await world.host('host-1', { store: { ...world.store, append } })
    const ada = await world.join('ada')
    ada.input({ case: 'leave', value: {} })
    await ada.next('goodbye')
    expect(order).toEqual(['open', 'snapshot', 'held', 'segment', 'released'])
  })

  it('one who comes back while it is still being released waits for it', async () => {
    const gate = new Gate()
    const slow = gate.through(world.store)
    const append: Store['append'] = (...args) => (args[3].kind === 'released' ? slow.append(...args) : world.store.append(...args))
    await world.host('host-1', { store: { ...world.store, append } })
    const ada = await world.join('ada')
    gate.freeze()
    ada.input({ case: 'leave', value: {} })
    await pause(200)
    const { ticket, endpoint } = await world.ticket('ada')
    const again = await world.connect(endpoint)
    again.hello(LAYER, ticket)
    await pause(200)
    expect(again.messages).toEqual([])
    gate.thaw()
    await ada.next('goodbye')
    await again.welcome()
    expect(await world.characterHead('ada')).toMatchObject({ n: 4, kind: 'held' })
  })
})

describe('each thing once', () => {
  it('a character that leaves while its chain is being read for another join does not come in as it was', async () => {
    let delayed: Promise<void> | undefined
    const head: Store['head'] = async (chain) => {
      const entry = await world.store.head(chain)
      // The answer is on its way for so long that the world goes on meanwhile.
      if (chain === chains.character('ada') && entry?.kind === 'held') await delayed
      return entry
    }
    await world.host('host-1', { store: { ...world.store, head } })
    const first = await world.join('ada')
    const { ticket, endpoint } = await world.ticket('ada')
    let go: () => void = () => undefined
    delayed = new Promise((resolve) => {
      go = resolve
    })
    const second = await world.connect(endpoint)
    second.hello(LAYER, ticket)
    await pause(100)
    first.input({ case: 'drop', value: { item: 'ada/1' } })
    await first.next('inventory')
    first.input({ case: 'leave', value: {} })
    await first.next('goodbye')
    await pause(150)
    go()
    expect(await second.welcome()).toMatchObject({ inventory: [], acknowledged: 2 })
    await second.until((client) => client.find('lantern') !== undefined)
    expect(await world.characterHead('ada')).toMatchObject({ n: 4, kind: 'held' })
  })

  it('joins at once fill a layer to its bound and no further', async () => {
    await world.index.putZone(zone({ layers: { min: 1, max: 1, maxPlayers: 3 } }))
    await world.host('host-1')
    const names = Array.from({ length: 8 }, (_, k) => `player${k}`)
    const tickets = await Promise.all(names.map(async (name) => world.ticket(await world.character(name))))
    const outcomes = await Promise.all(
      tickets.map(async ({ ticket, endpoint }) => {
        const client = await world.connect(endpoint)
        client.hello(LAYER, ticket)
        while (!client.messages.some((body) => body.case === 'welcome' || body.case === 'refused')) await client.news()
        return client.messages.map((body) => body.case)[0]
      }),
    )
    expect(outcomes.filter((outcome) => outcome === 'welcome')).toHaveLength(3)
  })
})

it('a character that another layer holds, which the index does not know, finds its way there after the refusal', async () => {
  const entry = await world.characterHead('ada')
  await world.store.append(chains.character('ada'), 2, 'by hand', {
    kind: 'held',
    data: { ...entry?.data, layer: 'game/meadow/1', epoch: 1 },
  })
  await world.host('host-1')
  const { ticket, endpoint } = await world.ticket('ada')
  const ada = await world.connect(endpoint)
  ada.hello(LAYER, ticket)
  expect(await ada.next('refused')).toMatchObject({ code: 'CharacterElsewhere' })
  await until(async () => (await world.index.getLocation('ada'))?.state === 'InZone')
  expect(await world.index.getLocation('ada')).toMatchObject({ state: 'InZone', zone: ZONE, layer: 'game/meadow/1' })
})

describe('a character that was in when its zone was lost and its data erased', () => {
  it.each([
    ['at once', false],
    ['after the layer was opened anew', true],
  ])('can go elsewhere %s; what it carried went with the layer, so that nothing is there twice', async (_when, opened) => {
    const first = await world.host('host-1')
    const ada = await world.join('ada')
    const bob = await world.join(await world.character('bob'))
    ada.input({ case: 'drop', value: { item: 'ada/1' } })
    await bob.until((client) => client.find('lantern') !== undefined)
    await first.server.kill()
    expect(await eraseLayers(world, ZONE, 1)).toBe(1)
    await world.index.putZone(zone({ zone: 'game/forest', uid: 'uid-2' }))
    await world.host('host-2')
    if (opened) {
      await world.lose(first)
      await served('host-2')
    }
    const { ticket, endpoint } = await world.ticket('ada', 'game/forest/0')
    const again = await world.connect(endpoint)
    again.hello('game/forest/0', ticket)
    expect(await again.welcome()).toMatchObject({ inventory: [] })
    expect(await world.characterHead('ada')).toMatchObject({ n: 3, kind: 'held', data: { layer: 'game/forest/0' } })
  })
})

describe('one owner', () => {
  it('a host that is killed says nothing: its clients find themselves cut off', async () => {
    const { server } = await world.host('host-1')
    const clients = [await world.join('ada'), await world.join(await world.character('bob'), 'tcp')]
    await server.kill()
    await until(() => clients.every((client) => client.closed))
    expect(clients.flatMap((client) => client.messages).filter(({ case: kind }) => kind === 'redirect' || kind === 'goodbye')).toEqual([])
  })

  it('a host that can not reach the index, and was replaced, is told by the store and drops the layer', async () => {
    await world.index.putZone(zone({ snapshotEveryMs: 100 }))
    const gate = new Gate()
    await world.host('host-1', { index: gate.through(world.index) })
    const ada = await world.join('ada')
    gate.freeze()
    await world.host('host-2')
    await served('host-2')
    expect(await ada.next('goodbye')).toMatchObject({ reason: 'LayerLost' })
    const records = await world.layerChain()
    const epochs = records.filter(({ kind }) => kind === 'snapshot').map(({ data }) => Number(data['epoch']))
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
  })

  it('a resident of the snapshot that was taken elsewhere meanwhile is not brought back', async () => {
    await world.index.putZone(zone({ snapshotEveryMs: 50 }))
    const first = await world.host('host-1')
    await world.join('ada')
    await until(async () => (await world.layerChain()).some(({ kind }) => kind === 'snapshot'))
    await world.lose(first)
    const entry = await world.characterHead('ada')
    await world.store.append(chains.character('ada'), 3, 'by hand', { kind: 'released', data: { ...entry?.data, layer: undefined } })
    await world.character('bob')
    await world.host('host-2')
    await served('host-2')
    const bob = await world.join('bob')
    await bob.until((client) => client.states.length > 3)
    expect(bob.find('Ada')).toBeUndefined()
    const ada = await world.join('ada')
    await bob.until((client) => client.find('Ada') !== undefined)
    expect(await world.characterHead('ada')).toMatchObject({ n: 4, kind: 'held' })
    ada.cut()
  })
})

describe('upkeep', () => {
  it('the chains do not grow: a layer keeps two snapshots that were read back, a character its head', async () => {
    await world.index.putZone(zone({ snapshotEveryMs: 20 }))
    await world.host('host-1')
    await world.join('ada')
    await until(async () => ((await world.layerChain()).at(-1)?.n ?? 0) > 10)
    // Longer for a moment: a snapshot that comes while another is read back trims nothing.
    await until(async () => (await world.layerChain()).length < 6)
    await until(async () => (await world.store.read(chains.character('ada'), 1, 10)).length === 1)
  })

  it('new settings of the zone reach a layer that is served', async () => {
    await world.host('host-1')
    const ada = await world.join('ada')
    await ada.until((client) => client.find('Ada') !== undefined)
    await world.index.putZone(zone({ generation: 2, bounds: { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } } }))
    await ada.until((client) => (client.find('Ada')?.x ?? 0) === 100_000)
    const again = await world.join('ada')
    await again.until((client) => client.states.length > 0)
    expect(again.find('Ada')).toMatchObject({ x: 100_000, y: 100_000 })
  })
})

describe('hostile bytes', () => {
  it('random bytes, random frames and random messages: a clear end for the sender, nothing for the others', async () => {
    await world.character('bob')
    await world.host('host-1')
    const ada = await world.join('ada')
    const { endpoint } = await world.ticket('bob')
    for (let i = 0; i < 60; i++) {
      const client = await world.connect(endpoint, i % 2 === 0 ? 'tcp' : 'websocket')
      client.sendBytes(randomBytes(i * 7))
      await client.ended()
      expect(client.messages.map((body) => body.case)).toEqual(['refused', 'goodbye'])
    }
    const bob = await world.join('bob')
    for (let i = 0; i < 50; i++) bob.sendBytes(i % 2 === 0 ? randomBytes(i) : Uint8Array.of(1, ...randomBytes(i)))
    bob.input({ case: 'ping', value: { nonce: 1 } }, 0)
    await bob.next('pong')
    ada.input({ case: 'say', value: { text: 'undisturbed' } })
    await ada.next('said')
    expect(ada.messages.filter((body) => body.case === 'refused')).toEqual([])
    expect((await world.characterHead('ada'))?.data['state']).toMatchObject({ zone: null, inventory: [] })
  })
})

describe('a layer that ended here, though the index believes it is here', () => {
  it('one that could not be closed in order does not stay closing for ever', async () => {
    let broken = false
    const append: Store['append'] = async (...args) => {
      if (broken && args[3].kind === 'snapshot') throw new BailiwickError('InvalidInput', { found: 'a record that does not fit' })
      return world.store.append(...args)
    }
    await world.host('host-1', { store: { ...world.store, append } })
    await world.ticket('ada')
    await served('host-1')
    broken = true
    await world.index.requestClose(FLEET, LAYER, 'ScaleDown')
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).state === 'Asleep')
    broken = false
    await world.join('ada')
  })

  it('one whose last snapshot can not be read back at once is closed in order all the same', async () => {
    let last = false
    let refused = 0
    const append: Store['append'] = async (...args) => {
      const answer = await world.store.append(...args)
      if (last && args[3].kind === 'snapshot') refused = 1
      return answer
    }
    const read: Store['read'] = async (...args) => {
      if (args[0] === chains.layer(LAYER) && refused > 0 && refused++ < 5) throw new BailiwickError('StoreUnavailable')
      return world.store.read(...args)
    }
    await world.host('host-1', { store: { ...world.store, append, read } })
    await world.ticket('ada')
    await served('host-1')
    last = true
    await world.index.requestClose(FLEET, LAYER, 'ScaleDown')
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).state === 'Asleep')
    expect((await world.layerChain()).at(-1)?.kind).toBe('close')
  })

  it('one whose chain another has gone on with is placed again', async () => {
    await world.host('host-1')
    const ada = await world.join('ada')
    const { kind, ...data } = { kind: 'open', host: 'nobody', generation: 1, code: 'other', content: 'other', lastSnapshot: 2 }
    expect(await world.store.append(chains.layer(LAYER), 3, 'another', { kind, data })).toBe('Done')
    ada.input({ case: 'leave', value: {} })
    expect(await ada.next('goodbye')).toMatchObject({ reason: 'LayerLost' })
    await until(async () => {
      const layer = await world.index.getLayer(FLEET, LAYER)
      return layer.state === 'Serving' && layer.epoch === 4
    })
    await (await world.join('ada')).until((client) => client.find('Ada') !== undefined)
  })

  it('settings that change while it is claimed are its settings', async () => {
    const gate = new Gate()
    const slow = gate.through(world.store)
    await world.host('host-1', { store: { ...world.store, append: slow.append } })
    gate.freeze()
    await world.index.placeLayer(FLEET, LAYER)
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).state === 'Claiming')
    await pause(50)
    await world.index.putZone(zone({ generation: 2, bounds: { min: { x: 0, y: 0 }, max: { x: 50, y: 50 } } }))
    await pause(50)
    gate.thaw()
    const { ticket, endpoint } = await world.ticket('ada')
    const ada = await world.connect(endpoint)
    ada.hello(LAYER, ticket)
    expect(await ada.welcome()).toMatchObject({ maxX: 50_000 })
  })
})
