import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FleetId } from '../../../core/ids.ts'
import { RESYNC_EVERY } from '../../../core/timing.ts'
import type { ZoneSpec } from '../../../core/zone.ts'
import { readContent } from '../../../operator/content-reader.ts'
import { NOW } from './observed.ts'
import { World } from './world/world.ts'

const FLEET: FleetId = 'game/zone-servers'
const MAP = 'game/meadow.content'
const spec = (extra: Partial<ZoneSpec> = {}): ZoneSpec => ({
  bounds: { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } },
  activation: 'Always',
  content: { configMap: 'meadow.content' },
  ...extra,
})
const files = (x: number) => ({ 'content.yaml': `spawns: [{ x: ${x}, y: 1 }]\n` })
const hash = (x: number): string => readContent(files(x)).hash
const MEADOW = 'game/meadow'

let world: World
beforeEach(async () => {
  vi.useFakeTimers({ now: NOW })
  world = await World.create()
  world.api.addFleet(FLEET)
  await world.addHost(FLEET, 'h1')
  await world.startOperator()
})
afterEach(async () => {
  await world.end()
  vi.useRealTimers()
})

const published = async () => (await world.index.getZone(MEADOW))?.content
const message = (): string => world.zone(MEADOW).status?.conditions?.find(({ type }) => type === 'Accepted')?.message ?? ''
const told = (reason: string) => world.api.events.filter((event) => event.includes(` ${reason}: `))

describe('the content of a zone', () => {
  test('missing at first: nothing is hosted; then it is put beside the settings and hosted', async () => {
    world.api.apply('meadow', spec())
    await world.pass(2_000)
    expect([world.condition(MEADOW, 'Accepted'), world.zone(MEADOW).status?.phase]).toEqual(['False ContentMissing', 'Pending'])
    expect(await world.index.getZone(MEADOW)).toBeUndefined()
    world.api.applyConfigMap(MAP, files(1))
    await world.pass(3_000)
    expect([world.condition(MEADOW, 'Accepted'), world.zone(MEADOW).status?.phase]).toEqual(['True Valid', 'Running'])
    expect(await published()).toBe(hash(1))
    expect(JSON.parse((await world.index.getContent(hash(1))) ?? '')).toEqual({ spawns: [{ x: 1, y: 1 }] })
  })

  test('a change is published; a bad one is refused by key and line, the old one stays, and all else of the spec goes on', async () => {
    world.api.applyConfigMap(MAP, files(1))
    world.api.apply('meadow', spec())
    await world.pass(3_000)
    world.api.applyConfigMap(MAP, files(2))
    await world.pass(2_000)
    expect([await published(), await world.index.getContent(hash(1))]).toEqual([hash(2), undefined])
    expect(told('ContentChanged')).toEqual([
      `game/meadow Normal ContentChanged: content of ConfigMap ${MAP} takes over; nobody has to leave`,
    ])

    world.api.applyConfigMap(MAP, { 'content.yaml': 'spawns:\n  - { x: 1, y: far }\n' })
    await world.pass(2_000)
    expect([world.condition(MEADOW, 'Accepted'), world.zone(MEADOW).status?.phase]).toEqual(['False ContentInvalid', 'Degraded'])
    expect(message()).toMatch(/meadow\.content, content\.yaml line 2: spawns\.0\.y: .* The zone goes on with the content that it had$/)
    world.api.apply('meadow', spec({ layers: { min: 2 }, tickRate: 7 }))
    await world.pass(3_000)
    expect(await world.index.getZone(MEADOW)).toMatchObject({ content: hash(2), tickRateHz: 7 })
    expect(world.zone(MEADOW).status?.layerCount).toBe(2)

    world.api.deleteConfigMap(MAP)
    await world.pass(2_000)
    expect([world.condition(MEADOW, 'Accepted'), await published()]).toEqual(['False ContentMissing', hash(2)])
    world.api.applyConfigMap(MAP, files(3))
    await world.pass(2_000)
    expect([world.condition(MEADOW, 'Accepted'), await published()]).toEqual(['True Valid', hash(3)])
    expect(await world.index.getContent(hash(2))).toBeUndefined()
  })

  test('is one for all zones that name it, and goes with the last of them', async () => {
    world.api.applyConfigMap(MAP, files(1))
    world.api.apply('meadow', spec({ activation: 'OnDemand' }))
    world.api.apply('forest', spec({ activation: 'OnDemand' }))
    await world.pass(2_000)
    world.api.applyConfigMap(MAP, files(2))
    await world.pass(2_000)
    expect((await world.index.listZones()).map(({ content }) => content)).toEqual([hash(2), hash(2)])
    world.api.delete(MEADOW)
    world.api.apply('forest', { ...spec({ activation: 'OnDemand' }), content: undefined } as unknown as ZoneSpec)
    await world.pass(5_000)
    expect([(await world.index.getZone('game/forest'))?.content, await world.index.getContent(hash(2))]).toEqual([undefined, undefined])
  })

  test('comes back with the settings after the index lost everything', async () => {
    world.api.applyConfigMap(MAP, files(1))
    world.api.apply('meadow', spec())
    await world.pass(3_000)
    world.index.flush()
    await world.pass(5_000)
    expect([await published(), JSON.parse((await world.index.getContent(hash(1))) ?? '')]).toEqual([hash(1), { spawns: [{ x: 1, y: 1 }] }])
  })

  test('that may not be seen is told of; all other zones are hosted, and it is, too, as soon as it may', async () => {
    world.api.configMapsRefused = '403 configmaps is forbidden'
    world.api.applyConfigMap(MAP, files(1))
    world.api.apply('meadow', spec())
    world.api.apply('forest', { ...spec(), content: undefined } as unknown as ZoneSpec)
    await world.pass(3_000)
    expect([world.condition(MEADOW, 'Accepted'), world.zone('game/forest').status?.phase]).toEqual(['False ContentUnreadable', 'Running'])
    expect(message()).toContain('403 configmaps is forbidden')
    world.api.configMapsRefused = undefined
    await world.pass(RESYNC_EVERY)
    expect([world.condition(MEADOW, 'Accepted'), await published()]).toEqual(['True Valid', hash(1)])
  })
})
