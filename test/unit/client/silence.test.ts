import { describe, expect, it, onTestFinished } from 'vitest'
import type { SessionStatus } from '../../../client/index.ts'
import { ManualClock } from '../../../core/clock.ts'
import { CLIENT_PATIENCE, CLIENT_PING_AFTER, CLIENT_PONG_DEADLINE, CLIENT_WELCOME_DEADLINE } from '../../../core/timing.ts'
import { meadow, startWorld, type World } from './doubles/world.ts'

/** A client whose clock is moved by hand, so that deadlines of seconds pass at once; what it waits for is told by `because`. */
async function joinAt(world: World, clock: ManualClock) {
  const because: string[] = []
  const client = await world.client('ada', { clock, random: () => 0 })
  const status = (next: SessionStatus): void => void (next.state === 'waiting' && because.push(next.because))
  const session = client.joinZone(meadow, 'Ada', { status })
  onTestFinished(async () => {
    await session.close()
  })
  return { session, because }
}

describe('a host that hangs', () => {
  it('is pinged, then left for the allocator to say where to go', async () => {
    const world = await startWorld()
    let frozen = false
    const host = await world.startHost('host-1', { frozen: () => frozen })
    const clock = new ManualClock(Date.now())
    const { session, because } = await joinAt(world, clock)
    await session.ready()
    frozen = true
    clock.advance(CLIENT_PING_AFTER + 1)
    // The watchdog looks twice a second, by the real clock.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(because).toEqual([])
    const lateOrLost = (): string | undefined => {
      clock.advance(CLIENT_PONG_DEADLINE + 1)
      return because[0]
    }
    await expect.poll(lateOrLost, { interval: 300 }).toMatch(/connection lost: nothing heard for \d+ ms/)
    frozen = false
    await expect.poll(() => session.playing).toBe(true)
    expect(host.zone.hellos.length).toBe(2)
  })

  it('a quiet one that answers pings is kept', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const clock = new ManualClock(Date.now())
    const { session, because } = await joinAt(world, clock)
    await session.ready()
    for (let k = 0; k < 3; k++) {
      clock.advance(CLIENT_PING_AFTER + CLIENT_PONG_DEADLINE)
      const { tick } = session.view
      await new Promise((resolve) => setTimeout(resolve, 600))
      await expect.poll(() => session.view.tick).toBeGreaterThan(tick)
    }
    expect(because).toEqual([])
    expect(host.zone.hellos.length).toBe(1)
  })

  it('one that takes the hello and says nothing is not waited for without end', async () => {
    const world = await startWorld()
    let mute = true
    const host = await world.startHost('host-1', { mute: () => mute })
    const clock = new ManualClock(Date.now())
    const { session, because } = await joinAt(world, clock)
    await expect.poll(() => host.zone.hellos.length).toBe(1)
    mute = false
    clock.advance(CLIENT_WELCOME_DEADLINE + 1)
    await session.ready()
    expect(because).toEqual([expect.stringContaining(`no welcome in ${CLIENT_WELCOME_DEADLINE} ms`)])
  })
})

describe('a refusal that may pass', () => {
  it('is waited for, but not without end', async () => {
    const world = await startWorld()
    await world.startHost('host-1', { redeem: async () => ({ refused: 'CharacterElsewhere' }) })
    const clock = new ManualClock(Date.now())
    const { session, because } = await joinAt(world, clock)
    await expect.poll(() => because.length).toBeGreaterThan(3)
    clock.advance(CLIENT_PATIENCE + 1)
    expect(await session.ended).toMatchObject({ reason: 'refused', error: { code: 'CharacterElsewhere' } })
  })
})
