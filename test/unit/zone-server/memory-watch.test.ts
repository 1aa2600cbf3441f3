import { describe, expect, test } from 'vitest'
import { MEMORY_TOLD_EVERY } from '../../../core/timing.ts'
import { frames, keptByLayer, LayerFrames, type ProfileNode } from '../../../zone-server/watchdog/layer-frames.ts'
import { decideMemory } from '../../../zone-server/watchdog/memory-watch.ts'

const idle = { since: undefined, toldAt: undefined }
const looking = { since: 1_000, toldAt: undefined }
const told = { since: 1_000, toldAt: 50_000 }

describe('what is done at a share of the memory', () => {
  test.each([
    ['little is used', 0.59, idle, 'nothing'],
    ['more than half is used', 0.6, idle, 'begin'],
    ['it is full at the first look', 0.95, idle, 'begin'],
    ['it rises', 0.79, looking, 'nothing'],
    ['it is nearly full', 0.8, looking, 'tell'],
    ['it is nearly full, and was told of', 0.9, told, 'nothing'],
    ['it is nearly full, and was told of long ago', 0.9, { ...told, toldAt: 60_000 - MEMORY_TOLD_EVERY }, 'tell'],
    ['it was collected', 0.45, told, 'nothing'],
    ['it is empty again', 0.39, told, 'end'],
  ] as const)('%s', (_name, share, state, todo) => {
    expect(decideMemory(share, state, 60_000)).toBe(todo)
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
