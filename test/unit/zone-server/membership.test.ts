import { expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { FleetId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import type { HostLayers } from '../../../zone-server/host-layers.ts'
import { Membership } from '../../../zone-server/membership.ts'

const fleet: FleetId = 'game/zone-servers'
/** Of a host that serves nothing. */
function membershipOf(index: ZoneIndex, clock: ManualClock): Membership {
  const door = { unheard: () => [], settle: () => undefined }
  const layers = { reports: () => [], settleEnded: () => undefined, door } as unknown as HostLayers
  const load = (): { cpu: number; lateness: number } => ({ cpu: 0, lateness: 0 })
  return new Membership({ index, log: silentLog, clock, fleet, host: 'h1', node: 'n1', capacity: 4, layers, load })
}

const settled = { spare: 0, min: 0, max: 9, emptyAfterMs: 0, allocated: 1 }

it('knows since when it tries in vain to tell the index that it is about to be a host, and that it left as retired when the answer is lost', async () => {
  const clock = new ManualClock()
  const index = createMemoryIndex({ clock })
  onTestFinished(() => index.close())
  const began = clock.now()
  const down = async (): Promise<never> => {
    throw new BailiwickError('IndexUnavailable', { found: 'no answer' })
  }
  const host = membershipOf({ ...index, announceHost: down, leaveHost: down }, clock)
  for (let tries = 0; tries < 2; tries++) {
    await expect(host.announce()).rejects.toMatchObject({ code: 'IndexUnavailable' })
    clock.advance(1_000)
  }
  expect(host.observed()).toMatchObject({ announced: false, announcingSince: began })
  await host.register('h1:7000')
  await expect(host.leave(true)).rejects.toMatchObject({ code: 'IndexUnavailable' })
  expect(host.observed()).toMatchObject({ membership: 'registered', retired: true })
  host.comeBack()
  expect(host.observed()).toMatchObject({ announced: false, announcingSince: undefined, retired: false })
})

it('a host that gave itself back and is needed after all begins anew, and takes what waits for a host', async () => {
  const clock = new ManualClock()
  const index = createMemoryIndex({ clock })
  onTestFinished(() => index.close())
  const host = membershipOf(index, clock)
  await host.register('h1:7000')
  // Retired, and counted so.
  for (let poll = 0; poll < 2; poll++) await index.autoscale(fleet, settled)
  await host.heartbeat(false)
  expect(host.observed().answer).toMatchObject({ state: 'Retiring', mayLeave: true })
  await host.leave(true)
  expect(host.observed()).toMatchObject({ membership: 'left', retired: true })
  // Nothing is placed on it any more …
  expect(await index.placeLayer(fleet, 'game/meadow/0')).toMatchObject({ state: 'Wished' })
  host.comeBack()
  expect(host.observed()).toMatchObject({ membership: 'none', retired: false, leftAt: undefined })
  await host.register('h1:7000')
  // … until it is a host again.
  expect(await index.getLayer(fleet, 'game/meadow/0')).toMatchObject({ state: 'Assigned', host: 'h1' })
})
