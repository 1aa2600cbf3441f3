import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HTTP_ROUND } from '../../../core/timing.ts'
import { Rounds } from '../../../platform/http/rounds.ts'

/** An event loop whose rounds come when they are told to, and whose clock goes on with what is done. */
function loop() {
  let now = 0
  let next: (() => void) | undefined
  const begun: string[] = []
  const rounds = new Rounds({
    now: () => now,
    nextRound: (call) => {
      // It is asked for once.
      expect(next).toBeUndefined()
      next = call
    },
  })
  const work = (name: string, ms: number) => () => {
    begun.push(name)
    now += ms
  }
  return {
    begun,
    rounds,
    work,
    /** What began since the last look. */
    news: () => begun.splice(0),
    /** False: none was asked for. */
    round(): boolean {
      const call = next
      next = undefined
      call?.()
      return call !== undefined
    },
    wait(ms: number): void {
      now += ms
    },
  }
}

test('a request is begun at once while its round has time; the others in the next rounds, in the order in which they came', () => {
  const { rounds, work, news, round } = loop()
  for (const name of ['a', 'b', 'c', 'd', 'e']) rounds.add(work(name, HTTP_ROUND / 2))
  expect(news()).toEqual(['a', 'b'])
  expect(round()).toBe(true)
  expect(news()).toEqual(['c', 'd'])
  // It waits behind who came before.
  rounds.add(work('f', 1))
  expect(news()).toEqual([])
  round()
  expect(news()).toEqual(['e', 'f'])
  expect(round()).toBe(false)
})

test('a round has its time for itself: what came before, or a long wait for anything to come, takes nothing of it', () => {
  const { rounds, work, news, round, wait } = loop()
  rounds.add(work('long', HTTP_ROUND * 100))
  round()
  wait(60_000)
  rounds.add(work('a', 1))
  rounds.add(work('b', 1))
  expect(news()).toEqual(['long', 'a', 'b'])
})

test('what was sent ahead is begun in the next round, after all others, but one a round', () => {
  const { rounds, work, news, round } = loop()
  for (const name of ['x', 'y', 'z']) rounds.addAhead(work(name, HTTP_ROUND / 2))
  expect(news()).toEqual([])
  for (const name of ['a', 'b', 'c', 'd']) rounds.add(work(name, HTTP_ROUND / 2))
  expect(news()).toEqual(['a', 'b'])
  round()
  expect(news()).toEqual(['c', 'd', 'x'])
  round()
  expect(news()).toEqual(['y', 'z'])
  expect(round()).toBe(false)
})

test('whatever comes, in whatever order, is begun once, each sort in its order, and no round begins more than it has time for', () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'ahead', 'round'), ms: fc.integer({ min: 0, max: HTTP_ROUND * 2 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const { rounds, work, begun, round } = loop()
      const came = { add: [] as string[], ahead: [] as string[] }
      for (const [at, { kind, ms }] of steps.entries()) {
        const name = `${kind}${at}`
        if (kind === 'round') {
          const before = begun.length
          round()
          let spent = 0
          for (const [place, one] of begun.slice(before).entries()) {
            const isFirstAhead = one.startsWith('ahead') && begun[before + place - 1]?.startsWith('ahead') !== true
            if (!isFirstAhead || place === 0) expect(spent).toBeLessThan(HTTP_ROUND)
            spent += steps[Number(one.replace(/\D/g, ''))]?.ms ?? 0
          }
        } else if (kind === 'add') {
          came.add.push(name)
          rounds.add(work(name, ms))
        } else {
          came.ahead.push(name)
          rounds.addAhead(work(name, ms))
        }
      }
      let left = steps.length + 1
      while (round()) expect(left--).toBeGreaterThan(0)
      expect(begun.filter((name) => name.startsWith('add'))).toEqual(came.add)
      expect(begun.filter((name) => name.startsWith('ahead'))).toEqual(came.ahead)
    }),
  )
})
