import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layerId } from '../../../core/ids.ts'
import { type CrowdView, layerThatTakes, layerToClose, layerToOpen, targetPlayers } from '../../../core/layer-demand.ts'
import type { ZoneSettings } from '../../../core/settings.ts'

const zone = 'game/meadow'
type Layers = ZoneSettings['layers']
const limits: Layers = { min: 1, max: 4, targetPlayers: 100, maxPlayers: 120 }

/** A layer by its players, or with a state of its own: `'Asleep'`, `[30, 'Drain']`. */
type Given = number | CrowdView['state'] | readonly [number, CrowdView['closeRequested']]

function views(given: readonly Given[]): CrowdView[] {
  return given.map((one, index) => {
    const view = { layer: layerId(zone, index), state: 'Serving', players: 0, closeRequested: undefined } as const
    if (typeof one === 'number') return { ...view, players: one }
    return typeof one === 'string' ? { ...view, state: one } : { ...view, players: one[0], closeRequested: one[1] }
  })
}

interface Row {
  readonly name: string
  readonly layers?: Partial<Layers>
  readonly given: readonly Given[]
  readonly opens?: number
  readonly closes?: number
  readonly takes: number | undefined
}

const rows: readonly Row[] = [
  { name: 'nothing known: a join wakes it', given: [], takes: undefined },
  { name: 'asleep: a join wakes it', given: ['Asleep'], takes: undefined },
  { name: 'below the target', given: [99], takes: 0 },
  { name: 'at the target: the next opens before the first is full, which goes on taking', given: [100], opens: 1, takes: 0 },
  { name: 'the next is on its way: not another', given: [119, 'Claiming'], takes: 0 },
  { name: 'the next waits for a host: not another', given: [119, 'Wished'], takes: 0 },
  { name: 'full, and the next is on its way: nobody takes', given: [120, 'Assigned'], takes: undefined },
  { name: 'the new one takes', given: [110, 3], takes: 1 },
  { name: 'the fullest below the target takes, so that the emptiest can empty', given: [100, 20, 60], takes: 2 },
  { name: 'all at the target: the emptiest takes meanwhile', given: [110, 105, 108], opens: 3, takes: 1 },
  { name: 'never more than max', layers: { max: 2 }, given: [119, 118], takes: 1 },
  { name: 'all full', layers: { max: 2 }, given: [120, 120], takes: undefined },
  { name: 'one that closes does not count as open', given: [100, [10, 'ScaleDown']], opens: 2, takes: 0 },
  { name: 'the lowest that sleeps opens', given: [100, 'Asleep', 100], opens: 1, takes: 0 },
  {
    name: 'a target above maxPlayers is maxPlayers',
    layers: { targetPlayers: 400, maxPlayers: 40 },
    given: [40],
    opens: 1,
    takes: undefined,
  },
  { name: 'one layer at least has room', layers: { targetPlayers: 1, maxPlayers: 1 }, given: [1], opens: 1, takes: undefined },
  { name: 'the crowd fits into one with room to spare', given: [50, 25], closes: 1, takes: 0 },
  { name: 'it fits, but barely: nothing closes', given: [50, 26], takes: 0 },
  { name: 'the emptiest closes', given: [10, 50, 5], closes: 2, takes: 0 },
  { name: 'the highest of equals closes', given: [10, 20, 20], closes: 2, takes: 0 },
  { name: 'not below min', layers: { min: 2 }, given: [10, 0], takes: 1 },
  { name: 'those up to min share', layers: { min: 2 }, given: [10, 30, 5], closes: 2, takes: 0 },
  { name: 'the last one stays', given: [0], takes: 0 },
  { name: 'one after the other', given: [10, 0, [5, 'ScaleDown']], takes: 0 },
  { name: 'not while one is drained', given: [10, 0, [5, 'Drain']], takes: 0 },
  { name: 'not while one opens', given: [10, 0, 'Assigned'], takes: 0 },
]

describe('layers follow the crowd', () => {
  it.each(rows)('$name', ({ layers, given, opens, closes, takes }) => {
    const settings = { zone, layers: { ...limits, ...layers } as Layers } as const
    const id = (index: number | undefined) => (index === undefined ? undefined : layerId(zone, index))
    expect(layerToOpen(settings, views(given))).toBe(id(opens))
    expect(layerToClose(settings, views(given))).toBe(id(closes))
    expect(layerThatTakes(settings, views(given))).toBe(id(takes))
  })

  it.each([
    [{ min: 1, max: 1, maxPlayers: 300 }, 240],
    [{ min: 1, max: 1, maxPlayers: 1 }, 1],
    [{ min: 1, max: 1, maxPlayers: 10, targetPlayers: 30 }, 10],
  ])('the target of %o is %i', (layers, target) => {
    expect(targetPlayers(layers)).toBe(target)
  })
})

/** A zone whose players come and go; a layer opens and closes after a few moments. */
class Crowd {
  readonly settings: { readonly zone: typeof zone; readonly layers: Layers }
  readonly layers: CrowdView[]
  readonly seen = { opens: 0, closes: 0, arrivals: 0, refused: 0, most: 0, least: Number.POSITIVE_INFINITY }
  #calm = 0

  constructor(layers: Layers) {
    this.settings = { zone, layers }
    this.layers = views(Array.from({ length: layers.max }, (_, index) => (index < layers.min ? 0 : 'Asleep')))
  }

  get players(): number {
    return this.layers.reduce((sum, view) => sum + view.players, 0)
  }

  get #open(): readonly CrowdView[] {
    return this.layers.filter(({ state }) => state === 'Serving')
  }

  change(index: number, change: Partial<CrowdView>): void {
    const view = this.layers[index]
    if (view !== undefined) this.layers[index] = { ...view, ...change }
  }

  #indexOf(layer: string | undefined): number {
    return this.layers.findIndex((view) => view.layer === layer)
  }

  join(): void {
    const next = this.#indexOf(layerToOpen(this.settings, this.layers))
    if (next >= 0) {
      this.seen.opens += 1
      this.change(next, { state: 'Assigned' })
    }
    const index = this.#indexOf(layerThatTakes(this.settings, this.layers))
    if (index < 0) this.seen.refused += 1
    else {
      this.seen.arrivals += 1
      this.change(index, { players: (this.layers[index]?.players ?? 0) + 1 })
    }
  }

  leave(pick: number): void {
    const busy = this.layers.flatMap(({ players }, index) => (players > 0 ? [index] : []))
    const index = busy[pick % Math.max(1, busy.length)]
    if (index !== undefined) this.change(index, { players: (this.layers[index]?.players ?? 0) - 1 })
  }

  /** What the operator and the hosts do: what opens is open, what was not needed for three moments is closed and its players join again. */
  moment(): void {
    this.layers.forEach(({ state }, index) => {
      if (state === 'Assigned') this.change(index, { state: 'Serving' })
    })
    const surplus = this.#indexOf(layerToClose(this.settings, this.layers))
    this.#calm = surplus < 0 ? 0 : this.#calm + 1
    if (this.#calm >= 3) {
      this.#calm = 0
      this.seen.closes += 1
      const moved = this.layers[surplus]?.players ?? 0
      this.change(surplus, { state: 'Asleep', players: 0 })
      for (let n = 0; n < moved; n += 1) this.join()
      this.seen.arrivals -= moved
    }
    this.seen.most = Math.max(this.seen.most, this.#open.length)
    this.seen.least = Math.min(this.seen.least, this.#open.length)
  }
}

const crowds = fc
  .record({
    min: fc.integer({ min: 1, max: 3 }),
    more: fc.integer({ min: 0, max: 4 }),
    target: fc.integer({ min: 1, max: 40 }),
    room: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ min, more, target, room }): Layers => ({ min, max: min + more, targetPlayers: target, maxPlayers: target + room }))
/** So many come (or go), then a moment passes. */
const waves = fc.array(fc.tuple(fc.integer({ min: -30, max: 30 }), fc.nat(1_000)), { minLength: 1, maxLength: 60 })

describe('a crowd that comes and goes', () => {
  it('has never more layers than max nor fewer than min, and makes few of them open and close', () => {
    fc.assert(
      fc.property(crowds, waves, (layers, changes) => {
        const crowd = new Crowd(layers)
        for (const [change, pick] of changes) {
          for (let n = 0; n < change; n += 1) crowd.join()
          for (let n = 0; n < -change; n += 1) crowd.leave(pick + n)
          crowd.moment()
        }
        const { opens, closes, arrivals, most, least } = crowd.seen
        expect(most).toBeLessThanOrEqual(layers.max)
        expect(least).toBeGreaterThanOrEqual(layers.min)
        // Each opening costs at least a quarter of a layer's target in players who came.
        expect(opens * 0.25 * targetPlayers(layers)).toBeLessThanOrEqual(arrivals)
        expect(closes).toBeLessThanOrEqual(opens)
      }),
    )
  })

  it('is placed as long as there is room in max layers, when moments pass between those who come', () => {
    fc.assert(
      fc.property(crowds, fc.integer({ min: 0, max: 200 }), (layers, coming) => {
        const crowd = new Crowd(layers)
        const room = layers.max * layers.maxPlayers
        for (let n = 0; n < coming; n += 1) {
          crowd.join()
          crowd.moment()
        }
        expect(crowd.players).toBe(Math.min(coming, room))
        expect(crowd.seen.refused).toBe(Math.max(0, coming - room))
      }),
    )
  })

  it('that goes leaves min layers, and one that stays as it is settles', () => {
    fc.assert(
      fc.property(crowds, fc.integer({ min: 0, max: 200 }), (layers, coming) => {
        const crowd = new Crowd(layers)
        for (let n = 0; n < coming; n += 1) {
          crowd.join()
          crowd.moment()
        }
        for (let n = 0; n < 4 * layers.max; n += 1) crowd.moment()
        const settled = { ...crowd.seen }
        for (let n = 0; n < 20; n += 1) crowd.moment()
        expect([crowd.seen.opens, crowd.seen.closes]).toEqual([settled.opens, settled.closes])
        while (crowd.players > 0) crowd.leave(0)
        for (let n = 0; n < 4 * layers.max; n += 1) crowd.moment()
        expect(crowd.layers.filter(({ state }) => state === 'Serving')).toHaveLength(layers.min)
      }),
    )
  })
})
