import { describe, expect, it } from 'vitest'
import type { LayerView } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { HEARTBEAT_EVERY, HELLO_HOLD_LIMIT, TICKET_TTL } from '../../../core/timing.ts'
import { Crowds } from '../../../services/allocator/crowds.ts'
import { zoneSettings } from '../client/doubles/index-host.ts'
import { layerView } from './layer-view.ts'

const settings = zoneSettings({ layers: { min: 1, max: 3, maxPlayers: 10 } })

/** Crowds at a time that the test sets, and where characters of a number are sent. */
function crowdsAt(): {
  readonly crowds: Crowds
  pass(ms: number): void
  sent(from: number, count: number, views: readonly LayerView[]): (number | undefined)[]
} {
  let now = 1_000_000
  const placed = { placeLayer: async (_: string, layer: LayerView['layer']) => ({ ...layerView(0, 'Assigned'), layer }) }
  const crowds = new Crowds(placed, { now: () => now }, silentLog)
  return {
    crowds,
    pass(ms) {
      now += ms
    },
    sent: (from, count, views) =>
      Array.from({ length: count }, (_, k) => {
        const layer = crowds.choose(settings, views, `character-${from + k}`, undefined)
        return layer === undefined ? undefined : Number(layer.split('/')[2])
      }),
  }
}

const asleep = [layerView(0, 'Asleep'), layerView(1, 'Asleep'), layerView(2, 'Asleep')]
const claiming = [layerView(0, 'Claiming'), layerView(1, 'Asleep'), layerView(2, 'Asleep')]

describe('a crowd that comes to a zone that wakes', () => {
  it('is spread though the claim outlasts many heartbeats', () => {
    const { sent, pass } = crowdsAt()
    expect(sent(0, 1, asleep)).toEqual([0])
    for (let k = 1; k < 10; k++) {
      pass(HEARTBEAT_EVERY * 1.5)
      expect(sent(k, 1, claiming)).toEqual([0])
    }
    pass(HEARTBEAT_EVERY * 1.5)
    expect(sent(10, 2, claiming)).toEqual([1, 1])
  })

  it('is counted until its host has reported who came in, and not after that', () => {
    const { sent, pass } = crowdsAt()
    sent(0, 10, claiming)
    pass(HEARTBEAT_EVERY * 3)
    const served = (players: number) => [layerView(0, 'Serving', players), layerView(1, 'Claiming'), layerView(2, 'Asleep')]
    expect(sent(10, 1, served(0))).toEqual([1])
    pass(HEARTBEAT_EVERY)
    expect(sent(11, 1, served(0))).toEqual([1])
    pass(HEARTBEAT_EVERY)
    expect(sent(12, 1, served(3))).toEqual([0])
  })

  it('counts once who asks again, and not who got no ticket, nor whose ticket has expired', () => {
    const { crowds, sent, pass } = crowdsAt()
    expect(sent(0, 9, claiming)).toEqual(Array(9).fill(0))
    pass(HELLO_HOLD_LIMIT)
    expect(sent(0, 9, claiming)).toEqual(Array(9).fill(0))
    expect(sent(9, 2, claiming)).toEqual([0, 1])
    crowds.stayed('game/meadow/0', 'character-9')
    expect(sent(11, 2, claiming)).toEqual([0, 1])
    pass(TICKET_TTL)
    expect(sent(20, 10, claiming)).toEqual(Array(10).fill(0))
  })

  it('starts anew when the layer was served meanwhile', () => {
    const { sent, pass } = crowdsAt()
    sent(0, 10, claiming)
    sent(10, 1, [layerView(0, 'Serving', 0), layerView(1, 'Claiming'), layerView(2, 'Asleep')])
    pass(HEARTBEAT_EVERY * 3)
    expect(sent(20, 1, asleep)).toEqual([0])
    expect(sent(21, 9, claiming)).toEqual(Array(9).fill(0))
  })

  it('refuses nobody for those who may have given up', () => {
    const { sent } = crowdsAt()
    const full = [layerView(0, 'Claiming'), layerView(1, 'Serving', 10), layerView(2, 'Serving', 10)]
    expect(sent(0, 11, full)).toEqual(Array(11).fill(0))
  })
})
