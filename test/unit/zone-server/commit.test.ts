import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { AppendAnswer, JournalAppend } from '../../../core/ports/journal-port.ts'
import { type LogFields, silentLog } from '../../../core/ports/log-port.ts'
import { Session } from '../../../zone-server/session.ts'
import { FLEET, Gate, LAYER, pause, until, World, zone } from './world-kit.ts'

let world: World

beforeEach(async () => {
  world = await World.create()
  await world.character('ada')
})

afterEach(() => world.end())

type Append = ZoneIndex['appendJournal']

/** The world's index with another way to append. */
const withAppend = (appendJournal: (appends: readonly JournalAppend[], append: Append) => ReturnType<Append>): ZoneIndex => ({
  ...world.index,
  appendJournal: (appends) => appendJournal(appends, world.index.appendJournal),
})

const away = () => new BailiwickError('IndexUnavailable', { found: 'an index that the test took away' })
const kinds = async () => (await world.layerChain()).map(({ kind }) => kind)
const said = (client: { messages: readonly { case: string | undefined; value?: unknown }[] }) =>
  client.messages.flatMap((body) => (body.case === 'said' ? [(body.value as { text: string }).text] : []))

describe('what a tick says leaves when the journal has it', () => {
  it('not before, and then in order', async () => {
    const gate = new Gate()
    await world.host('host-1', { index: gate.through(world.index) })
    const ada = await world.join('ada')
    const { states } = ada
    gate.freeze()
    await pause(60)
    const before = states.length
    for (const text of ['one', 'two', 'three']) ada.input({ case: 'say', value: { text } })
    await pause(250)
    expect(said(ada)).toEqual([])
    expect(states.length).toBe(before)
    gate.thaw()
    await until(() => said(ada).length === 3)
    expect(said(ada)).toEqual(['one', 'two', 'three'])
    const ticks = states.map(({ tick }) => tick)
    expect(ticks).toEqual(ticks.toSorted((a, b) => a - b))
  })

  it('lost answers: every entry is in the journal once, every word is heard once', async () => {
    let calls = 0
    const lossy = withAppend(async (appends, append) => {
      const lost = ++calls % 3
      if (lost === 1) throw away()
      const answers = await append(appends)
      if (lost === 2) throw away()
      return answers
    })
    await world.host('host-1', { index: lossy })
    const ada = await world.join('ada')
    for (let i = 0; i < 8; i++) ada.input({ case: 'say', value: { text: `word ${i}` } })
    await until(() => said(ada).length === 8)
    expect(said(ada)).toEqual(Array.from({ length: 8 }, (_, i) => `word ${i}`))
  })

  it('an index slower than the ticks costs latency alone: nothing is out of order, and the layer does not fall behind', async () => {
    const { tickRateHz } = zone()
    const rounds: number[] = []
    const slow = withAppend(async (appends, append) => {
      rounds.push(appends.length)
      await pause(3_500 / tickRateHz)
      return append(appends)
    })
    await world.host('host-1', { index: slow })
    const ada = await world.join('ada')
    await until(() => ada.states.length >= 45)
    const ticks = ada.states.map(({ tick }) => tick)
    expect(ticks).toEqual(ticks.toSorted((a, b) => a - b))
    expect(Math.max(...rounds)).toBeGreaterThan(1)
    expect(ada.messages.filter((body) => body.case === 'dataHeld')).toEqual([])
  })

  it('another’s fence: what was not confirmed is never heard, and the layer is dropped', async () => {
    let fenced = false
    const index = withAppend(async (appends, append) => (fenced ? appends.map((): AppendAnswer => 'Fenced') : append(appends)))
    await world.host('host-1', { index })
    const ada = await world.join('ada')
    fenced = true
    ada.input({ case: 'say', value: { text: 'too late' } })
    expect(await ada.next('goodbye')).toMatchObject({ reason: 'LayerLost' })
    expect(said(ada)).toEqual([])
  })

  it('a layer holds a bounded number of ticks ahead, says so to clients and index, and goes on', async () => {
    let gone = false
    const index = withAppend(async (appends, append) => {
      if (gone) throw away()
      return append(appends)
    })
    const events: string[] = []
    const log = { ...silentLog, warn: (_fields: LogFields, event: string) => events.push(event), child: () => log }
    await world.host('host-1', { index, log })
    const ada = await world.join('ada')
    const tick = () => ada.states.at(-1)?.tick ?? 0
    gone = true
    const last = tick()
    expect(await ada.next('dataHeld')).toMatchObject({ held: true })
    await until(async () => !(await world.index.getLayer(FLEET, LAYER)).dataSafe)
    await pause(300)
    gone = false
    ada.input({ case: 'say', value: { text: 'again' } })
    await ada.next('said')
    expect(await ada.next('dataHeld')).toMatchObject({ held: false })
    expect(tick()).toBeLessThanOrEqual(last + 40)
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).dataSafe)
    expect(events.filter((event) => /layer (holds|goes on)/.test(event))).toEqual([
      'layer holds: what is played can not be made safe',
      'layer goes on',
    ])
  })
})

describe('an index that forgot', () => {
  for (const how of ['restart', 'flush'] as const)
    it(`${how}: the owner claims a new epoch from memory; nothing is lost, nothing twice`, async () => {
      await world.host('host-1')
      const ada = await world.join('ada')
      ada.input({ case: 'say', value: { text: 'before' } })
      await until(() => said(ada).length === 1)
      const epoch = ada.states.at(-1)?.epoch ?? 0
      world.index[how]()
      if (how === 'flush') await world.index.putZone(zone())
      ada.input({ case: 'say', value: { text: 'after' } })
      await until(() => said(ada).length === 2)
      expect(ada.states.at(-1)?.epoch).toBeGreaterThan(epoch)
      expect(await kinds()).toEqual(['open', 'snapshot', 'segment', 'open'])
      await until(async () => (await world.index.getLayer(FLEET, LAYER)).epoch === ada.states.at(-1)?.epoch)
      const bob = await world.join(await world.character('bob'))
      await bob.until((client) => client.find('Ada') !== undefined)
    })

  it('in the middle of an append whose answer was lost: the entry is found, and counts', async () => {
    let lose = false
    const index = withAppend(async (appends, append) => {
      const answers = await append(appends)
      if (!lose) return answers
      lose = false
      world.index.restart()
      throw away()
    })
    await world.host('host-1', { index })
    const ada = await world.join('ada')
    lose = true
    ada.input({ case: 'say', value: { text: 'once' } })
    await until(() => said(ada).length > 0)
    await pause(150)
    expect(said(ada)).toEqual(['once'])
    expect((await kinds()).slice(0, 5)).toEqual(['open', 'snapshot', 'segment', 'open', 'segment'])
  })

  it('while another claims: one of them goes on', async () => {
    await world.host('host-1')
    const ada = await world.join('ada')
    world.index.restart()
    await world.index.removeHost(FLEET, 'host-1')
    await world.host('host-2')
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).state === 'Serving')
    await until(async () => {
      const layer = await world.index.getLayer(FLEET, LAYER)
      const opens = (await world.layerChain()).filter(({ kind }) => kind === 'open')
      return layer.epoch === opens.at(-1)?.n
    })
    ada.cut()
  })
})

describe('new content', () => {
  it('takes over behind a snapshot that holds it, in a new epoch, with everybody in', async () => {
    await world.host('host-1')
    const ada = await world.join('ada')
    await world.index.putZone(zone({ generation: 2, content: 'c0ffee' }), JSON.stringify({ spawns: [{ x: 5, y: 5 }] }))
    await until(async () => (await world.layerChain()).some(({ kind, n }) => kind === 'open' && n > 1))
    const chain = await world.layerChain()
    const opened = chain.findLast(({ kind }) => kind === 'open')
    const snapshot = chain.findLast(({ kind }) => kind === 'snapshot')
    expect(opened?.data).toMatchObject({ content: 'c0ffee', lastSnapshot: snapshot?.n })
    // What was played while that was packed may stand between them, as a segment.
    const between = chain.filter(({ n }) => n > (snapshot?.n ?? 0) && n < (opened?.n ?? 0))
    expect(between.filter(({ kind }) => kind !== 'segment')).toEqual([])
    await until(() => ada.states.at(-1)?.epoch === opened?.n)
    await until(async () => (await world.index.getLayer(FLEET, LAYER)).epoch === opened?.n)
    await (await world.join(await world.character('bob'))).until((client) => (client.find('Bob')?.x ?? 0) < 100_000)
  })
})

describe('a host that is killed', () => {
  it('loses nothing that anybody was told', async () => {
    const first = await world.host('host-1')
    const ada = await world.join('ada')
    ada.input({ case: 'drop', value: { item: 'ada/1' } })
    await ada.next('inventory')
    const { tick } = ada.states.at(-1) ?? { tick: 0 }
    await first.server.kill()
    await world.index.removeHost(FLEET, 'host-1')
    await world.host('host-2')
    const again = await world.join('ada')
    await again.until((client) => client.find('lantern') !== undefined)
    expect(again.states.at(-1)?.tick).toBeGreaterThan(tick)
  })
})

describe('a frame that can not be made', () => {
  it('ends its layer, not its host', async () => {
    const { server } = await world.host('host-1')
    await world.join('ada')
    const { prototype } = Session
    const state = vi.spyOn(prototype, 'state').mockImplementation(() => {
      throw new Error('a frame that can not be made')
    })
    await until(() => state.mock.calls.length > 0)
    state.mockRestore()
    // The host goes on, and takes the layer again.
    const again = await world.join('ada')
    await again.until((client) => client.states.length > 3)
    await server.close()
  })
})
