import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { chains } from '../../../core/chains.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { LayerView } from '../../../core/ports/index-port.ts'
import { EVIDENCE_KEPT } from '../../../zone-server/evidence.ts'
import type { Input } from '../../../zone-server/simulation/input.ts'
import { FLEET, LAYER, until, World, zone } from './world-kit.ts'

vi.setConfig({ testTimeout: 60_000 })

/** A rule that does not exist: who says this crashes the layer. */
const POISON = 'divide by zero'
vi.mock('../../../zone-server/simulation/step.ts', async (original) => {
  const real = await original<typeof import('../../../zone-server/simulation/step.ts')>()
  return {
    ...real,
    step: (state: Parameters<typeof real.step>[0], batch: readonly Input[]) => {
      if (JSON.stringify(batch, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes(POISON))
        throw new RangeError('a rule divides by zero')
      return real.step(state, batch)
    },
  }
})

const OTHER: LayerId = 'game/meadow/1'
/** No host is taken for dead because the machine is busy; tries follow at once. */
const timing = { hostDeadAfter: 60_000, claimDeadline: 60_000, claimLimit: 60_000, failedLayerWaitMin: 10, failedLayerWaitMax: 20 }

let world: World
beforeEach(async () => {
  world = await World.create(timing)
  await world.index.putZone(zone({ layers: { min: 2, max: 2, maxPlayers: 10 } }))
})
afterEach(() => world.end())

const view = (layer: LayerId = LAYER): Promise<LayerView> => world.index.getLayer(FLEET, layer)
const quarantined = (): Promise<void> => until(async () => (await view()).state === 'Quarantined')
const evidence = () => world.store.read(chains.evidence(LAYER), 1, 100)

/** Somebody was in the layer, and its host is gone. Then an entry stands in its journal that can't be applied, as if the host had written it. Answers its tick. */
async function poisonJournal(batch: Uint8Array, digest = '0123456789abcdef'): Promise<number> {
  const first = await world.host('first')
  const client = await world.join(await world.character('ada'))
  client.cut()
  const { epoch } = await view()
  await first.server.kill()
  await world.index.removeHost(FLEET, 'first')
  const fence = await world.index.raiseFence(LAYER, epoch)
  const part = await world.index.readJournal(LAYER, fence, 0, 1_000)
  if (typeof part === 'string') throw new Error(part)
  const tick = part.last + 1
  const append = { layer: LAYER, fence, epoch, tick, previous: part.last, batch, digest }
  expect(await world.index.appendJournal([append])).toEqual(['Done'])
  return tick
}

describe('a layer that does not survive its journal', () => {
  test('is quarantined after three tries; its host goes on with other layers', async () => {
    const batch = Uint8Array.of(0xff, 0xfe, 0xfd)
    const tick = await poisonJournal(batch)
    await world.host('second')
    await world.index.placeLayer(FLEET, LAYER)
    await quarantined()
    expect(await view()).toMatchObject({ state: 'Quarantined', host: undefined })
    expect((await view()).failure).toContain(`layer ${LAYER} at tick ${tick} that was confirmed`)
    const opens = (await world.layerChain()).filter(({ kind }) => kind === 'open')
    expect(opens).toHaveLength(4)

    const kept = await evidence()
    expect(kept).toHaveLength(1)
    expect(kept[0]).toMatchObject({ kind: 'crash', data: { tick, replayed: true, host: 'second', digest: '0123456789abcdef' } })
    expect([...(kept[0]?.blob ?? [])]).toEqual([...batch])

    const client = await world.join(await world.character('bert'), 'websocket', OTHER)
    expect((await view(OTHER)).state).toBe('Serving')
    client.cut()
  })

  test('another hash than the one recorded is such an entry, too; asked for, it is tried again, with the same end', async () => {
    const tick = await poisonJournal(new Uint8Array(0))
    await world.host('second')
    await world.index.placeLayer(FLEET, LAYER)
    await quarantined()
    const { generation } = await view()
    await world.index.retryLayer(FLEET, LAYER)
    await until(async () => (await view()).generation === generation + 3 && (await view()).state === 'Quarantined')
    expect((await evidence()).map(({ data }) => data['tick'])).toEqual([tick])
  })
})

describe('a layer that crashes in play', () => {
  test('comes back without the inputs; when it crashes again and again it is quarantined, and comes back when it is asked for', async () => {
    await world.host('only')
    await world.character('ada')
    for (let crash = 1; crash <= 3; crash++) {
      const client = await world.join('ada')
      await world.join(await world.character(`bert${crash}`), 'websocket', OTHER)
      client.input({ case: 'say', value: { text: POISON } })
      await until(async () => (await evidence()).length === crash)
      await until(async () => crash === 3 || (await view()).generation === crash + 1)
    }
    await quarantined()
    expect((await view()).failure).toContain('in play')
    expect((await view()).failure).toContain('a rule divides by zero')
    expect((await view(OTHER)).players).toBeGreaterThan(0)
    expect((await view(OTHER)).generation).toBe(1)
    const kept = await evidence()
    expect(kept.every(({ data, blob }) => data['replayed'] === false && Buffer.from(blob ?? []).includes(POISON))).toBe(true)
    expect(kept.length).toBeLessThanOrEqual(EVIDENCE_KEPT)

    await world.index.retryLayer(FLEET, LAYER)
    const client = await world.join('ada')
    client.cut()
    expect((await view()).state).toBe('Serving')
  })
})
