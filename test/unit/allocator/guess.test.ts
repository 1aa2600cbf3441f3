import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import type { CharacterLocation, LayerView, ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { COPY_STALE_AFTER } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { Crowds } from '../../../services/allocator/crowds.ts'
import type { ZoneBefore } from '../../../services/allocator/guess.ts'
import { type Joined, joinZone } from '../../../services/allocator/join.ts'
import { LayerWaits } from '../../../services/allocator/layer-waits.ts'
import { fleet, meadow, zoneSettings } from '../client/doubles/index-host.ts'
import { layerView } from './layer-view.ts'

const LAYER = 'game/meadow/0'
const settings = zoneSettings({ layers: { min: 1, max: 2, maxPlayers: 10 } })
/** Never read again: each test says what the copy knew. */
const sleeping: ZoneBefore = { settings, layers: [] }

let clock: ManualClock
let index: ZoneIndex
let crowds: Crowds
let asked: string[]

beforeEach(async () => {
  clock = new ManualClock()
  const memory = createMemoryIndex({ clock })
  await memory.putZone(settings)
  const host = { name: 'host-1', incarnation: 'a', node: 'n', endpoints: ['127.0.0.1:7000'], capacity: 4, holdsHellos: true }
  await memory.registerHost(fleet, host)
  asked = []
  index = new Proxy(memory, {
    get(target, name) {
      asked.push(String(name))
      return Reflect.get(target, name)
    },
  })
  crowds = new Crowds(index, clock, silentLog)
})

function join(character: string, before: ZoneBefore, waitMs = 1): Promise<Joined> {
  const meters = { waited: () => undefined, woke: () => undefined, ended: () => undefined }
  const deps = { index, clock, crowds, meters, waits: new LayerWaits(index, silentLog), witness: { told: () => undefined }, waitMs }
  const request = { zone: meadow, account: 'account-1', character, signal: new AbortController().signal }
  return joinZone({ ...deps, before: () => before }, request)
}

const inLayer = (layer: number): CharacterLocation => ({
  ...{ state: 'InZone', account: 'account-1', zone: meadow },
  layer: `game/meadow/${layer}`,
})

describe('a join of a zone that slept a moment ago', () => {
  it('wakes it in one round trip: nothing is asked for behind an answer', async () => {
    expect(await join('ada', sleeping)).toMatchObject({ layer: LAYER, state: 'Waking', generation: 1, endpoints: ['127.0.0.1:7000'] })
    expect(asked.toSorted()).toEqual(['getLocation', 'getZone', 'joinLayer'])
  })

  it('looks first when others were sent there since, and when they are no longer on their way guesses again', async () => {
    await join('ada', sleeping)
    asked = []
    expect(await join('bob', sleeping)).toMatchObject({ layer: LAYER })
    expect(asked).toContain('getLayer')
    clock.advance(COPY_STALE_AFTER)
    const { generation } = await index.getLayer(fleet, LAYER)
    await index.failLayer(fleet, LAYER, 'host-1', generation, 'over')
    asked = []
    await join('ada', sleeping).catch(() => undefined)
    expect(asked.slice(0, 3)).toEqual(['joinLayer', 'getLocation', 'getZone'])
  })

  it.each<[string, readonly LayerView[] | undefined]>([
    ['one layer does not sleep', [layerView(1, 'Serving')]],
    ['one layer is set aside', [layerView(0, 'Quarantined')]],
    ['its layers are not known', undefined],
  ])('looks first when %s', async (_, layers) => {
    expect(await join('ada', { settings, layers })).toMatchObject({ layer: LAYER })
    expect(asked.indexOf('joinLayer')).toBeGreaterThan(asked.indexOf('getLayer'))
  })
})

describe('a wrong guess', () => {
  it('of a zone that was suspended or deleted meanwhile is that to who asks', async () => {
    await index.putZone({ ...settings, generation: 2, suspended: true })
    await expect(join('ada', sleeping)).rejects.toMatchObject({ code: 'ZoneSuspended' })
    await index.deleteZone(meadow, settings.uid)
    clock.advance(COPY_STALE_AFTER)
    await expect(join('ada', sleeping)).rejects.toMatchObject({ code: 'ZoneUnknown' })
  })

  it('of a barred zone places nothing', async () => {
    await index.barZone(fleet, meadow, 'Delete')
    await expect(join('ada', sleeping)).rejects.toMatchObject({ code: 'ZoneWaking' })
    expect(await index.getLayer(fleet, LAYER)).toMatchObject({ generation: 0 })
  })

  it('of a character that is in another layer leads to that one, with a ticket of its own', async () => {
    await index.setLocation('ada', 1, inLayer(1))
    const { layer, ticket } = await join('ada', sleeping)
    expect(layer).toBe('game/meadow/1')
    const { generation } = await index.getLayer(fleet, 'game/meadow/1')
    const id = ticket.slice(ticket.lastIndexOf('/') + 1)
    expect(await index.redeemTicket(fleet, 'game/meadow/1', 'host-1', generation, id)).toMatchObject({ ok: true, character: 'ada' })
  })

  it('of a layer that is served by now counts for nothing: the look decides', async () => {
    await index.placeLayer(fleet, LAYER)
    const report = { layer: LAYER, generation: 1, epoch: 1, state: 'Serving', players: 10, dataSafe: true } as const
    await index.heartbeat(fleet, { host: 'host-1', incarnation: 'a', outdated: false, layers: [report] })
    expect(await join('ada', sleeping)).toMatchObject({ layer: 'game/meadow/1' })
  })
})
