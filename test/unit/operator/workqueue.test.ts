import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LOOKED_AT_TOGETHER, RECONCILE_BACKOFF_MAX, RECONCILE_BACKOFF_MIN } from '../../../core/timing.ts'
import { DueTimes } from '../../../operator/due-times.ts'
import { WorkQueue } from '../../../operator/workqueue.ts'

const clock = { now: () => Date.now() }
beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

interface Recorder {
  readonly queue: WorkQueue<string>
  readonly begun: string[]
  readonly finish: (key: string, after?: number) => void
  readonly fail: (key: string) => void
}

/** A queue whose work ends when the test says so. */
function recorder(options: { concurrency?: number; limit?: number } = {}): Recorder {
  const begun: string[] = []
  const open = new Map<string, PromiseWithResolvers<number | undefined>>()
  const queue = new WorkQueue<string>({
    clock,
    concurrency: options.concurrency ?? 2,
    limit: options.limit ?? 100,
    random: () => 0,
    onError: () => {},
    work: (key) => {
      begun.push(key)
      const work = Promise.withResolvers<number | undefined>()
      open.set(key, work)
      return work.promise
    },
  })
  return { queue, begun, finish: (key, after) => open.get(key)?.resolve(after), fail: (key) => open.get(key)?.reject(new Error('no')) }
}

describe('the work queue', () => {
  test('a key that waits is done once; as many at once as allowed', async () => {
    const { queue, begun, finish } = recorder()
    for (const key of ['a', 'b', 'c', 'c', 'c']) queue.add(key)
    expect(begun).toEqual(['a', 'b'])
    finish('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(queue.size).toBe(0)
  })

  test('asked for while it is worked on: once more afterwards, never beside it', async () => {
    const { queue, begun, finish } = recorder()
    queue.add('a')
    queue.add('a')
    queue.add('a')
    expect(begun).toEqual(['a'])
    finish('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(begun).toEqual(['a', 'a'])
  })

  test('looked at again after as long as the work said, or earlier when asked', async () => {
    const { queue, begun, finish } = recorder()
    queue.add('a')
    finish('a', 1_000)
    await vi.advanceTimersByTimeAsync(999)
    expect(begun).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2)
    expect(begun).toHaveLength(2)
    finish('a', 1_000)
    await vi.advanceTimersByTimeAsync(10)
    queue.add('a')
    expect(begun).toHaveLength(3)
  })

  test('keys that are due a long while later are looked at together, none of them too early', async () => {
    const { queue, begun, finish } = recorder({ concurrency: 8 })
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const key of keys) queue.add(key)
    const from = Date.now()
    for (const [n, key] of keys.entries()) finish(key, 240_000 + n * 500)
    await vi.advanceTimersByTimeAsync(239_999)
    expect(begun).toHaveLength(8)
    const looks: number[] = []
    while (begun.length < 16) {
      const before = begun.length
      await vi.advanceTimersByTimeAsync(1)
      for (let n = before; n < begun.length; n++) looks.push(Date.now() - from)
    }
    expect(looks.every((at, n) => at >= 240_000 + n * 500 && at <= 240_000 + n * 500 + LOOKED_AT_TOGETHER)).toBe(true)
    expect(new Set(looks).size).toBeLessThanOrEqual(5)
  })

  test('failures bring growing pauses up to the cap; success forgets them', async () => {
    const { queue, begun, fail, finish } = recorder()
    queue.add('a')
    const pauses: number[] = []
    for (let round = 0; round < 14; round++) {
      const before = begun.length
      const from = Date.now()
      fail('a')
      while (begun.length === before) await vi.advanceTimersByTimeAsync(5)
      pauses.push(Date.now() - from)
    }
    expect(pauses[0]).toBeLessThanOrEqual(RECONCILE_BACKOFF_MIN)
    expect(pauses.every((pause, at) => at === 0 || pause >= (pauses[at - 1] ?? 0))).toBe(true)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(RECONCILE_BACKOFF_MAX)
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(RECONCILE_BACKOFF_MAX / 2)
    finish('a')
    await vi.advanceTimersByTimeAsync(0)
    queue.add('a')
    const before = begun.length
    fail('a')
    await vi.advanceTimersByTimeAsync(RECONCILE_BACKOFF_MIN)
    expect(begun.length).toBe(before + 1)
  })

  test('asked for anew, a key does not sit out its pause', async () => {
    const { queue, begun, fail } = recorder()
    queue.add('a')
    fail('a')
    await vi.advanceTimersByTimeAsync(0)
    queue.addAnew('a')
    expect(begun).toHaveLength(2)
  })

  test('more keys than it may hold are refused', () => {
    const { queue } = recorder({ concurrency: 1, limit: 2 })
    expect(['a', 'b', 'c', 'd', 'b'].map((key) => queue.add(key))).toEqual([true, true, true, false, true])
    expect(queue.addAfter('e', 10)).toBe(false)
  })

  test('stop waits for what is under way and begins nothing more', async () => {
    const { queue, begun, finish } = recorder({ concurrency: 1 })
    queue.add('a')
    queue.add('b')
    let stopped = false
    void queue.stop().then(() => {
      stopped = true
    })
    await vi.advanceTimersByTimeAsync(100)
    expect(stopped).toBe(false)
    finish('a', 5)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([stopped, begun, queue.add('c')]).toEqual([true, ['a'], false])
  })

  test('law: never twice at once, never more than allowed, and after the last asking each key is worked on', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('add', 'anew'), key: fc.constantFrom('a', 'b', 'c', 'd') }),
      fc.record({ kind: fc.constant('later'), key: fc.constantFrom('a', 'b', 'c'), ms: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 200 }) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.record({ ms: fc.integer({ min: 0, max: 50 }), fails: fc.boolean() }), { minLength: 1 }),
        async (steps, works) => {
          const running = new Set<string>()
          const lastBegun = new Map<string, number>()
          const lastAsked = new Map<string, number>()
          let order = 0
          let turn = 0
          const queue = new WorkQueue<string>({
            clock,
            concurrency: 3,
            limit: 100,
            random: () => 0.5,
            onError: () => {},
            work: async (key) => {
              expect(running.has(key)).toBe(false)
              running.add(key)
              expect(running.size).toBeLessThanOrEqual(3)
              lastBegun.set(key, ++order)
              const { ms, fails } = works[turn++ % works.length] ?? { ms: 0, fails: false }
              await new Promise((resolve) => setTimeout(resolve, ms))
              running.delete(key)
              if (fails && turn < 200) throw new Error('fails')
              return undefined
            },
          })
          for (const one of steps) {
            if ('key' in one) {
              lastAsked.set(one.key, ++order)
              if ('ms' in one) queue.addAfter(one.key, one.ms)
              else if (one.kind === 'add') queue.add(one.key)
              else queue.addAnew(one.key)
            } else await vi.advanceTimersByTimeAsync(one.ms)
          }
          while (queue.size + queue.working > 0) await vi.advanceTimersByTimeAsync(1_000)
          for (const [key, asked] of lastAsked) expect(lastBegun.get(key)).toBeGreaterThan(asked)
          await queue.stop()
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('due times', () => {
  test('law: keys come out at their earliest time, in order, each once', () => {
    const entry = fc.record({ key: fc.constantFrom(...'abcdefghijklmnop'), at: fc.integer({ min: 0, max: 1_000 }), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 300 }), (entries) => {
        const due = new DueTimes()
        const model = new Map<string, number>()
        for (const { key, at, remove } of entries) {
          if (remove) {
            due.remove(key)
            model.delete(key)
          } else {
            due.add(key, at)
            model.set(key, Math.min(at, model.get(key) ?? at))
          }
          expect(due.size).toBe(model.size)
          expect(due.next).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
        }
        const taken = due.take(500)
        expect([...taken].sort()).toEqual(
          [...model]
            .filter(([, at]) => at <= 500)
            .map(([key]) => key)
            .sort(),
        )
        expect(taken.map((key) => model.get(key))).toEqual(taken.map((key) => model.get(key)).sort((a = 0, b = 0) => a - b))
      }),
    )
  })
})
