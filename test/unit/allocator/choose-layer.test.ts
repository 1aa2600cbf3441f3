import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LayerId, layerId } from '../../../core/ids.ts'
import type { CharacterLocation, LayerState, LayerView } from '../../../core/ports/index-port.ts'
import { chooseLayer } from '../../../services/allocator/choose-layer.ts'
import { layerView } from './layer-view.ts'

const zone = 'game/meadow'

const inLayer = (layer: LayerId): CharacterLocation => ({ state: 'InZone', zone, layer })

interface Row {
  readonly name: string
  readonly layers: { readonly min: number; readonly max: number; readonly maxPlayers: number }
  readonly known: readonly LayerView[]
  readonly location?: CharacterLocation
  readonly chosen: number | undefined
}

const rows: readonly Row[] = [
  { name: 'nothing known: the first is woken', layers: { min: 1, max: 4, maxPlayers: 10 }, known: [], chosen: 0 },
  { name: 'the only one, asleep', layers: { min: 1, max: 1, maxPlayers: 10 }, known: [layerView(0, 'Asleep')], chosen: 0 },
  {
    name: 'the only one, closing: a wish is left',
    layers: { min: 1, max: 1, maxPlayers: 10 },
    known: [layerView(0, 'Closing')],
    chosen: 0,
  },
  {
    name: 'fewest players of those that share',
    layers: { min: 3, max: 3, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 5), layerView(1, 'Serving', 3), layerView(2, 'Serving', 4)],
    chosen: 1,
  },
  {
    name: 'equal players: the lowest',
    layers: { min: 2, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 3), layerView(1, 'Serving', 3)],
    chosen: 0,
  },
  {
    name: 'an open one before one that sleeps',
    layers: { min: 2, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 9), layerView(1, 'Asleep')],
    chosen: 0,
  },
  {
    name: 'on its way, and as many on theirs to it as it takes: the next is woken',
    layers: { min: 1, max: 3, maxPlayers: 10 },
    known: [layerView(0, 'Claiming', 10), layerView(1, 'Assigned', 9)],
    chosen: 1,
  },
  {
    name: 'on its way with room, before one that sleeps',
    layers: { min: 1, max: 3, maxPlayers: 10 },
    known: [layerView(1, 'Assigned', 9)],
    chosen: 1,
  },
  {
    name: 'full: the next is woken',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 10), layerView(1, 'Asleep')],
    chosen: 1,
  },
  {
    name: 'full: an open one beyond min',
    layers: { min: 1, max: 3, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 10), layerView(1, 'Asleep'), layerView(2, 'Serving', 1)],
    chosen: 2,
  },
  {
    name: 'beyond min it fills up in order, so that the last can empty',
    layers: { min: 1, max: 3, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 10), layerView(1, 'Serving', 7), layerView(2, 'Serving', 1)],
    chosen: 1,
  },
  {
    name: 'at the target no more go there while another has room',
    layers: { min: 1, max: 3, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 10), layerView(1, 'Serving', 8), layerView(2, 'Serving', 1)],
    chosen: 2,
  },
  {
    name: 'one on its way before one that sleeps',
    layers: { min: 1, max: 3, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 10), layerView(1, 'Asleep'), layerView(2, 'Claiming')],
    chosen: 2,
  },
  {
    name: 'one that sleeps before one that closes',
    layers: { min: 2, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Closing'), layerView(1, 'Asleep')],
    chosen: 1,
  },
  {
    name: 'asked to close: not joined while another sleeps',
    layers: { min: 2, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1, { closeRequested: 'Drain' }), layerView(1, 'Asleep')],
    chosen: 1,
  },
  {
    name: 'the only one is drained: waited for',
    layers: { min: 1, max: 1, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1, { closeRequested: 'Drain' })],
    chosen: 0,
  },
  { name: 'all full', layers: { min: 1, max: 1, maxPlayers: 10 }, known: [layerView(0, 'Serving', 10)], chosen: undefined },
  { name: 'barred', layers: { min: 1, max: 1, maxPlayers: 10 }, known: [layerView(0, 'Barred')], chosen: undefined },
  {
    name: 'a reconnect finds its place, though it is full',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1), layerView(1, 'Serving', 10)],
    location: inLayer('game/meadow/1'),
    chosen: 1,
  },
  {
    name: 'a reconnect waits for its layer while that is placed again',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1), layerView(1, 'Wished')],
    location: inLayer('game/meadow/1'),
    chosen: 1,
  },
  {
    name: 'its layer is scaled away: another',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1), layerView(1, 'Serving', 2, { closeRequested: 'ScaleDown' })],
    location: inLayer('game/meadow/1'),
    chosen: 0,
  },
  {
    name: 'its layer is above max now, and nobody has let the character go there: opened for that',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1)],
    location: inLayer('game/meadow/7'),
    chosen: 7,
  },
  {
    name: 'its layer is above max now and closes: another',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1), layerView(7, 'Closing', 1)],
    location: inLayer('game/meadow/7'),
    chosen: 0,
  },
  {
    name: 'its layer is above max now and is asked to close: another',
    layers: { min: 1, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1), layerView(7, 'Serving', 1, { closeRequested: 'ScaleDown' })],
    location: inLayer('game/meadow/7'),
    chosen: 0,
  },
  {
    name: 'in another zone: as anybody',
    layers: { min: 1, max: 1, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1)],
    location: inLayer('game/forest/0'),
    chosen: 0,
  },
  {
    name: 'offline: where it was does not count',
    layers: { min: 2, max: 2, maxPlayers: 10 },
    known: [layerView(0, 'Serving', 1), layerView(1, 'Serving', 2)],
    location: { state: 'Offline', zone, layer: 'game/meadow/1' },
    chosen: 0,
  },
]

describe('chooseLayer', () => {
  it.each(rows)('$name', ({ layers, known, location, chosen }) => {
    expect(chooseLayer({ zone, layers }, known, location)).toBe(chosen === undefined ? undefined : layerId(zone, chosen))
  })

  it('laws: within max, never a full or barred one, and none only when all are', () => {
    const state = fc.constantFrom<LayerState>('Asleep', 'Wished', 'Assigned', 'Claiming', 'Serving', 'Closing', 'Barred')
    const closing = fc.constantFrom<LayerView['closeRequested']>(undefined, undefined, 'Drain', 'ScaleDown')
    const crowd = fc.array(fc.record({ state, players: fc.nat(6), closeRequested: closing }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(crowd, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), (entries, min, maxPlayers) => {
        const known = entries.map(({ state, players, closeRequested }, index) => layerView(index, state, players, { closeRequested }))
        const settings = { zone, layers: { min: Math.min(min, known.length), max: known.length, maxPlayers } } as const
        const chosen = known.find((entry) => entry.layer === chooseLayer(settings, known))
        const isOpen = (entry: LayerView) => entry.state === 'Serving' && entry.closeRequested === undefined
        const isOpening = (entry: LayerView) => ['Wished', 'Assigned', 'Claiming'].includes(entry.state)
        const full = (entry: LayerView) => entry.state === 'Barred' || ((isOpen(entry) || isOpening(entry)) && entry.players >= maxPlayers)
        if (chosen === undefined) expect(known.every(full)).toBe(true)
        else expect(full(chosen)).toBe(false)
        const open = known.some((entry) => entry.state === 'Serving' && entry.closeRequested === undefined && !full(entry))
        if (open) expect(chosen?.state).toBe('Serving')
        expect(chooseLayer(settings, known)).toBe(chosen?.layer)
      }),
    )
  })
})
