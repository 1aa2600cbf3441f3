import { describe, expect, it } from 'vitest'
import { HOST_LATE_FULL } from '../../../core/timing.ts'
import { LoadMeter } from '../../../zone-server/host-load.ts'

/** Beats for so many seconds, each `late` ms late, using `share` of a core. */
function beats(meter: LoadMeter, seconds: number, late: number, share: number, from = 0): number {
  let now = from
  for (let passed = 0; passed < seconds * 1_000; passed += 100 + late) {
    const dueAt = now + 100
    now = dueAt + late
    meter.beat({ now, dueAt, usedMs: now * share })
  }
  return now
}

describe('the load that a host reports', () => {
  it('is nothing at first', () => {
    expect(new LoadMeter().read()).toEqual({ cpu: 0, lateness: 0 })
  })

  it('comes to what is so for a while', () => {
    const meter = new LoadMeter()
    beats(meter, 60, 40, 0.6)
    expect(meter.read()).toEqual({ cpu: 600, lateness: 40 })
  })

  it('forgets', () => {
    const meter = new LoadMeter()
    const now = beats(meter, 60, 400, 0)
    expect(meter.read().lateness).toBeGreaterThan(HOST_LATE_FULL)
    beats(meter, 60, 0, 0, now)
    expect(meter.read().lateness).toBe(0)
  })

  it('one long pause makes no host full', () => {
    const meter = new LoadMeter()
    const now = beats(meter, 10, 0, 0)
    meter.beat({ now: now + 60_000, dueAt: now + 100, usedMs: 0 })
    expect(meter.read().lateness).toBeLessThan(HOST_LATE_FULL)
  })
})
