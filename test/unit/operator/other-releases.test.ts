import { describe, expect, it } from 'vitest'
import type { ZoneSettings } from '../../../core/settings.ts'
import type { Zone } from '../../../core/zone.ts'
import { wantedSettings } from '../../../operator/observe.ts'
import { plan } from '../../../operator/plan.ts'
import { compareStatus, computeStatus } from '../../../operator/status.ts'
import { observed, zone } from './observed.ts'

/** What an operator of a later release has written, as one of this release finds it. */
const later = { weather: { wind: 3 } }
const settled = wantedSettings(observed())
const published = { ...settled, ...later, layers: { ...settled.layers, ...later } } as ZoneSettings
const plain = computeStatus(observed())
const condition = {
  type: 'Sunny',
  status: 'True',
  reason: 'NoClouds',
  message: 'the sun shines',
  lastTransitionTime: '2026-01-01T00:00:00Z',
}
const status = { ...plain, ...later, conditions: [...(plain.conditions ?? []), condition] } as Zone['status']

describe('what a later release wrote is left alone', () => {
  it('in settings, which are not written again for it', () => {
    const seen = observed({ settings: published })
    expect(wantedSettings(seen)).toEqual(published)
    expect(plan(seen).actions.filter((action) => action.do === 'putZone')).toEqual([])
  })

  it('also when they are written for a change of what is known', () => {
    const seen = observed({ settings: { ...published, tickRateHz: settled.tickRateHz + 1, content: 'gone' } })
    const [put] = plan(seen).actions.filter((action) => action.do === 'putZone')
    expect(put?.settings).toEqual(published)
  })

  it('but not of a zone that was made anew', () => {
    expect(wantedSettings(observed({ settings: { ...published, uid: 'another' } }))).toEqual(settled)
  })

  it('in the status, with its conditions', () => {
    const before = status === undefined ? {} : { status }
    const next = computeStatus(observed({ zone: zone({}, before), settings: published }))
    expect(next).toMatchObject(later)
    expect(next.conditions).toContainEqual(condition)
    expect(compareStatus(status, computeStatus(observed({ zone: zone({}, { status: next }), settings: published })))).toBe('same')
  })
})
