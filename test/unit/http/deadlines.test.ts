import { expect, it, onTestFinished, vi } from 'vitest'
import { Deadlines, type Timed } from '../../../platform/http/deadlines.ts'

it('each expires when its own time is over, those that are gone do not, and one timer does for all', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const deadlines = new Deadlines(100)
  const expired: string[] = []
  const begin = (name: string): Timed => {
    const one = { began: performance.now(), expire: () => void expired.push(name) }
    deadlines.add(one)
    return one
  }
  begin('a')
  vi.advanceTimersByTime(40)
  const gone = begin('b')
  begin('c')
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(59)
  expect(expired).toEqual([])
  vi.advanceTimersByTime(1)
  expect(expired).toEqual(['a'])
  deadlines.delete(gone)
  vi.advanceTimersByTime(40)
  expect(expired).toEqual(['a', 'c'])
  expect(vi.getTimerCount()).toBe(0)
  begin('d')
  vi.advanceTimersByTime(100)
  expect(expired).toEqual(['a', 'c', 'd'])
})
