import { describe, expect, test } from 'vitest'
import { MEMORY_LOOK_EVERY, MEMORY_TOLD_EVERY, MEMORY_TOLD_PAUSE_MAX } from '../../../core/timing.ts'
import { frames, keptByLayer, LayerFrames, type ProfileNode } from '../../../zone-server/watchdog/layer-frames.ts'
import { afterTelling, decideMemory, type MemoryWatchState } from '../../../zone-server/watchdog/memory-watch.ts'

const idle = { since: undefined, told: undefined }
const looking = { since: 1_000, told: undefined }
const told = { since: 1_000, told: { times: 1, at: 50_000, share: 0.8 } }
const toldOften = { since: 1_000, told: { times: 5, at: 60_000 - MEMORY_TOLD_EVERY, share: 0.9 } }

describe('what is done at a share of the memory', () => {
  test.each([
    ['little is used', 0.59, idle, 'nothing'],
    ['more than half is used', 0.6, idle, 'begin'],
    ['it is full at the first look', 0.95, idle, 'begin'],
    ['it rises', 0.79, looking, 'nothing'],
    ['it is nearly full', 0.8, looking, 'tell'],
    ['it is nearly full, and was told of', 0.9, told, 'nothing'],
    ['it is nearly full, and was told of a while ago', 0.8, { ...told, told: { ...told.told, at: 60_000 - MEMORY_TOLD_EVERY } }, 'tell'],
    ['it is nearly full, and was told of several times', 0.93, toldOften, 'nothing'],
    ['it has risen since it was told of several times', 0.96, toldOften, 'tell'],
    ['it was collected', 0.45, told, 'nothing'],
    ['it is empty again', 0.39, told, 'end'],
  ] as const)('%s', (_name, share, state, todo) => {
    expect(decideMemory(share, state, 60_000)).toBe(todo)
  })

  /** So often it is told in so many looks of a memory of these shares, from the first one on. */
  function tellings(looks: number, shareAt: (look: number) => number): number[] {
    let state: MemoryWatchState = { since: 0, told: undefined }
    const at: number[] = []
    for (let look = 0; look < looks; look += 1) {
      const [share, now] = [shareAt(look), look * MEMORY_LOOK_EVERY]
      if (decideMemory(share, state, now) !== 'tell') continue
      at.push(now)
      state = afterTelling(share, state, now)
    }
    return at
  }
  const HOUR = 3_600_000 / MEMORY_LOOK_EVERY

  test('a memory that rests where it is costs a collection less and less often, then one an hour', () => {
    const at = tellings(48 * HOUR, (look) => (look % 2 === 0 ? 0.8 : 0.84))
    const pauses = at.slice(1).map((time, n) => time - (at[n] ?? 0))
    expect(pauses.slice(0, 4)).toEqual([1, 2, 4, 8].map((times) => times * MEMORY_TOLD_EVERY))
    expect(new Set(pauses.slice(7))).toEqual(new Set([MEMORY_TOLD_PAUSE_MAX]))
  })

  test('one that rose after a day of rest is told of as it rises', () => {
    const rests = 24 * HOUR
    // From 81% by one percent of it a minute.
    const shareAt = (look: number) => 0.81 + Math.max(0, look - rests) * (0.01 / (60_000 / MEMORY_LOOK_EVERY))
    const rising = tellings(rests + HOUR / 4, shareAt).filter((time) => time > rests * MEMORY_LOOK_EVERY)
    expect(rising.length).toBeGreaterThanOrEqual(3)
  })
})

describe('the frames of layers', () => {
  const node = (url: string, selfSize: number, ...children: ProfileNode[]): ProfileNode => ({ callFrame: { url }, selfSize, children })

  test('tell by whose tick something was allocated, however deep', () => {
    const step = (selfSize: number) => node('file:///step.ts', selfSize, node('file:///rule.ts', selfSize))
    const head = node(
      '',
      5,
      node('layer:game/a/0', 1, step(10)),
      node('file:///host.ts', 900, node('layer:game/b/0', 0, step(40))),
      node('layer:game/a/0', 2),
    )
    expect(keptByLayer(head)).toEqual([
      ['game/b/0', 80],
      ['game/a/0', 23],
    ])
  })

  test('are on the stack while somebody looks, and only then; what is answered or thrown comes through', () => {
    const own = new LayerFrames()
    const stack = () => String(new Error('here').stack)
    expect(own.during('game/a/0', stack)).not.toContain('layer:game/a/0')
    own.on = true
    expect(own.during('game/a/0', stack)).toContain('layer:game/a/0')
    expect(own.during('game/b/0', stack)).toContain('layer:game/b/0')
    const fail = () => {
      throw new Error('a rule fails')
    }
    expect(() => own.during('game/a/0', fail)).toThrow('a rule fails')
    expect(frames.on).toBe(false)
  })
})
