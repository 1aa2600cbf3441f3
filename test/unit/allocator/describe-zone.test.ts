import { describe, expect, it } from 'vitest'
import type { LayerState, LayerView } from '../../../core/ports/index-port.ts'
import { detailZone, summarizeZone } from '../../../services/allocator/describe-zone.ts'
import { zoneSettings } from '../client/doubles/index-host.ts'

function view(index: number, state: LayerState, players = 0): LayerView {
  const nothing = { host: undefined, node: undefined, dataSafe: true, closeRequested: undefined, failure: undefined }
  return { ...nothing, layer: `game/meadow/${index}`, state, generation: 1, epoch: 4, endpoints: ['a:1'], players, since: 0 }
}

const table: readonly (readonly [string, readonly LayerView[], boolean, string])[] = [
  ['nothing known', [], false, 'Asleep'],
  ['asleep', [view(0, 'Asleep')], false, 'Asleep'],
  ['wished', [view(0, 'Wished')], false, 'Waking'],
  ['assigned', [view(0, 'Assigned')], false, 'Waking'],
  ['claiming', [view(0, 'Claiming')], false, 'Waking'],
  ['going to sleep', [view(0, 'Closing')], false, 'Asleep'],
  ['one of two served', [view(0, 'Wished'), view(1, 'Serving')], false, 'Serving'],
  ['suspended while still served', [view(0, 'Serving')], true, 'Suspended'],
  ['barred', [view(0, 'Barred')], false, 'Asleep'],
]

describe('zones as the allocator describes them', () => {
  it.each(table)('%s', (_, layers, suspended, state) => {
    expect(summarizeZone(zoneSettings({ suspended }), layers).state).toBe(state)
    expect(detailZone(zoneSettings({ suspended }), layers).state).toBe(state)
  })

  it('counts players of all layers and layers that are served', () => {
    const layers = [view(1, 'Serving', 4), view(0, 'Serving', 3), view(2, 'Claiming')]
    expect(summarizeZone(zoneSettings(), layers)).toEqual({ namespace: 'game', name: 'meadow', state: 'Serving', players: 7, layers: 2 })
  })

  it('names the zones whose border is open', () => {
    expect(detailZone(zoneSettings(), []).neighbours).toEqual([])
    expect(detailZone(zoneSettings({ neighbours: ['game/forest'] }), []).neighbours).toEqual(['game/forest'])
  })

  it('gives endpoints only of layers that are served, in order, and leaves sleeping ones out', () => {
    const detail = detailZone(zoneSettings(), [view(2, 'Closing', 1), view(0, 'Serving', 3), view(1, 'Asleep')])
    expect(detail.layers).toEqual([
      { index: 0, state: 'Serving', epoch: 4, players: 3, endpoints: ['a:1'] },
      { index: 2, state: 'Closing', epoch: 4, players: 1, endpoints: [] },
    ])
  })
})
