import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ZoneId } from '../../core/ids.ts'
import type { FleetChange } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { beat, createWorld, type IndexHarness, PATIENCE, report, STEP, type World } from './index-harness.ts'

function settings(zone: ZoneId, uid: string, generation: number): ZoneSettings {
  return {
    ...{ zone, uid, generation, fleet: 'game/fleet', activation: 'OnDemand', suspended: false, idleAfterMs: 1_000 },
    ...{ layers: { min: 1, max: 4, maxPlayers: 300 }, tickRateHz: 20, snapshotEveryMs: 30_000 },
    bounds: { min: { x: 0, y: 0 }, max: { x: 1_000, y: 1_000.5 } },
    neighbours: ['game/next', 'game/other'],
  }
}

/** A signal that ends with the test, so that no watch outlives it. */
function untilTestEnds(): AbortSignal {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  return controller.signal
}

async function watched(world: World): Promise<FleetChange[]> {
  const changes: FleetChange[] = []
  await world.index.watchFleet(world.fleet, (change) => changes.push(change), untilTestEnds())
  return changes
}

export function othersContract(harness: () => IndexHarness): void {
  describe('zone settings', () => {
    it('go forward within a uid, and begin anew with another', async () => {
      const { index } = harness()
      const zone = createWorld(harness()).zone
      const steps: readonly (readonly [ZoneSettings, ZoneSettings])[] = [
        [settings(zone, 'u1', 3), settings(zone, 'u1', 3)],
        [settings(zone, 'u1', 2), settings(zone, 'u1', 3)],
        [settings(zone, 'u1', 4), settings(zone, 'u1', 4)],
        [settings(zone, 'u2', 1), settings(zone, 'u2', 1)],
      ]
      expect(await index.getZone(zone)).toBeUndefined()
      for (const [put, kept] of steps) {
        await index.putZone(put)
        expect(await index.getZone(zone)).toEqual(kept)
      }
      expect((await index.listZones()).filter((entry) => entry.zone === zone)).toEqual([settings(zone, 'u2', 1)])
      await index.deleteZone(zone, 'u1')
      expect(await index.getZone(zone)).toBeDefined()
      await index.deleteZone(zone, 'u2')
      await index.deleteZone(zone, 'u2')
      expect(await index.getZone(zone)).toBeUndefined()
    })

    it('name content, which is kept while any zone names it', async () => {
      const { index } = harness()
      const world = createWorld(harness())
      const one: ZoneId = world.zone
      const two: ZoneId = `${world.zone}-too`
      const [old, next] = [`old-of-${world.zone}`, `next-of-${world.zone}`]
      const naming = (zone: ZoneId, generation: number, content?: string): ZoneSettings =>
        content === undefined ? settings(zone, 'u', generation) : { ...settings(zone, 'u', generation), content }
      expect(await index.putZone(naming(one, 1, old))).toBe('ContentMissing')
      expect([await index.getZone(one), await index.getContent(old)]).toEqual([undefined, undefined])
      expect(await index.putZone(naming(one, 1, old), '{"a":"\u00fc\u0000"}')).toBe('Done')
      expect(await index.getContent(old)).toBe('{"a":"\u00fc\u0000"}')
      expect(await index.putZone(naming(two, 1, old))).toBe('Done')
      expect(await index.putZone(naming(two, 2, old))).toBe('Done')
      expect(await index.putZone(naming(one, 2, next), 'next')).toBe('Done')
      // What is older changes nothing, of contents either.
      expect(await index.putZone(naming(one, 1, old), 'x')).toBe('Done')
      expect([await index.getContent(old), await index.getContent(next)]).toEqual(['{"a":"\u00fc\u0000"}', 'next'])
      await index.putZone(naming(two, 3))
      expect([await index.getContent(old), await index.getContent(next)]).toEqual([undefined, 'next'])
      await index.deleteZone(one, 'another')
      expect(await index.getContent(next)).toBe('next')
      await index.deleteZone(one, 'u')
      expect(await index.getContent(next)).toBeUndefined()
      await index.deleteZone(two, 'u')
    })

    it('are watched', async () => {
      const { index } = harness()
      const zone = createWorld(harness()).zone
      const seen: unknown[] = []
      await index.watchZones((change) => seen.push(change), untilTestEnds())
      await index.putZone(settings(zone, 'u', 1))
      await index.deleteZone(zone, 'u')
      await vi.waitFor(
        () =>
          expect(seen).toEqual([
            { kind: 'zone', zone },
            { kind: 'zone', zone },
          ]),
        PATIENCE,
      )
    })
  })

  describe('places', () => {
    it("a character's place is monotone in its version", async () => {
      const { index } = harness()
      const world = createWorld(harness())
      const character = `character-of-${world.zone}`
      const inZone = { state: 'InZone', zone: world.zone, layer: world.layer(0) } as const
      expect(await index.getLocation(character)).toBeUndefined()
      await index.setLocation(character, 5, inZone)
      await index.setLocation(character, 4, { state: 'Offline' })
      const since = expect.any(Number)
      const first = await index.getLocation(character)
      expect(first).toEqual({ ...inZone, since })
      // Said again, by a host that had no answer: it was there before.
      await index.setLocation(character, 5, inZone)
      expect(await index.getLocation(character)).toEqual(first)
      await index.setLocation(character, 6, { state: 'Offline', account: 'account-1' })
      expect(await index.getLocation(character)).toEqual({ state: 'Offline', account: 'account-1', since })
    })

    it('ping answers', async () => {
      await expect(harness().index.ping()).resolves.toBeUndefined()
    })
  })

  describe('a watch of a fleet', () => {
    it('tells of every change, and of nothing that was before', async () => {
      const world = createWorld(harness())
      const layer = world.layer(0)
      await world.register('before')
      await world.index.drainHost(world.fleet, 'before')
      const changes = await watched(world)
      await world.register('a')
      await world.index.placeLayer(world.fleet, layer)
      await world.index.heartbeat(world.fleet, beat('a', [report(layer, 1, 4)]))
      await world.index.requestClose(world.fleet, layer, 'ScaleDown')
      await world.index.beginClose(world.fleet, layer, 'a', 1, true)
      await world.index.closeLayer(world.fleet, layer, 'a', 1)
      const [host, held] = [
        { kind: 'host', host: 'a' },
        { kind: 'layer', layer, host: 'a' },
      ] as const
      // Assigned, Serving, asked to close, Closing, its host told that the slot is free, asleep.
      const expected = [host, held, { ...held, reported: 'Serving' }, held, held, held, { kind: 'layer', layer, host: undefined }]
      await vi.waitFor(() => expect(changes).toEqual(expected), PATIENCE)
    })

    it('tells both hosts when a layer moves', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0))
      await world.register('b')
      const changes = await watched(world)
      await world.index.removeHost(world.fleet, 'a')
      await vi.waitFor(() => {
        for (const host of ['a', 'b']) expect(changes).toContainEqual({ kind: 'layer', layer: world.layer(0), host })
      }, PATIENCE)
    })

    it('is quiet about heartbeats and player counts', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0))
      const changes = await watched(world)
      for (let players = 1; players < 4; players += 1) {
        await world.advance(STEP)
        await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), 1, 1, 'Serving', players)]))
      }
      await world.index.drainHost(world.fleet, 'a')
      await vi.waitFor(() => expect(changes).toEqual([{ kind: 'host', host: 'a' }]), PATIENCE)
    })

    it('tells when a layer can no longer have its ticks confirmed, and when it can again', async () => {
      const world = createWorld(harness())
      const layer = world.layer(0)
      await world.register('a')
      expect(await world.serve(layer)).toMatchObject({ dataSafe: true })
      const changes = await watched(world)
      const told: boolean[] = []
      for (const dataSafe of [false, false, true, true, false]) {
        await world.index.heartbeat(world.fleet, beat('a', [report(layer, 1, 1, 'Serving', 0, dataSafe)]))
        told.push((await world.index.getLayer(world.fleet, layer)).dataSafe)
      }
      expect(told).toEqual([false, false, true, true, false])
      const held = { kind: 'layer', layer, host: 'a', reported: 'Serving' }
      await vi.waitFor(() => expect(changes).toEqual([held, held, held]), PATIENCE)
      // What nobody hosts has nothing that waits to be confirmed.
      await world.index.closeLayer(world.fleet, layer, 'a', 1)
      expect(await world.index.getLayer(world.fleet, layer)).toMatchObject({ state: 'Asleep', dataSafe: true })
    })

    it('is of one fleet, and ends when it is told to', async () => {
      const [world, other] = [createWorld(harness()), createWorld(harness())]
      const controller = new AbortController()
      const ended: FleetChange[] = []
      await world.index.watchFleet(world.fleet, (change) => ended.push(change), controller.signal)
      const changes = await watched(world)
      controller.abort()
      await other.register('x')
      await world.register('a')
      await vi.waitFor(() => expect(changes).toEqual([{ kind: 'host', host: 'a' }]), PATIENCE)
      expect(ended).toEqual([])
      await world.index.watchFleet(world.fleet, (change) => ended.push(change), controller.signal)
    })

    it('tells of a gap when the index was lost, and goes on', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const changes = await watched(world)
      await world.index.drainHost(world.fleet, 'a')
      await vi.waitFor(() => expect(changes).toHaveLength(1), PATIENCE)
      await world.flush()
      await vi.waitFor(() => expect(changes).toContainEqual({ kind: 'gap' }), PATIENCE)
      await world.register('b')
      await vi.waitFor(() => expect(changes).toContainEqual({ kind: 'host', host: 'b' }), PATIENCE)
      expect(changes.filter((change) => change.kind === 'gap')).toHaveLength(1)
    })
  })
}
