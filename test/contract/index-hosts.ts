import { describe, expect, it } from 'vitest'
import { beat, createWorld, DEATH, hostOf, type IndexHarness, report, rules, STEP, ticket } from './index-harness.ts'

export function hostsContract(harness: () => IndexHarness): void {
  describe('hosts', () => {
    it('are known from their registration on, with what they said of themselves', async () => {
      const world = createWorld(harness())
      expect(await world.index.heartbeat(world.fleet, beat('a'))).toEqual({ known: false, state: 'Dead', layers: [], mayLeave: false })
      await world.register('a', 3)
      expect(await hostOf(world, 'a')).toMatchObject({
        ...{ name: 'a', incarnation: 'a', node: 'node-a', endpoints: ['10.0.0.1:7001'], capacity: 3 },
        ...{ state: 'Ready', outdated: false, layers: 0, players: 0 },
      })
      expect(await world.index.heartbeat(world.fleet, beat('a'))).toEqual({ known: true, state: 'Ready', layers: [], mayLeave: false })
      expect(await world.index.heartbeat(world.fleet, beat('a', [], { incarnation: 'b' }))).toMatchObject({ known: false })
    })

    it('with no endpoints have none', async () => {
      const world = createWorld(harness())
      await world.index.registerHost(world.fleet, { name: 'a', incarnation: 'a', node: 'n', endpoints: [], capacity: 1 })
      await world.index.heartbeat(world.fleet, beat('a'))
      expect((await hostOf(world, 'a'))?.endpoints).toEqual([])
      expect((await world.index.placeLayer(world.fleet, world.layer(0))).endpoints).toEqual([])
    })

    it('that register again keep their layers', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const served = await world.serve(world.layer(0), 4, 2)
      await world.register('a', 9)
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toEqual(served)
      expect(await hostOf(world, 'a')).toMatchObject({ capacity: 9, layers: 1, players: 2 })
    })

    it('of another incarnation replace the old one, whose layers are placed again', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0), 4, 2)
      await world.register('a', 4, 'b')
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({
        state: 'Assigned',
        host: 'a',
        generation: 2,
        epoch: 4,
        players: 0,
      })
      expect(await hostOf(world, 'a')).toMatchObject({ incarnation: 'b', layers: 1, players: 0 })
      expect(await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), 1, 4)]))).toMatchObject({ known: false })
    })

    it('say since when they have no layer', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const first = (await hostOf(world, 'a'))?.emptySince
      await world.serve(world.layer(0))
      expect((await hostOf(world, 'a'))?.emptySince).toBeUndefined()
      await world.live(1, [beat('a')])
      await world.index.closeLayer(world.fleet, world.layer(0), 'a', 1)
      expect((await hostOf(world, 'a'))?.emptySince).toBeGreaterThan(first ?? Number.POSITIVE_INFINITY)
    })
  })

  describe('a dead host', () => {
    it('loses its layers to others, and gets them back from nobody', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 4, 2)
      await world.register('b')
      await world.live(2, [beat('b')])
      expect(await index.sweep(fleet)).toBe(0)
      expect((await hostOf(world, 'a'))?.state).toBe('Ready')
      await world.live(1, [beat('b')])
      expect((await hostOf(world, 'a'))?.state).toBe('Dead')
      expect(await index.sweep(fleet)).toBe(1)
      expect(await index.suspectHost(fleet, 'a')).toBeUndefined()
      const moved = await index.getLayer(fleet, world.layer(0))
      expect(moved).toMatchObject({ state: 'Assigned', host: 'b', generation: 2, epoch: 4, failure: 'host a sends no heartbeat' })
      const answer = await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 4, 'Serving', 2)]))
      expect(answer).toEqual({ known: true, state: 'Ready', layers: [], mayLeave: false })
      expect(await index.getLayer(fleet, world.layer(0))).toEqual(moved)
    })

    it('gives no tickets: a join moves its layer at once, and gets one for its new host', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0), 4)
      await world.register('b')
      await world.live(DEATH, [beat('b')])
      expect(await world.index.joinLayer(world.fleet, world.layer(0), ticket('x'))).toMatchObject({
        ticketed: true,
        host: 'b',
        state: 'Assigned',
      })
    })

    it('that is heard again has what nobody else took, as it left it', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0), 4, 2)
      await world.live(DEATH)
      expect(await world.index.sweep(world.fleet)).toBe(0)
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Wished', host: undefined })
      const answer = await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), 1, 4, 'Serving', 2)]))
      expect(answer.layers).toEqual([{ layer: world.layer(0), generation: 1, closeRequested: undefined }])
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({
        state: 'Serving',
        epoch: 4,
        players: 2,
        failure: undefined,
      })
    })

    it('is not given up while a layer of it is left, however small the sweeps', async () => {
      const world = createWorld(harness())
      await world.register('a')
      for (const n of [0, 1, 2]) await world.serve(world.layer(n))
      await world.register('b')
      await world.live(DEATH, [beat('b')])
      const moved: number[] = []
      for (let call = 0; call < 4; call += 1) moved.push(await world.index.sweep(world.fleet, 1))
      expect(moved).toEqual([1, 1, 1, 0])
    })

    it('takes a closing layer to sleep, and an asked-for one to its next host', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      for (const n of [0, 1, 2, 3]) await world.serve(world.layer(n))
      await world.register('b')
      await index.beginClose(fleet, world.layer(0), 'a', 1, false)
      await index.beginClose(fleet, world.layer(1), 'a', 1, false)
      await index.placeLayer(fleet, world.layer(1))
      await index.requestClose(fleet, world.layer(2), 'ScaleDown')
      await index.requestClose(fleet, world.layer(3), 'Drain')
      await world.live(DEATH, [beat('b')])
      expect(await index.sweep(fleet)).toBe(2)
      const views = (await index.fleetView(fleet)).layers
      expect(views.map((view) => [view.state, view.host, view.closeRequested])).toEqual([
        ['Asleep', undefined, undefined],
        ['Assigned', 'b', undefined],
        ['Asleep', undefined, undefined],
        ['Assigned', 'b', undefined],
      ])
    })

    it('is forgotten in time', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.live(DEATH)
      await world.index.sweep(world.fleet)
      expect((await hostOf(world, 'a'))?.state).toBe('Dead')
      await world.live(70)
      await world.index.sweep(world.fleet)
      expect(await hostOf(world, 'a')).toBeUndefined()
      expect(await world.index.heartbeat(world.fleet, beat('a'))).toMatchObject({ known: false })
    })

    it('is dead earlier when somebody else says that it has ended, unless it is heard', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 4)
      await world.register('b')
      const { suspectDeadAfter = 0 } = rules
      expect(await index.suspectHost(fleet, 'nobody')).toBeUndefined()
      const deadIn = await index.suspectHost(fleet, 'a')
      expect(deadIn).toBeGreaterThan(0)
      expect(deadIn).toBeLessThanOrEqual(suspectDeadAfter + 1)
      await world.live(1, [beat('a', [report(world.layer(0), 1, 4)]), beat('b')])
      await world.live(1, [beat('b')])
      // Heard since: it is only as silent as it is.
      expect((await hostOf(world, 'a'))?.state).toBe('Ready')
      const left = await index.suspectHost(fleet, 'a')
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThanOrEqual(suspectDeadAfter + 1 - STEP)
      // Once more says nothing new.
      expect(await index.suspectHost(fleet, 'a')).toBeLessThanOrEqual(left ?? 0)
      expect((await hostOf(world, 'a'))?.state).toBe('Ready')
      expect(await index.sweep(fleet)).toBe(0)
      await world.live(1, [beat('b')])
      expect((await hostOf(world, 'a'))?.state).toBe('Dead')
      expect(await index.sweep(fleet)).toBe(1)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'b', generation: 2, failure: 'host a sends no heartbeat' })
      // It lived all the time.
      expect(await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 4)]))).toMatchObject({ known: true, layers: [] })
      expect((await hostOf(world, 'a'))?.state).toBe('Ready')
    })

    it('is dead at once when its pod is gone, unless it is another incarnation', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 4)
      await world.register('b')
      await index.removeHost(fleet, 'a', 'x')
      await index.removeHost(fleet, 'nobody')
      expect((await hostOf(world, 'a'))?.state).toBe('Ready')
      await index.removeHost(fleet, 'a', 'a')
      expect((await hostOf(world, 'a'))?.state).toBe('Dead')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'b', generation: 2, failure: 'the pod of host a is gone' })
      expect(await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 4)]))).toMatchObject({ known: false })
      await world.register('a')
      expect((await hostOf(world, 'a'))?.state).toBe('Ready')
    })
  })

  describe('grace', () => {
    it('follows a jump of the clock: nobody is dead, no claim is late', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 4)
      await world.register('b')
      await index.placeLayer(fleet, world.layer(1))
      await world.advance(1_000_000)
      expect(await index.sweep(fleet)).toBe(0)
      expect((await index.fleetView(fleet)).hosts.map((host) => host.state)).toEqual(['Ready', 'Ready'])
      await world.live(1, [beat('b')])
      expect(await index.sweep(fleet)).toBe(0)
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ host: 'a', generation: 1 })
      await world.live(2, [beat('b')])
      expect(await index.sweep(fleet)).toBe(2)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'b', generation: 2 })
    })

    it('gives no new layer to a host that was not heard since', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.advance(1_000_000)
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
      expect((await world.index.heartbeat(world.fleet, beat('a'))).layers).toHaveLength(1)
    })

    it('does not begin again and again when nobody is heard between two jumps', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0), 4)
      const states: string[] = []
      for (let call = 0; call < 3; call += 1) {
        await world.advance(150_000)
        states.push((await world.index.placeLayer(world.fleet, world.layer(0))).state)
      }
      expect(states).toEqual(['Serving', 'Serving', 'Wished'])
    })
  })
}
