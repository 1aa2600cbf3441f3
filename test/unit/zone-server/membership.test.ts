import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { FleetId, LayerId } from '../../../core/ids.ts'
import type { HeartbeatAnswer, ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { NEWS_BELIEVED_FOR } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import type { HostLayers } from '../../../zone-server/host-layers.ts'
import { Membership } from '../../../zone-server/membership.ts'

const fleet: FleetId = 'game/zone-servers'
/** Of a host that serves nothing. */
function membershipOf(index: ZoneIndex, clock: ManualClock, settleEnded: (answer: HeartbeatAnswer) => void = () => undefined): Membership {
  const door = { unheard: () => [], settle: () => undefined }
  const layers = { reports: () => [], settleEnded, indexForgot: () => undefined, door } as unknown as HostLayers
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

describe('news of an assignment', () => {
  const layer = 'game/meadow/0'
  async function registered() {
    const clock = new ManualClock()
    const index = createMemoryIndex({ clock })
    onTestFinished(() => index.close())
    const answers = { held: undefined as Promise<void> | undefined }
    const heartbeat: ZoneIndex['heartbeat'] = async (...asked) => {
      const answer = await index.heartbeat(...asked)
      await answers.held
      return answer
    }
    /** By which answers it is settled what ended here. */
    const settled: (readonly LayerId[])[] = []
    const host = membershipOf({ ...index, heartbeat }, clock, ({ layers }) => settled.push(layers.map((one) => one.layer)))
    await host.register('h1:7000')
    await host.heartbeat(false)
    settled.pop()
    const named = () => host.observed().answer?.layers.map(({ layer: id, generation }) => [id, generation])
    return { clock, index, host, answers, named, settled }
  }

  it('is what the next answer would say; an answer that was asked for before it takes nothing back, a later one does', async () => {
    const { host, answers, named, settled } = await registered()
    const gate = Promise.withResolvers<void>()
    answers.held = gate.promise
    const early = host.heartbeat(false)
    host.told(layer, 3)
    expect(named()).toEqual([[layer, 3]])
    gate.resolve()
    await early
    expect(named()).toEqual([[layer, 3]])
    // To the index it is another's.
    await host.heartbeat(false)
    expect(named()).toEqual([])
    // Whether it ended here meanwhile is not forgotten by the first: it would be begun once more.
    expect(settled).toEqual([[layer], []])
  })

  it('is not older than an answer, and is named once', async () => {
    const { index, host, named } = await registered()
    await index.placeLayer(fleet, layer)
    await host.heartbeat(false)
    host.told(layer, 0)
    expect(named()).toEqual([[layer, 1]])
    host.told(layer, 2)
    expect(named()).toEqual([[layer, 2]])
  })

  it('is not believed by a host that was silent for a while, nor by one that the index does not know', async () => {
    const { clock, index, host, named } = await registered()
    clock.advance(NEWS_BELIEVED_FOR)
    host.told(layer, 1)
    expect(named()).toEqual([])
    await host.heartbeat(false)
    host.told(layer, 1)
    expect(named()).toEqual([[layer, 1]])
    await index.removeHost(fleet, 'h1')
    await host.heartbeat(false)
    host.told(layer, 1)
    expect(named()).toBeUndefined()
  })
})
