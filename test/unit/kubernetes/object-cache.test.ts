import { describe, expect, test } from 'vitest'
import { ObjectCache } from '../../../platform/kubernetes/object-cache.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'

const zone = (resourceVersion: string, uid = 'u1'): KubernetesObject => ({
  metadata: { name: 'meadow', namespace: 'game', uid, resourceVersion },
})

function setup() {
  const told: string[] = []
  const cache = new ObjectCache(({ object, removed }) => told.push(`${removed ? '-' : ''}${object.metadata.resourceVersion}`))
  cache.replace([zone('1')])
  const held = (): string | undefined => cache.get('game/meadow')?.metadata.resourceVersion
  return { cache, told, held }
}

describe('the local copy, and what we write ourselves', () => {
  test('what the watch shows of the time before our own writes is passed over, and what comes after them is not', () => {
    const { cache, told, held } = setup()
    cache.advance(zone('1'), zone('2'))
    cache.advance(zone('2'), zone('3'))
    cache.put(zone('2'))
    expect(held()).toBe('3')
    cache.put(zone('3'))
    cache.put(zone('4'))
    expect(held()).toBe('4')
    expect(told).toEqual(['1', '2', '3', '4'])
  })

  test('an answer is not taken in when the watch has been further', () => {
    const { cache, held } = setup()
    cache.put(zone('2'))
    cache.put(zone('3'))
    cache.advance(zone('1'), zone('2'))
    expect(held()).toBe('3')
    cache.put(zone('4'))
    expect(held()).toBe('4')
  })

  test('a write that changed nothing is not waited for', () => {
    const { cache, held } = setup()
    cache.advance(zone('1'), zone('1'))
    cache.put(zone('2'))
    expect(held()).toBe('2')
  })

  test('a new list, a deletion and another object of the name count whatever is waited for', () => {
    const listed = setup()
    listed.cache.advance(zone('1'), zone('2'))
    listed.cache.replace([zone('1')])
    listed.cache.put(zone('5'))
    expect(listed.held()).toBe('5')
    const removed = setup()
    removed.cache.advance(zone('1'), zone('2'))
    removed.cache.remove(zone('3'))
    expect(removed.held()).toBeUndefined()
    removed.cache.put(zone('4'))
    expect(removed.held()).toBe('4')
    const another = setup()
    another.cache.advance(zone('1'), zone('2'))
    another.cache.put(zone('9', 'u2'))
    expect(another.held()).toBe('9')
  })

  test('what was read anew counts, and so does what the watch shows from then on: a read that was old is mended', () => {
    const { cache, held } = setup()
    cache.advance(zone('1'), zone('2'))
    cache.refresh(zone('2'), zone('7'))
    expect(held()).toBe('7')
    cache.put(zone('8'))
    expect(held()).toBe('8')
    cache.refresh(zone('2'), zone('3'))
    expect(held()).toBe('8')
  })
})
