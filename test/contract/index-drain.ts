import { describe, expect, it } from 'vitest'
import type { LayerId } from '../../core/ids.ts'
import { beat, createWorld, DEATH, hostOf, type IndexHarness, registration, report, rules, ticket, type World } from './index-harness.ts'

/** An outdated host's turn may come after this. */
const SETTLED = rules.outdatedSettle ?? 0

/** The host closes a layer that it was asked to close. */
async function close({ index, fleet }: World, host: string, layer: LayerId): Promise<void> {
  const { generation } = await index.getLayer(fleet, layer)
  expect(await index.beginClose(fleet, layer, host, generation, true)).toBe('ok')
  expect(await index.closeLayer(fleet, layer, host, generation)).toBe('ok')
}

/** The layers of a host that it is asked to close for a drain, as it hears of them with a heartbeat. */
async function asked(world: World, host: string, more: { readonly outdated?: boolean } = {}): Promise<readonly LayerId[]> {
  const { layers } = await world.index.heartbeat(world.fleet, beat(host, [], more))
  return layers.filter(({ closeRequested }) => closeRequested === 'Drain').map(({ layer }) => layer)
}

/** It is told to drain, and hears of what it has to close with its next heartbeat. */
async function drain({ index, fleet }: World, host: string): Promise<void> {
  await index.drainHost(fleet, host)
  await index.heartbeat(fleet, beat(host))
}

/** Host a, which serves so many layers, and these others, which serve nothing. */
async function scene(harness: IndexHarness, count: number, others: readonly [string, number][] = [], players = 0): Promise<World> {
  const world = createWorld(harness)
  await world.register('a', Math.max(count, 1))
  for (let n = 0; n < count; n += 1) await world.serve(world.layer(n), 1, players)
  for (const [name, capacity] of others) await world.register(name, capacity)
  return world
}

/** What was placed anew is served by its new host. */
async function open({ index, fleet }: World, layer: LayerId): Promise<string | undefined> {
  const { host, generation, epoch } = await index.getLayer(fleet, layer)
  if (host === undefined) return undefined
  await index.heartbeat(fleet, beat(host, [report(layer, generation, epoch + 1)]))
  return host
}

export function drainContract(harness: () => IndexHarness): void {
  describe('draining', () => {
    it('moves one layer at a time: the next when the one before is served again', async () => {
      const world = await scene(harness(), 3, [['b', 4]])
      const { index, fleet } = world
      await index.drainHost(fleet, 'a')
      await index.drainHost(fleet, 'a')
      await index.drainHost(fleet, 'nobody')
      for (const n of [0, 1, 2]) {
        const layer = world.layer(n)
        expect(await asked(world, 'a')).toEqual([layer])
        expect(await asked(world, 'a')).toEqual([layer])
        await close(world, 'a', layer)
        expect(await index.getLayer(fleet, layer)).toMatchObject({ state: 'Assigned', host: 'b', generation: 2 })
        expect(await asked(world, 'a')).toEqual([])
        expect(await open(world, layer)).toBe('b')
      }
      expect(await index.heartbeat(fleet, beat('a'))).toMatchObject({ state: 'Draining', mayLeave: true, layers: [] })
      expect(await hostOf(world, 'b')).toMatchObject({ layers: 3 })
    })

    it('lets players join a layer until its turn comes', async () => {
      const world = await scene(harness(), 2, [['b', 4]])
      const { index, fleet } = world
      await drain(world, 'a')
      expect(await index.joinLayer(fleet, world.layer(0), ticket('x'))).toMatchObject({ ticketed: false, closeRequested: 'Drain' })
      expect(await index.joinLayer(fleet, world.layer(1), ticket('y'))).toMatchObject({ ticketed: true, host: 'a' })
    })

    it('places at once what nobody claimed yet, and leaves a wish that the host can not take back', async () => {
      const world = await scene(harness(), 0)
      const { index, fleet } = world
      await index.placeLayer(fleet, world.layer(0))
      await index.drainHost(fleet, 'a')
      const answer = await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 0, 'Claiming')]))
      expect(answer).toMatchObject({ state: 'Draining', layers: [] })
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
    })

    it('waits for room, and goes on when there is some', async () => {
      const world = await scene(harness(), 2)
      await world.index.drainHost(world.fleet, 'a')
      expect(await asked(world, 'a')).toEqual([])
      await world.register('b', 1)
      expect(await asked(world, 'a')).toEqual([world.layer(0)])
      await close(world, 'a', world.layer(0))
      await open(world, world.layer(0))
      expect(await asked(world, 'a')).toEqual([])
    })

    it('keeps a slot for the layer that moves', async () => {
      const world = await scene(harness(), 1, [['b', 1]])
      const { index, fleet } = world
      await drain(world, 'a')
      expect(await index.placeLayer(fleet, world.layer(9))).toMatchObject({ state: 'Wished' })
      expect(await index.autoscale(fleet, { spare: 0, min: 0, max: 9, emptyAfterMs: 0, allocated: 0 })).toMatchObject({
        occupied: 2,
        idle: 0,
        retiring: 0,
      })
      await close(world, 'a', world.layer(0))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Assigned', host: 'b' })
    })

    it('keeps a retiring host that it needs', async () => {
      const world = await scene(harness(), 1, [['b', 1]])
      const { index, fleet } = world
      expect(await index.autoscale(fleet, { spare: 0, min: 0, max: 9, emptyAfterMs: 0, allocated: 0 })).toMatchObject({ retiring: 1 })
      await drain(world, 'a')
      expect(await hostOf(world, 'b')).toMatchObject({ state: 'Ready' })
    })

    it('gives the slot free when the layer is closed for another reason', async () => {
      const world = await scene(harness(), 1, [['b', 1]])
      const { index, fleet } = world
      await drain(world, 'a')
      await index.requestClose(fleet, world.layer(0), 'Suspend')
      expect(await index.placeLayer(fleet, world.layer(9))).toMatchObject({ state: 'Assigned', host: 'b' })
      await close(world, 'a', world.layer(0))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Asleep' })
    })

    it('finds another place when the one that was kept is gone while the layer is closed', async () => {
      const world = await scene(harness(), 2, [['b', 2]])
      const { index, fleet } = world
      await drain(world, 'a')
      expect(await index.beginClose(fleet, world.layer(0), 'a', 1, true)).toBe('ok')
      await index.removeHost(fleet, 'b')
      await world.register('c', 1)
      await close(world, 'a', world.layer(0))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Assigned', host: 'c' })
      await index.removeHost(fleet, 'c')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
      // What waits for a host does not keep the next one where it is.
      await world.register('d', 2)
      expect(await asked(world, 'a')).toEqual([world.layer(1)])
    })

    const gone: readonly (readonly [string, (world: World) => Promise<unknown>])[] = [
      ['is gone', ({ index, fleet }) => index.removeHost(fleet, 'b')],
      ['is drained, too', ({ index, fleet }) => index.drainHost(fleet, 'b')],
      ['is found to be outdated', ({ index, fleet }) => index.heartbeat(fleet, beat('b', [], { outdated: true }))],
    ]
    it.each(gone)('leaves the layer where it is when the host that it was to go to %s', async (_, goes) => {
      const world = await scene(harness(), 1, [['b', 2]])
      await drain(world, 'a')
      await goes(world)
      expect(await asked(world, 'a')).toEqual([])
      expect(await world.index.joinLayer(world.fleet, world.layer(0), ticket('x'))).toMatchObject({ ticketed: true, host: 'a' })
      await world.register('c', 1)
      expect(await asked(world, 'a')).toEqual([world.layer(0)])
    })

    it('that was taken back leaves no wish: the layer falls asleep when it is closed for another reason', async () => {
      const world = await scene(harness(), 1, [['b', 2]])
      const { index, fleet } = world
      await drain(world, 'a')
      await index.removeHost(fleet, 'b')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Serving', closeRequested: undefined })
      await world.register('c', 2)
      expect(await index.beginClose(fleet, world.layer(0), 'a', 1, false)).toBe('ok')
      expect(await index.closeLayer(fleet, world.layer(0), 'a', 1)).toBe('ok')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Asleep' })
    })

    it('is not held up by a layer that can not be opened', async () => {
      const world = await scene(harness(), 2, [['b', 4]])
      const { index, fleet } = world
      await drain(world, 'a')
      await close(world, 'a', world.layer(0))
      expect(await asked(world, 'a')).toEqual([])
      await index.failLayer(fleet, world.layer(0), 'b', 2, 'its store is corrupt')
      expect(await asked(world, 'a')).toEqual([world.layer(1)])
    })

    it('moves only so many layers of a fleet at once', async () => {
      const world = createWorld(harness())
      const names = ['a', 'b', 'c', 'd']
      for (const [n, name] of names.entries()) {
        await world.register(name, 1)
        await world.serve(world.layer(n))
      }
      await world.register('e', 9)
      for (const name of names) await world.index.drainHost(world.fleet, name)
      const moving = await Promise.all(names.map((name) => asked(world, name)))
      expect(moving.flat()).toHaveLength(rules.drainMoves ?? 0)
      expect(await asked(world, 'd')).toEqual([])
      await close(world, 'a', world.layer(0))
      await open(world, world.layer(0))
      expect(await asked(world, 'd')).toEqual([world.layer(3)])
    })

    const deadlines: readonly (readonly [string, number, number])[] = [
      ['long', 8_000_000, 1],
      ['shorter', 2_500_000, 1],
      ['so short that two must go at once', 700_000, 2],
      ['so short that three must go at once', 300_000, 3],
      ['over', 0, 4],
    ]
    it.each(deadlines)('with a deadline that is %s moves as many at once as it must', async (_, withinMs, count) => {
      const world = await scene(harness(), 4, [['b', 9]])
      await world.index.drainHost(world.fleet, 'a', withinMs)
      expect(await asked(world, 'a')).toHaveLength(count)
    })

    it('obeys the earlier of two deadlines', async () => {
      const world = await scene(harness(), 4, [['b', 9]])
      await world.index.drainHost(world.fleet, 'a')
      expect(await asked(world, 'a')).toHaveLength(1)
      await world.index.drainHost(world.fleet, 'a', 300_000)
      await world.index.drainHost(world.fleet, 'a', 8_000_000)
      expect(await asked(world, 'a')).toHaveLength(3)
    })

    it.each([
      ['with players leaves a wish', 2, 'Wished'],
      ['without a player falls asleep', 0, 'Asleep'],
    ] as const)('near its deadline goes without room, and a layer %s', async (_, players, state) => {
      const world = await scene(harness(), 1, [], players)
      await world.index.drainHost(world.fleet, 'a', 2_100_000)
      expect(await asked(world, 'a')).toEqual([])
      await world.live(2, [beat('a')])
      expect(await asked(world, 'a')).toEqual([world.layer(0)])
      await close(world, 'a', world.layer(0))
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state })
    })

    it('leaves no wish behind where the layer stays: it may fall asleep', async () => {
      const world = await scene(harness(), 1, [['b', 1]])
      const { index, fleet } = world
      await drain(world, 'a')
      await index.removeHost(fleet, 'b')
      expect(await index.beginClose(fleet, world.layer(0), 'a', 1, false)).toBe('ok')
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Asleep' })
    })

    it('opens the layer again that was closed all the same, because its host had not heard that it stays', async () => {
      const world = await scene(harness(), 1, [['b', 1]])
      await drain(world, 'a')
      await world.index.removeHost(world.fleet, 'b')
      await world.register('c', 1)
      await close(world, 'a', world.layer(0))
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Assigned', host: 'c' })
    })

    it('survives a silence', async () => {
      const world = await scene(harness(), 0)
      await world.index.drainHost(world.fleet, 'a')
      await world.live(DEATH)
      await world.index.sweep(world.fleet)
      expect(await world.index.heartbeat(world.fleet, beat('a'))).toMatchObject({ known: true, state: 'Draining' })
    })

    it('begins anew with another process of the same name', async () => {
      const world = await scene(harness(), 2, [['b', 1]])
      const { index, fleet } = world
      await index.drainHost(fleet, 'a')
      await world.register('a', 2, 'b')
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Ready' })
      for (const n of [0, 1])
        expect(await index.getLayer(fleet, world.layer(n))).toMatchObject({ state: 'Assigned', closeRequested: undefined })
    })
  })

  describe('a host of a cordoned node', () => {
    const cordon = async ({ index, fleet }: World, host: string): Promise<void> => {
      await index.cordonNode(fleet, `node-${host}`, true)
      await index.heartbeat(fleet, beat(host))
    }
    const uncordon = ({ index, fleet }: World, host: string): Promise<void> => index.cordonNode(fleet, `node-${host}`, false)

    it('drains, and stays when the node is uncordoned, with what it still has', async () => {
      const world = await scene(harness(), 3, [['b', 4]])
      const { index, fleet } = world
      await cordon(world, 'a')
      await cordon(world, 'a')
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Draining', cordoned: true })
      await close(world, 'a', world.layer(0))
      await open(world, world.layer(0))
      expect(await asked(world, 'a')).toEqual([world.layer(1)])
      await uncordon(world, 'a')
      await uncordon(world, 'a')
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Ready', cordoned: false, layers: 2 })
      expect(await asked(world, 'a')).toEqual([])
      expect(await index.joinLayer(fleet, world.layer(1), ticket('x'))).toMatchObject({ ticketed: true, host: 'a' })
      // The slot that was kept is free, and so is the one that was left.
      for (const n of [4, 5, 6, 7]) expect(await index.placeLayer(fleet, world.layer(n))).toMatchObject({ state: 'Assigned' })
    })

    it('drains with all others of the node in one step: nothing of one is moved to another, or placed there', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const join = (name: string, node: string) => index.registerHost(fleet, { ...registration(name, 2), node })
      await join('a', 'same')
      await join('b', 'same')
      await world.serve(world.layer(0))
      // It is assigned to a as well, and not claimed yet.
      expect(await index.placeLayer(fleet, world.layer(1))).toMatchObject({ host: 'a' })
      await join('c', 'other')
      await index.cordonNode(fleet, 'same', true)
      expect(await index.getLayer(fleet, world.layer(1))).toMatchObject({ state: 'Assigned', host: 'c' })
      expect((await index.fleetView(fleet)).hosts.map(({ name, state }) => `${name} ${state}`)).toEqual([
        'a Draining',
        'b Draining',
        'c Ready',
      ])
      expect(await asked(world, 'a')).toEqual([world.layer(0)])
      await close(world, 'a', world.layer(0))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'c' })
    })

    it('has opened elsewhere what is being closed when the node is uncordoned', async () => {
      const world = await scene(harness(), 1, [['b', 1]])
      const { index, fleet } = world
      await cordon(world, 'a')
      expect(await index.beginClose(fleet, world.layer(0), 'a', 1, true)).toBe('ok')
      await uncordon(world, 'a')
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      expect(await open(world, world.layer(0))).toBeDefined()
      expect(await index.heartbeat(fleet, beat('a'))).toMatchObject({ state: 'Ready', mayLeave: false })
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(false)
    })

    const reasons: readonly (readonly [string, (world: World) => Promise<void>])[] = [
      ['drains for another reason as well', ({ index, fleet }) => index.drainHost(fleet, 'a')],
      ['has to go by a time', ({ index, fleet }) => index.drainHost(fleet, 'a', 8_000_000)],
      ['has left', async ({ index, fleet }) => void (await index.leaveHost(fleet, 'a', 'a'))],
    ]
    it.each(reasons)('does not stay when it %s', async (_, goes) => {
      const world = await scene(harness(), 0)
      await cordon(world, 'a')
      await goes(world)
      const state = (await hostOf(world, 'a'))?.state
      await uncordon(world, 'a')
      expect(await hostOf(world, 'a')).toMatchObject({ state })
      expect(state).not.toBe('Ready')
    })

    it('that drained before goes on, whatever becomes of the node', async () => {
      const world = await scene(harness(), 1)
      await world.index.drainHost(world.fleet, 'a')
      await cordon(world, 'a')
      await uncordon(world, 'a')
      await world.index.cordonNode(world.fleet, 'nowhere', true)
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Draining', cordoned: false })
    })
  })

  describe('an outdated host', () => {
    const outdated = { outdated: true }

    it('is drained when another has room, one at a time', async () => {
      const world = await scene(harness(), 1)
      const { index, fleet } = world
      await world.register('b', 1)
      await world.serve(world.layer(1))
      expect(await asked(world, 'a', outdated)).toEqual([])
      expect(await asked(world, 'b', outdated)).toEqual([])
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Ready', outdated: true })
      await world.advance(SETTLED)
      // Nobody has room.
      expect(await asked(world, 'b', outdated)).toEqual([])
      await world.register('c', 9)
      expect(await asked(world, 'b', outdated)).toEqual([world.layer(1)])
      expect(await asked(world, 'a', outdated)).toEqual([])
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Ready' })
      await close(world, 'b', world.layer(1))
      // Empty, it is not in the way, though the layer is not served again yet.
      expect(await asked(world, 'a', outdated)).toEqual([world.layer(0)])
      await open(world, world.layer(1))
      await close(world, 'a', world.layer(0))
      expect(await index.heartbeat(fleet, beat('a', [], outdated))).toMatchObject({ state: 'Draining', mayLeave: true })
    })

    it('goes at once when it is empty', async () => {
      const world = await scene(harness(), 0)
      expect(await world.index.heartbeat(world.fleet, beat('a', [], outdated))).toMatchObject({ state: 'Draining', mayLeave: true })
    })

    it('of a large fleet goes with a share of the others', async () => {
      const world = createWorld(harness())
      const names = Array.from({ length: 19 }, (_, n) => `old-${n}`)
      for (const [n, name] of names.entries()) {
        await world.register(name, 1)
        await world.serve(world.layer(n))
      }
      await world.register('new', 40)
      for (const name of names) await asked(world, name, outdated)
      await world.advance(SETTLED)
      const moving = []
      for (const name of names) moving.push(...(await asked(world, name, outdated)))
      expect(moving).toHaveLength(2)
    })

    it('waits until the others of its template had time to learn of it', async () => {
      const world = await scene(harness(), 1, [['b', 4]])
      const { index, fleet } = world
      expect(await asked(world, 'a', outdated)).toEqual([])
      await world.advance(SETTLED)
      expect(await asked(world, 'a', outdated)).toEqual([world.layer(0)])
      await close(world, 'a', world.layer(0))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'b' })
    })

    it('is of the current template again when the mark was taken from it before its turn', async () => {
      const world = await scene(harness(), 1)
      await asked(world, 'a', outdated)
      await asked(world, 'a')
      expect(await hostOf(world, 'a')).toMatchObject({ state: 'Ready', outdated: false })
    })
  })
}
