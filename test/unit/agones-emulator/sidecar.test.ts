import { describe, expect, it } from 'vitest'
import { HealthCount } from '../../cluster/agones-emulator/sidecar/health.ts'
import { keyProblem, labelValueProblem } from '../../cluster/agones-emulator/sidecar/metadata.ts'
import { Session } from '../../cluster/agones-emulator/sidecar/session.ts'
import { gameServer } from './objects.ts'

const NOW = new Date('2026-01-01T00:00:00Z')

describe('a session of the SDK', () => {
  it('writes the last wish only, on condition of the version it saw', () => {
    const session = new Session()
    session.wish('RequestReady')
    session.wish('Reserved', 1000)
    session.wish('Allocated')
    expect(session.patch('state', gameServer('a', 'Ready'), NOW)).toEqual([
      { op: 'test', path: '/metadata/resourceVersion', value: '1' },
      { op: 'add', path: '/status/state', value: 'Allocated' },
      { op: 'add', path: '/status/reservedUntil', value: null },
      { op: 'add', path: '/metadata/annotations/agones.dev~1last-allocated', value: NOW.toISOString() },
    ])
  })

  it.each([
    ['Shutdown', false],
    ['Unhealthy', false],
    ['Allocated', true],
  ] as const)('writes nothing to a server in %s, being deleted: %s', (state, deleted) => {
    const session = new Session()
    session.wish('RequestReady')
    expect(session.patch('state', gameServer('a', state, { deleted }), NOW)).toBeUndefined()
  })

  it('never takes Unhealthy back', () => {
    const session = new Session()
    session.wish('Unhealthy')
    session.wish('RequestReady')
    expect(session.patch('state', gameServer('a', 'Ready'), NOW)).toContainEqual({ op: 'add', path: '/status/state', value: 'Unhealthy' })
  })

  it('says until when a server is reserved', () => {
    const session = new Session()
    session.wish('Reserved', 5000)
    expect(session.reservedForMs).toBe(5000)
    expect(session.patch('state', gameServer('a', 'Ready'), NOW)).toContainEqual({
      op: 'add',
      path: '/status/reservedUntil',
      value: '2026-01-01T00:00:05.000Z',
    })
  })

  it('prefixes labels and writes what differs', () => {
    const session = new Session()
    session.setLabel('a', '1')
    session.setLabel('b', '2')
    const server = gameServer('a', 'Ready')
    expect(session.patch('labels', server, NOW)).toEqual([
      { op: 'test', path: '/metadata/resourceVersion', value: '1' },
      { op: 'add', path: '/metadata/labels', value: {} },
      { op: 'add', path: '/metadata/labels/agones.dev~1sdk-a', value: '1' },
      { op: 'add', path: '/metadata/labels/agones.dev~1sdk-b', value: '2' },
    ])
    server.metadata.labels = { 'agones.dev/sdk-a': '1', 'agones.dev/sdk-b': '2' }
    expect(session.patch('labels', server, NOW)).toBeUndefined()
    expect(session.patch('annotations', server, NOW)).toBeUndefined()
  })
})

describe('the health count', () => {
  const health = { periodSeconds: 2, failureThreshold: 2 }

  it('fails after so many periods without a ping', () => {
    const count = new HealthCount(health, 0)
    for (const [at, healthy] of [
      [1000, true],
      [2500, true],
      [4500, false],
    ] as const) {
      count.check(at)
      expect(count.healthy).toBe(healthy)
    }
  })

  it('forgets failures at a ping', () => {
    const count = new HealthCount(health, 0)
    count.check(3000)
    count.ping(3500)
    count.check(6000)
    expect(count.healthy).toBe(true)
  })

  it('never fails when it is off', () => {
    const count = new HealthCount({ ...health, disabled: true }, 0)
    for (let at = 10_000; at < 100_000; at += 10_000) count.check(at)
    expect(count.healthy).toBe(true)
  })
})

describe('keys and values', () => {
  it.each(['a', 'A-b_c.9', 'example.com/a'])('%s is a key', (key) => expect(keyProblem(key)).toBeUndefined())
  it.each(['', 'a b', '-a', 'a/b/c', '/a', 'UPPER.example/a', 'x'.repeat(64)])('%j is none', (key) => expect(keyProblem(key)).toBeDefined())
  it.each(['', 'a', '1.2-3_4'])('%j is a label value', (value) => expect(labelValueProblem(value)).toBeUndefined())
  it.each(['a b', '-', 'x'.repeat(64)])('%j is none', (value) => expect(labelValueProblem(value)).toBeDefined())
})
