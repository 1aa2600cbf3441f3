import { describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import type { BailiwickError } from '../../../core/errors.ts'
import { HEARTBEAT_EVERY, HELLO_ASK_EVERY, HELLO_HOLD_LIMIT, HELLO_UNHEARD_LIMIT } from '../../../core/timing.ts'
import { type HeldHello, HeldHellos, notClaimed } from '../../../zone-server/held-hellos.ts'

const LAYER = 'game/meadow/0'
const CLAIM = { layer: LAYER, generation: 3 } as const

function stage() {
  const clock = new ManualClock()
  const ask = vi.fn()
  const hellos = new HeldHellos<string>({ timers: clock, ask })
  return { clock, ask, hellos, never: new AbortController().signal }
}

/** What it is served by, or the code that it is refused with. */
function endOf(hello: HeldHello<string>): Promise<string> {
  return hello.served.catch((error: BailiwickError) => error.code)
}

describe('a hello that comes before its layer is served', () => {
  it('is held until it is, and each of several', async () => {
    const { clock, ask, hellos, never } = stage()
    const held = [hellos.hold(LAYER, CLAIM, never), hellos.hold(LAYER, CLAIM, never)]
    const other = hellos.hold('game/forest/0', { layer: 'game/forest/0', generation: 1 }, never)
    clock.advance(HELLO_HOLD_LIMIT - 1)
    expect([await held[0]?.claimed, hellos.count, ask.mock.calls]).toEqual([CLAIM, 3, []])
    hellos.served(LAYER, 'the layer')
    expect(await Promise.all(held.map(endOf))).toEqual(['the layer', 'the layer'])
    expect(hellos.count).toBe(1)
    clock.advance(1)
    expect(await endOf(other)).toBe('ZoneWaking')
    expect(hellos.count).toBe(0)
  })

  it('is refused when the claim is over, or when it takes too long', async () => {
    const { clock, hellos, never } = stage()
    const failed = hellos.hold(LAYER, CLAIM, never)
    hellos.over(LAYER, notClaimed(LAYER))
    const slow = hellos.hold(LAYER, CLAIM, never)
    clock.advance(HELLO_HOLD_LIMIT)
    hellos.served(LAYER, 'too late')
    expect(await Promise.all([failed, slow].map(endOf))).toEqual(['ZoneWaking', 'ZoneWaking'])
    const [, , lost] = [failed, slow, hellos.hold(LAYER, CLAIM, never)]
    hellos.refuseAll()
    expect([lost && (await endOf(lost)), hellos.count]).toEqual(['LayerLost', 0])
  })

  it('is let go at once when its client is gone, or its account is barred', async () => {
    const { hellos, never } = stage()
    const gone = new AbortController()
    const left = hellos.hold(LAYER, CLAIM, gone.signal)
    const [barred, stays] = [hellos.hold(LAYER, CLAIM, never), hellos.hold(LAYER, CLAIM, never)]
    barred.account = 'bad'
    stays.account = 'good'
    gone.abort()
    hellos.expel((account) => account === 'bad')
    expect(hellos.count).toBe(1)
    hellos.served(LAYER, 'the layer')
    expect(await Promise.all([left, barred, stays].map(endOf))).toEqual(['SessionEnded', 'Banned', 'the layer'])
    expect(() => hellos.hold(LAYER, CLAIM, gone.signal)).toThrow()
  })

  it('and before its host heard of the layer has the index asked, which settles it', async () => {
    const { clock, ask, hellos, never } = stage()
    const [ours, another] = [hellos.hold(LAYER, undefined, never), hellos.hold('game/forest/0', undefined, never)]
    expect(ask).toHaveBeenCalledTimes(1)
    const asked = hellos.unheard()
    const later = hellos.hold('game/forest/0', undefined, never)
    hellos.answered(asked, (layer) => layer === LAYER)
    expect(await endOf(another)).toBe('LayerLost')
    expect(hellos.count).toBe(2)
    hellos.begun(CLAIM)
    expect(await ours.claimed).toEqual(CLAIM)
    // It came after the index was asked.
    hellos.answered(asked, () => false)
    expect(hellos.unheard()).toEqual([later])
    clock.advance(HELLO_UNHEARD_LIMIT)
    expect(await endOf(later)).toBe('LayerLost')
    hellos.served(LAYER, 'the layer')
    expect(await endOf(ours)).toBe('the layer')
  })

  it('asks the index no more than so often, and waits in no greater number than that', async () => {
    const { clock, ask, hellos, never } = stage()
    for (let k = 0; k < 100; k++) {
      hellos.hold(`nobody/knows/${k}`, undefined, never)
      clock.advance(HELLO_ASK_EVERY / 20)
    }
    expect(ask).toHaveBeenCalledTimes(6)
    const refused = (): boolean => {
      try {
        hellos.hold('nobody/knows/it', undefined, never)
        return false
      } catch {
        return true
      }
    }
    while (!refused()) expect(hellos.count).toBeLessThanOrEqual(1_024)
    expect(hellos.count).toBe(1_024)
    // Those who are sent to a layer that is claimed here still come in.
    hellos.hold(LAYER, CLAIM, never)
    clock.advance(HELLO_UNHEARD_LIMIT)
    expect(hellos.count).toBe(1)
  })

  it('asks the index for those too who came too early to ask, once for all of them, unless that is settled meanwhile', () => {
    const { clock, ask, hellos, never } = stage()
    for (const layer of ['game/meadow/1', LAYER, 'game/meadow/2']) {
      hellos.hold(layer, undefined, never)
      clock.advance(HELLO_ASK_EVERY / 4)
    }
    expect(ask).toHaveBeenCalledTimes(1)
    clock.advance(HELLO_ASK_EVERY / 4)
    expect(ask).toHaveBeenCalledTimes(2)
    hellos.answered(hellos.unheard(), (layer) => layer === LAYER)
    hellos.begun(CLAIM)
    clock.advance(HELLO_ASK_EVERY * 3)
    hellos.hold('game/meadow/3', undefined, never)
    hellos.hold('game/meadow/4', undefined, never)
    expect(ask).toHaveBeenCalledTimes(3)
    hellos.answered(hellos.unheard(), () => false)
    clock.advance(HEARTBEAT_EVERY)
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it('asks no more once nobody is served any more', () => {
    const { clock, ask, hellos, never } = stage()
    hellos.hold(LAYER, undefined, never)
    hellos.hold(LAYER, undefined, never)
    hellos.refuseAll()
    expect([hellos.count, ask.mock.calls.length]).toEqual([0, 1])
    // Whoever says hello after that is not asked for by what was put off before.
    clock.advance(HELLO_ASK_EVERY / 2)
    hellos.hold(LAYER, undefined, never)
    clock.advance(HELLO_ASK_EVERY / 2)
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('asks the index no more often than heartbeats do while nothing comes of it, and soon again after one in earnest', () => {
    const { clock, ask, hellos, never } = stage()
    let answers = 0
    const strangers = (ms: number): number => {
      const before = ask.mock.calls.length
      for (let k = 0; k < ms / 10; k++) {
        hellos.hold(`nobody/knows/${k}`, undefined, never)
        clock.advance(10)
        if (ask.mock.calls.length > answers) hellos.answered(hellos.unheard(), () => false)
        answers = ask.mock.calls.length
      }
      return ask.mock.calls.length - before
    }
    expect(strangers(HELLO_ASK_EVERY * 10)).toBeLessThan(6)
    expect(strangers(HEARTBEAT_EVERY * 20)).toBe(20)
    hellos.hold(LAYER, undefined, never)
    hellos.answered(hellos.unheard(), (layer) => layer === LAYER)
    hellos.begun(CLAIM)
    clock.advance(HEARTBEAT_EVERY)
    const before = ask.mock.calls.length
    hellos.hold('game/forest/0', undefined, never)
    hellos.hold('game/forest/1', undefined, never)
    clock.advance(HELLO_ASK_EVERY)
    expect(ask.mock.calls.length - before).toBe(2)
  })
})
