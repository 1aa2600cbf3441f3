import { describe, expect, it } from 'vitest'
import type { CloseReason } from '../../core/ports/index-port.ts'
import { beat, createWorld, DEATH, type IndexHarness, registration, report, ticket, type World } from './index-harness.ts'

export function closingContract(harness: () => IndexHarness): void {
  describe('tickets', () => {
    const opened = async (): Promise<World> => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0), 5)
      return world
    }

    it('are given for a served layer and used once', async () => {
      const world = await opened()
      const { index, fleet } = world
      expect(await index.joinLayer(fleet, world.layer(0), ticket('one'))).toMatchObject({
        ticketed: true,
        state: 'Serving',
        epoch: 5,
        host: 'a',
      })
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'one')).toEqual({
        ok: true,
        account: 'account-one',
        character: 'character-one',
      })
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'one')).toEqual({ ok: false, code: 'TicketUsed' })
      expect(await index.joinLayer(fleet, world.layer(0), ticket('one'))).toMatchObject({ ticketed: false })
    })

    it('are given with the placement and while the layer is claimed, and are good from then on', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const layer = world.layer(0)
      await world.register('a')
      const placed = { ticketed: true, state: 'Assigned', host: 'a', generation: 1, epoch: 0, endpoints: ['10.0.0.1:7001'] }
      for (const id of ['assigned', 'claiming', 'serving', 'live'])
        expect(await index.joinLayer(fleet, layer, ticket(id))).toMatchObject(placed)
      expect(await index.redeemTicket(fleet, layer, 'a', 1, 'assigned')).toMatchObject({ ok: true, character: 'character-assigned' })
      await index.heartbeat(fleet, beat('a', [report(layer, 1, 0, 'Claiming')]))
      expect(await index.redeemTicket(fleet, layer, 'a', 1, 'claiming')).toMatchObject({ ok: true })
      expect(await index.joinLayer(fleet, layer, ticket('late'))).toMatchObject({ ticketed: true, state: 'Claiming' })
      await index.heartbeat(fleet, beat('a', [report(layer, 1, 7)]))
      expect(await index.redeemTicket(fleet, layer, 'a', 1, 'serving')).toMatchObject({ ok: true })
      expect(await index.redeemTicket(fleet, layer, 'a', 1, 'assigned')).toEqual({ ok: false, code: 'TicketUsed' })
      expect(await index.beginClose(fleet, layer, 'a', 1, false)).toBe('tickets')
    })

    it('are not given before a layer is served by a host that does not say that it holds hellos', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const layer = world.layer(0)
      const { holdsHellos: _, ...earlier } = registration('a')
      await index.registerHost(fleet, earlier)
      expect(await index.joinLayer(fleet, layer, ticket('one'))).toMatchObject({ ticketed: false, state: 'Assigned', host: 'a' })
      await index.heartbeat(fleet, beat('a', [report(layer, 1, 0, 'Claiming')]))
      expect(await index.joinLayer(fleet, layer, ticket('one'))).toMatchObject({ ticketed: false, state: 'Claiming', generation: 1 })
      await index.heartbeat(fleet, beat('a', [report(layer, 1, 7)]))
      expect(await index.joinLayer(fleet, layer, ticket('one'))).toMatchObject({ ticketed: true, state: 'Serving' })
      // Its successor, of the same name, does.
      await index.registerHost(fleet, registration('a', 4, 'b'))
      expect(await index.joinLayer(fleet, layer, ticket('two'))).toMatchObject({ ticketed: true, state: 'Assigned', generation: 2 })
    })

    it('given with a placement end with it', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const layer = world.layer(0)
      await world.register('a')
      await index.joinLayer(fleet, layer, ticket('failed'))
      await index.failLayer(fleet, layer, 'a', 1, 'no store')
      expect(await index.redeemTicket(fleet, layer, 'a', 1, 'failed')).toEqual({ ok: false, code: 'LayerLost' })
      expect(await index.joinLayer(fleet, layer, ticket('again'))).toMatchObject({ ticketed: true, generation: 2 })
      expect(await index.redeemTicket(fleet, layer, 'a', 2, 'failed')).toEqual({ ok: false, code: 'TicketExpired' })
      // It was not used: the same request, made again, gets it for the host that has the layer now.
      expect(await index.joinLayer(fleet, layer, ticket('failed'))).toMatchObject({ ticketed: true })
      expect(await index.redeemTicket(fleet, layer, 'a', 2, 'failed')).toMatchObject({ ok: true })
      await index.requestClose(fleet, layer, 'Suspend')
      expect(await index.redeemTicket(fleet, layer, 'a', 2, 'again')).toEqual({ ok: false, code: 'LayerLost' })
    })

    it('are not given for a layer whose claim is late or that is asked to close: it is placed anew, or waited for', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.register('b')
      await index.joinLayer(fleet, world.layer(0), ticket('one'))
      await world.live(DEATH, [beat('a'), beat('b')])
      expect(await index.joinLayer(fleet, world.layer(0), ticket('two'))).toMatchObject({ ticketed: true, host: 'b', generation: 2 })
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'one')).toEqual({ ok: false, code: 'LayerLost' })
      expect(await index.redeemTicket(fleet, world.layer(0), 'b', 2, 'one')).toEqual({ ok: false, code: 'TicketExpired' })
      await index.heartbeat(fleet, beat('b', [report(world.layer(0), 2, 0, 'Claiming')]))
      await index.requestClose(fleet, world.layer(0), 'Suspend')
      expect(await index.joinLayer(fleet, world.layer(0), ticket('three'))).toMatchObject({ ticketed: false, state: 'Claiming' })
    })

    it('expire, are told from unknown ones for a while, and are forgotten', async () => {
      const world = await opened()
      const { index, fleet } = world
      const alive = beat('a', [report(world.layer(0), 1, 5)])
      await index.joinLayer(fleet, world.layer(0), ticket('one', 150_000))
      await world.live(2, [alive])
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'one')).toEqual({ ok: false, code: 'TicketExpired' })
      await world.live(70, [alive])
      await index.sweep(fleet)
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'one')).toEqual({ ok: false, code: 'TicketUnknown' })
    })

    it('are for one layer and one assignment of it, whatever epochs it is served in', async () => {
      const world = await opened()
      const { index, fleet } = world
      await world.serve(world.layer(1), 2)
      await index.joinLayer(fleet, world.layer(0), ticket('one'))
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'none')).toEqual({ ok: false, code: 'TicketUnknown' })
      expect(await index.redeemTicket(fleet, world.layer(1), 'a', 1, 'one')).toEqual({ ok: false, code: 'TicketUnknown' })
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 0, 'one')).toEqual({ ok: false, code: 'LayerLost' })
      expect(await index.redeemTicket(fleet, world.layer(0), 'b', 1, 'one')).toEqual({ ok: false, code: 'LayerLost' })
      expect(await index.redeemTicket(fleet, world.layer(7), 'a', 1, 'one')).toEqual({ ok: false, code: 'LayerLost' })
      await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 6)]))
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'one')).toMatchObject({ ok: true })
      await index.joinLayer(fleet, world.layer(0), ticket('two'))
      await index.beginClose(fleet, world.layer(0), 'a', 1, true)
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      await world.serve(world.layer(0), 7)
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'two')).toEqual({ ok: false, code: 'LayerLost' })
      expect(await index.redeemTicket(fleet, world.layer(0), 'a', 2, 'two')).toEqual({ ok: false, code: 'TicketExpired' })
    })

    it('are bounded for each layer', async () => {
      const world = await opened()
      const given: boolean[] = []
      for (let n = 0; n < 10; n += 1) given.push((await world.index.joinLayer(world.fleet, world.layer(0), ticket(`t${n}`))).ticketed)
      expect(given).toEqual([true, true, true, true, true, true, true, true, false, false])
      expect((await world.index.joinLayer(world.fleet, world.layer(0), ticket('t3'))).ticketed).toBe(true)
      await world.serve(world.layer(1), 1)
      expect((await world.index.joinLayer(world.fleet, world.layer(1), ticket('other'))).ticketed).toBe(true)
    })
  })

  describe('closing', () => {
    it('is refused while a ticket is live, unless forced', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const layer = world.layer(0)
      await world.register('a')
      await world.serve(layer, 5)
      const alive = beat('a', [report(layer, 1, 5)])
      await index.joinLayer(fleet, layer, ticket('used'))
      await index.redeemTicket(fleet, layer, 'a', 1, 'used')
      await index.joinLayer(fleet, layer, ticket('short', 100_000))
      expect(await index.beginClose(fleet, layer, 'a', 1, false)).toBe('tickets')
      await world.live(2, [alive])
      await index.joinLayer(fleet, layer, ticket('live'))
      expect(await index.beginClose(fleet, layer, 'a', 1, false)).toBe('tickets')
      expect(await index.beginClose(fleet, layer, 'a', 1, true)).toBe('ok')
      expect(await index.redeemTicket(fleet, layer, 'a', 1, 'live')).toEqual({ ok: false, code: 'TicketExpired' })
      expect(await index.getLayer(fleet, layer)).toMatchObject({ state: 'Closing', host: 'a' })
    })

    it('is granted when the tickets are used or expired, and again', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 5)
      await index.joinLayer(fleet, world.layer(0), ticket('used'))
      await index.redeemTicket(fleet, world.layer(0), 'a', 1, 'used')
      await index.joinLayer(fleet, world.layer(0), ticket('short', 100_000))
      await world.live(2, [beat('a', [report(world.layer(0), 1, 5)])])
      expect(await index.beginClose(fleet, world.layer(0), 'a', 1, false)).toBe('ok')
      expect(await index.beginClose(fleet, world.layer(0), 'a', 1, false)).toBe('ok')
    })

    it('ends asleep with the slot free', async () => {
      const world = createWorld(harness())
      await world.register('a', 1)
      await world.serve(world.layer(0), 5, 2)
      await world.index.beginClose(world.fleet, world.layer(0), 'a', 1, false)
      expect(await world.index.closeLayer(world.fleet, world.layer(0), 'a', 1)).toBe('ok')
      expect(await world.index.closeLayer(world.fleet, world.layer(0), 'a', 1)).toBe('lost')
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({
        state: 'Asleep',
        host: undefined,
        epoch: 5,
        players: 0,
      })
      expect((await world.index.fleetView(world.fleet)).hosts[0]).toMatchObject({ layers: 0, players: 0 })
    })

    it.each(['place', 'join'] as const)('with a %s meanwhile leaves a wish, placed when it is done', async (how) => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 5)
      await index.beginClose(fleet, world.layer(0), 'a', 1, false)
      if (how === 'place') expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ state: 'Closing', generation: 1 })
      else expect(await index.joinLayer(fleet, world.layer(0), ticket('x'))).toMatchObject({ state: 'Closing', ticketed: false })
      expect(await index.closeLayer(fleet, world.layer(0), 'a', 1)).toBe('ok')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Assigned', generation: 2, host: 'a' })
    })

    it('is asked of the host with its heartbeat, and nobody joins from then on', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 5)
      await index.requestClose(fleet, world.layer(0), 'ScaleDown')
      const answer = await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 5)]))
      expect(answer.layers).toEqual([{ layer: world.layer(0), generation: 1, closeRequested: 'ScaleDown' }])
      expect(await index.joinLayer(fleet, world.layer(0), ticket('x'))).toMatchObject({
        state: 'Serving',
        closeRequested: 'ScaleDown',
        ticketed: false,
      })
    })

    it('drops a wish and an assignment that nobody claimed', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await index.placeLayer(fleet, world.layer(0))
      await index.requestClose(fleet, world.layer(0), 'ScaleDown')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Asleep' })
      await world.register('a')
      await index.placeLayer(fleet, world.layer(1))
      await index.requestClose(fleet, world.layer(1), 'ScaleDown')
      expect(await index.getLayer(fleet, world.layer(1))).toMatchObject({ state: 'Asleep', host: undefined })
      expect((await index.heartbeat(fleet, beat('a', [report(world.layer(1), 1, 0, 'Claiming')]))).layers).toEqual([])
      await index.requestClose(fleet, world.layer(5), 'ScaleDown')
      expect(await index.getLayer(fleet, world.layer(5))).toMatchObject({ state: 'Asleep', generation: 0 })
    })

    const twice: readonly (readonly [CloseReason, CloseReason, CloseReason])[] = [
      ['Drain', 'Suspend', 'Suspend'],
      ['Suspend', 'Drain', 'Suspend'],
      ['ScaleDown', 'Delete', 'Delete'],
      ['Drain', 'Drain', 'Drain'],
    ]
    it.each(twice)('asked for by %s and %s is for %s', async (first, second, recorded) => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0))
      await world.index.requestClose(world.fleet, world.layer(0), first)
      await world.index.requestClose(world.fleet, world.layer(0), second)
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ closeRequested: recorded, state: 'Serving' })
    })
  })

  describe('bars', () => {
    it('keep a zone from being placed and ask its layers to close', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const other = `game/other-${fleet.replaceAll('/', '-')}` as const
      await world.register('a', 8)
      await world.serve(world.layer(0), 5, 2)
      await world.serve(`${other}/0`, 3)
      await index.placeLayer(fleet, world.layer(1))
      const zone = world.zone
      await index.barZone(fleet, zone, 'Suspend')
      await index.barZone(fleet, zone, 'Suspend')
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ state: 'Barred', closeRequested: 'Suspend' })
      expect(await index.joinLayer(fleet, world.layer(0), ticket('x'))).toMatchObject({ state: 'Barred', ticketed: false })
      expect(await index.placeLayer(fleet, world.layer(2))).toMatchObject({ state: 'Barred' })
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Serving', closeRequested: 'Suspend', players: 2 })
      expect(await index.getLayer(fleet, world.layer(1))).toMatchObject({ state: 'Barred', host: undefined })
      expect(await index.getLayer(fleet, `${other}/0`)).toMatchObject({ state: 'Serving', closeRequested: undefined })
      expect((await index.fleetView(fleet)).barred).toEqual([zone])
      await index.beginClose(fleet, world.layer(0), 'a', 1, true)
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Barred' })
      await index.unbarZone(fleet, zone)
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ state: 'Assigned', generation: 2 })
    })

    it('drop the wish for a layer that is closing', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 5)
      await index.beginClose(fleet, world.layer(0), 'a', 1, false)
      await index.placeLayer(fleet, world.layer(0))
      await index.barZone(fleet, world.zone, 'Delete')
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Barred', host: undefined })
      expect((await index.autoscale(fleet, { spare: 1, min: 0, max: 100, emptyAfterMs: 0, allocated: 0 })).wishes).toBe(0)
    })

    it('outlive the records of the zone for a while', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await index.registerHost(fleet, registration('a'))
      await world.serve(world.layer(0), 5)
      await world.serve(world.layer(1), 5)
      await index.forgetZone(fleet, world.zone)
      expect((await index.fleetView(fleet)).layers).toHaveLength(2)
      await index.barZone(fleet, world.zone, 'Delete')
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      await index.forgetZone(fleet, world.zone)
      expect((await index.fleetView(fleet)).layers.map((layer) => layer.layer)).toEqual([world.layer(1)])
      await index.closeLayer(fleet, world.layer(1), 'a', 1)
      await index.forgetZone(fleet, world.zone)
      expect((await index.fleetView(fleet)).layers).toEqual([])
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ state: 'Barred', generation: 0 })
      await world.advance(60_000_001)
      await index.sweep(fleet)
      expect((await index.fleetView(fleet)).barred).toEqual([])
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
    })
  })
}
