import { afterEach, describe, expect, it, vi } from 'vitest'
import { ObjectCache } from '../../cluster/agones-emulator/cache.ts'
import {
  intervalMs,
  reviewRequest,
  statusAfter,
  wantedReplicas,
  webhookUrl,
} from '../../cluster/agones-emulator/controller/autoscaler-plan.ts'
import { agonesEmulatorManifests, gameServerNamespaceManifests } from '../../cluster/agones-emulator/manifests.ts'
import { createQueue, retryPause } from '../../cluster/agones-emulator/queue.ts'
import type { FleetAutoscaler, KubeObject } from '../../cluster/agones-emulator/types.ts'
import { fleet } from './objects.ts'

function object(name: string, version: number, uid = `uid-${name}`): KubeObject {
  return { metadata: { name, uid, resourceVersion: String(version) } }
}

describe('the cache', () => {
  it('keeps the newest version and tells of each change once', () => {
    const cache = new ObjectCache()
    const told = vi.fn()
    cache.onChange((key, current) => told(key, current?.metadata.resourceVersion))
    for (const version of [2, 1, 2, 3]) cache.observe(object('a', version))
    expect(told.mock.calls).toEqual([
      ['a', '2'],
      ['a', '3'],
    ])
  })

  it('does not bring back what was deleted, but takes a new object of the name', () => {
    const cache = new ObjectCache()
    cache.observe(object('a', 1))
    cache.observeDeleted(object('a', 2))
    cache.observe(object('a', 2))
    expect(cache.get('a')).toBeUndefined()
    cache.observe(object('a', 3, 'uid-later'))
    cache.observeDeleted(object('a', 2))
    expect(cache.get('a')?.metadata.uid).toBe('uid-later')
  })

  it('drops what a list lacks, except what is newer than the list', () => {
    const cache = new ObjectCache()
    cache.observe(object('old', 1))
    cache.observe(object('new', 9))
    cache.replace([object('listed', 2)], 5)
    expect(cache.list().map(({ metadata }) => metadata.name)).toEqual(['new', 'listed'])
  })
})

describe('the queue', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('handles a key by one worker at a time and once more when it was added meanwhile', async () => {
    let running = 0
    let most = 0
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const handle = vi.fn(async () => {
      running += 1
      most = Math.max(most, running)
      await gates[handle.mock.calls.length - 1]?.promise
      running -= 1
    })
    const queue = createQueue(handle, () => {})
    queue.add('a')
    await vi.waitFor(() => expect(running).toBe(1), { timeout: 15_000 })
    for (let count = 0; count < 5; count += 1) queue.add('a')
    gates[0]?.resolve()
    await vi.waitFor(() => expect(handle).toHaveBeenCalledTimes(2), { timeout: 15_000 })
    gates[1]?.resolve()
    await vi.waitFor(() => expect(running).toBe(0), { timeout: 15_000 })
    expect(handle).toHaveBeenCalledTimes(2)
    expect(most).toBe(1)
  })

  it('tries a failed key again', async () => {
    const onError = vi.fn()
    const handle = vi.fn().mockRejectedValueOnce(new Error('no')).mockResolvedValue(undefined)
    createQueue(handle, onError).add('a')
    await vi.waitFor(() => expect(handle).toHaveBeenCalledTimes(2), { timeout: 15_000 })
    expect(onError).toHaveBeenCalledOnce()
  })

  it('keeps the earlier of two times', async () => {
    vi.useFakeTimers()
    const handle = vi.fn(async () => {})
    const queue = createQueue(handle, () => {})
    queue.addAfter('a', 1000)
    queue.addAfter('a', 5000)
    await vi.advanceTimersByTimeAsync(1100)
    expect(handle).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(handle).toHaveBeenCalledOnce()
  })

  it('pauses longer with each failure, up to a limit', () => {
    expect(retryPause(1, 0.5)).toBe(50)
    expect(retryPause(3, 0.5)).toBe(200)
    expect(retryPause(50, 0.5)).toBe(3000)
    expect(retryPause(1, 0)).toBeLessThan(retryPause(1, 0.99))
  })
})

describe('an autoscaler', () => {
  const autoscaler: FleetAutoscaler = {
    metadata: { name: 'as', namespace: 'game' },
    spec: { fleetName: 'fleet', policy: { type: 'Webhook' }, sync: { type: 'FixedInterval', fixedInterval: { seconds: 1 } } },
  }

  it('asks a service on port 8000 without TLS unless told otherwise', () => {
    const service = { name: 'allocator', namespace: 'game' }
    expect(webhookUrl({ service: { ...service, path: 'v1/scale' } }).href).toBe('http://allocator.game.svc:8000/v1/scale')
    expect(webhookUrl({ service: { ...service, port: 443 }, caBundle: 'x' }).href).toBe('https://allocator.game.svc/')
    expect(webhookUrl({ url: 'http://x.example/y' }).href).toBe('http://x.example/y')
    expect(() => webhookUrl({ url: 'http://x.example', service })).toThrow('simultaneously')
    expect(() => webhookUrl({})).toThrow('must be provided')
  })

  it('tells the fleet’s counts', () => {
    expect(reviewRequest({ ...fleet('a', 2), status: { replicas: 3, allocatedReplicas: 1 } }, 'u')).toMatchObject({
      request: {
        uid: 'u',
        name: 'fleet',
        namespace: 'game',
        status: { replicas: 3, readyReplicas: 0, reservedReplicas: 0, allocatedReplicas: 1 },
      },
      response: null,
    })
  })

  it('takes the number of a scale, and otherwise what there is', () => {
    const current = { ...fleet('a', 2), status: { replicas: 3 } }
    expect(wantedReplicas({ response: { scale: true, replicas: 7 } }, current)).toBe(7)
    expect(wantedReplicas({ response: { scale: true } }, current)).toBe(0)
    expect(wantedReplicas({ response: { scale: false, replicas: 7 } }, current)).toBe(3)
    expect(() => wantedReplicas({}, current)).toThrow('no response')
  })

  it('notes a scaling only when there was one', () => {
    const now = new Date('2026-01-01T00:00:00Z')
    expect(statusAfter(autoscaler, fleet('a', 2), 2, now)).toEqual({
      ableToScale: true,
      scalingLimited: false,
      currentReplicas: 0,
      desiredReplicas: 2,
      lastAppliedPolicy: 'Webhook',
    })
    expect(statusAfter(autoscaler, fleet('a', 2), 3, now).lastScaleTime).toBe(now.toISOString())
    expect(intervalMs(autoscaler)).toBe(1000)
  })
})

describe('the manifests', () => {
  it('name kinds, accounts and budgets for each namespace, each object once', () => {
    const objects = [...agonesEmulatorManifests({ namespace: 'sys', image: 'i' }), ...['x', 'y'].flatMap(gameServerNamespaceManifests)]
    const ids = objects.map((each) => {
      const { kind, metadata } = each as { kind: string; metadata: { name: string; namespace?: string } }
      return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
    })
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(
      expect.arrayContaining(['ServiceAccount x/agones-sdk', 'PodDisruptionBudget y/agones-gameserver-safe-to-evict-false']),
    )
    expect(ids.filter((id) => id.startsWith('CustomResourceDefinition'))).toHaveLength(4)
  })
})
