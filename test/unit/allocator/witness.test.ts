import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readJoin } from '../../../client/answers.ts'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { KNOCK_AGAIN_AFTER } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { type Heard, knock } from '../../../services/allocator/knock.ts'
import { Witness } from '../../../services/allocator/witness.ts'
import { freePort } from '../../free-port.ts'
import { fleet, IndexHost, zoneSettings } from '../client/doubles/index-host.ts'
import { allocatorStage } from './stage.ts'

describe('a knock', () => {
  it('tells one who listens, where nobody listens, and what says nothing', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    expect(await knock(`127.0.0.1:${port}`)).toBe('open')
    expect(await knock(`127.0.0.1:${port}/zones/here`)).toBe('open')
    expect(await knock(`127.0.0.1:${await freePort()}`)).toBe('refused')
    for (const none of ['', 'nowhere', '127.0.0.1:0', '127.0.0.1:70000', 'name.invalid:7000', '127.0.0.1:70x', 'http://127.0.0.1:80'])
      expect([none, await knock(none)]).toEqual([none, 'nothing'])
  })
})

function witnessed(answers: Readonly<Record<string, Heard>>, deadIn: number | undefined = 0) {
  const clock = new ManualClock()
  const knocks: string[] = []
  const index = { suspectHost: vi.fn(async () => deadIn), sweep: vi.fn(async () => 1) }
  const heard: Heard[] = []
  const swept: string[] = []
  const witness = new Witness({
    ...{ index, log: silentLog, clock },
    meters: { knocked: (one) => void heard.push(one), swept: (result, again) => void swept.push(`${result} ${again}`) },
    knock: async (endpoint) => {
      knocks.push(endpoint)
      return answers[endpoint] ?? 'nothing'
    },
  })
  return { witness, clock, knocks, heard, swept, index }
}

describe('who could not reach a host', () => {
  const view = { host: 'a', endpoints: ['a:1', 'a:2'] }

  it.each<[string, Readonly<Record<string, Heard>>, Heard]>([
    ['refuses at each endpoint', { 'a:1': 'refused', 'a:2': 'refused' }, 'refused'],
    ['refuses at one, and takes connections at another', { 'a:1': 'refused', 'a:2': 'open' }, 'open'],
    ['refuses at one, and another says nothing', { 'a:1': 'refused' }, 'nothing'],
    ['says nothing', {}, 'nothing'],
  ])('has it looked at: it %s', async (_, answers, expected) => {
    const { witness, heard, swept, index } = witnessed(answers)
    witness.told(fleet, view)
    await expect.poll(() => heard).toEqual([expected])
    if (expected === 'refused') await expect.poll(() => index.sweep.mock.calls).toEqual([[fleet]])
    await expect.poll(() => swept).toEqual(expected === 'refused' ? ['Done 1'] : [])
    expect(index.suspectHost.mock.calls).toEqual(expected === 'refused' ? [[fleet, 'a']] : [])
  })

  it('has it looked at once in a while, however many say so; other hosts besides, and not without end', async () => {
    const { witness, clock, knocks } = witnessed({})
    for (let k = 0; k < 100; k++) witness.told(fleet, view)
    witness.told('game/others', view)
    clock.advance(KNOCK_AGAIN_AFTER - 1)
    witness.told(fleet, view)
    expect(knocks).toEqual(['a:1', 'a:2', 'a:1', 'a:2'])
    clock.advance(1)
    witness.told(fleet, view)
    expect(knocks.slice(4)).toEqual(['a:1', 'a:2'])
    for (let k = 0; k < 1_000; k++) witness.told(fleet, { host: `host-${k}`, endpoints: [`host-${k}:1`] })
    expect(knocks.length).toBeLessThan(70)
  })

  it('says nothing of what nobody hosts, and nothing follows for a host that the index knows to be gone', async () => {
    const { witness, heard, index } = witnessed({ 'a:1': 'refused' }, undefined)
    witness.told(fleet, { host: undefined, endpoints: ['a:1'] })
    witness.told(fleet, { host: 'a', endpoints: [] })
    expect(heard).toEqual([])
    witness.told(fleet, { host: 'a', endpoints: ['a:1'] })
    await expect.poll(() => index.suspectHost.mock.calls.length).toBe(1)
    expect(index.sweep.mock.calls).toEqual([])
  })

  it('does no harm to a host that lives: it is heard', async () => {
    const clock = new ManualClock()
    const index = createMemoryIndex({ clock })
    onTestFinished(() => index.close())
    const layer = 'game/meadow/0'
    const beat = { host: 'a', incarnation: 'a', outdated: false, layers: [] }
    for (const name of ['a', 'b'])
      await index.registerHost(fleet, { name, incarnation: name, node: 'n', endpoints: [`${name}:1`], capacity: 1 })
    const { generation } = await index.placeLayer(fleet, layer)
    const layers = [{ layer, generation, epoch: 1, state: 'Serving', players: 0, dataSafe: true }] as const
    for (let half = 0; half < 20; half++) {
      await index.suspectHost(fleet, 'a')
      clock.advance(500)
      await index.heartbeat(fleet, { ...beat, layers })
      await index.heartbeat(fleet, { ...beat, host: 'b', incarnation: 'b' })
      expect(await index.sweep(fleet)).toBe(0)
    }
    expect(await index.getLayer(fleet, layer)).toMatchObject({ host: 'a', state: 'Serving', generation })
  })
})

it('a join that names a host that nobody listens at has it looked at, by the endpoint that the index has', async () => {
  const knocked: string[] = []
  const knockThere = async (endpoint: string): Promise<Heard> => {
    knocked.push(endpoint)
    return 'refused'
  }
  const suspected: string[] = []
  const stage = await allocatorStage({
    joinWaitMs: 400,
    knock: knockThere,
    wrap: (index) => ({
      ...index,
      suspectHost: async (_, host) => {
        suspected.push(host)
        return undefined
      },
    }),
  })
  await stage.index.putZone(zoneSettings())
  const host = new IndexHost(stage.index, { name: 'host-1', endpoints: ['203.0.113.9:7012'] })
  await host.start()
  onTestFinished(() => host.die())
  await stage.join('game/meadow', 'a')
  await expect.poll(async () => (await stage.index.getLayer(fleet, 'game/meadow/0')).state).toBe('Serving')
  const { layer, epoch } = readJoin(await (await stage.join('game/meadow', 'a')).json(), 'join')
  // Another epoch, or another layer, is not where the index has it.
  for (const unreached of [
    { layer, epoch: epoch + 1 },
    { layer: 'game/other/0', epoch },
  ])
    expect((await stage.join('game/meadow', 'a', undefined, unreached)).status).toBe(200)
  expect(knocked).toEqual([])
  expect((await stage.join('game/meadow', 'a', undefined, { layer, epoch })).status).toBe(200)
  expect(knocked).toEqual(['203.0.113.9:7012'])
  await expect.poll(() => suspected).toEqual(['host-1'])
})
