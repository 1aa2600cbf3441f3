import { expect, test } from 'vitest'
import { cameBack, keepBegun, type TabStorage } from '../../../dev/page/begun-login.ts'
import { oneAtATime } from '../../../dev/page/one-at-a-time.ts'

function tab(): TabStorage {
  const kept = new Map<string, string>()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
}

test('the page believes what its address says of a login that its tab began, once', () => {
  const here = tab()
  keepBegun(here, 'link')
  expect(cameBack(here, '#login=Done')).toEqual({ told: 'Done', purpose: 'link' })
  expect(cameBack(here, '#login=Done')).toBeUndefined()
  keepBegun(here, 'log in')
  keepBegun(here, 'prove')
  expect(cameBack(here, '#login=Done')).toEqual({ told: 'Done', purpose: 'prove' })
  keepBegun(here, 'log in')
  expect(cameBack(here, '#login=IssuerRefused')).toEqual({ told: 'IssuerRefused', purpose: 'log in' })
})

test('a link of another site says nothing to it, nor does one that follows a login which was given up', () => {
  expect(cameBack(tab(), '#login=Done')).toBeUndefined()
  const here = tab()
  keepBegun(here, 'log in')
  // The player came back without an outcome.
  expect(cameBack(here, '')).toBeUndefined()
  expect(cameBack(here, '#login=Done')).toBeUndefined()
})

test('a second click while the first is under way does nothing; one after it does, though the first failed', async () => {
  const calls: (readonly [string, PromiseWithResolvers<void>])[] = []
  const work = oneAtATime((name: string) => {
    const ended = Promise.withResolvers<void>()
    calls.push([name, ended])
    return ended.promise
  })
  const first = work('first')
  await work('second')
  expect(calls.map(([name]) => name)).toEqual(['first'])
  calls[0]?.[1].reject(new Error('refused'))
  await expect(first).rejects.toThrow('refused')
  const third = work('third')
  calls[1]?.[1].resolve()
  await third
  expect(calls.map(([name]) => name)).toEqual(['first', 'third'])
})
