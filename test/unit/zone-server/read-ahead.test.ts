import { beforeEach, expect, it } from 'vitest'
import { ManualClock, systemClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { HEARTBEAT_EVERY } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { ReadAhead } from '../../../zone-server/read-ahead.ts'
import { smallZone } from '../../zone-settings.ts'

let index: ZoneIndex
let reads: ZoneId[]
let clock: ManualClock
let ahead: ReadAhead
let away: boolean
let looks: number

beforeEach(async () => {
  const memory = createMemoryIndex({ clock: systemClock })
  await memory.putZone(smallZone())
  reads = []
  away = false
  index = {
    ...memory,
    async getZone(zone) {
      reads.push(zone)
      if (away) throw new BailiwickError('IndexUnavailable', { found: 'nobody' })
      return memory.getZone(zone)
    },
  }
  clock = new ManualClock()
  looks = 0
  const head = async () => {
    looks++
    if (away) throw new BailiwickError('StoreUnavailable', { found: 'nobody' })
    return undefined
  }
  ahead = new ReadAhead(index, { head }, clock)
})

it('a zone that was begun is taken without another read, once', async () => {
  ahead.begin('game/meadow/0')
  clock.advance(HEARTBEAT_EVERY - 1)
  expect((await ahead.take('game/meadow/0').zone).zone.settings.zone).toBe('game/meadow')
  expect(reads.length).toBe(1)
  await ahead.take('game/meadow/0').zone
  expect(reads.length).toBe(2)
})

it('one that was begun too long ago is read again', async () => {
  ahead.begin('game/meadow/0')
  clock.advance(HEARTBEAT_EVERY)
  await ahead.take('game/meadow/0').zone
  expect(reads.length).toBe(2)
})

it('what could not be read is read again by who needs it', async () => {
  away = true
  ahead.begin('game/meadow/0')
  await expect.poll(() => reads.length).toBe(1)
  away = false
  await expect(ahead.take('game/meadow/0').zone).resolves.toMatchObject({ content: '' })
  expect(reads.length).toBe(2)
})

it('a zone that there is not is said to be so', async () => {
  await expect(ahead.take('game/nowhere/0').zone).rejects.toMatchObject({ code: 'ZoneUnknown' })
})

it('keeps no more than a few of those that nobody takes', async () => {
  for (let n = 0; n < 1_000; n++) ahead.begin(`game/meadow/${n}`)
  await ahead.take('game/meadow/999').zone
  expect(reads.length).toBe(1_000)
  await ahead.take('game/meadow/0').zone
  expect(reads.length).toBe(1_001)
})

it('the chain is looked at with it, and once', async () => {
  ahead.begin('game/meadow/0')
  await expect(ahead.take('game/meadow/0').firstLook).resolves.toEqual({ head: undefined, fenceEpoch: 0 })
  expect(ahead.take('game/meadow/0').firstLook).toBeUndefined()
  expect(looks).toBe(1)
})
