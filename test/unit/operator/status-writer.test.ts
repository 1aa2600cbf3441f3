import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneId } from '../../../core/ids.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ZoneSource } from '../../../core/ports/zone-source-port.ts'
import { RECONCILE_BACKOFF_MAX, RECONCILE_BACKOFF_MIN, STATUS_PLAYERS_EVERY } from '../../../core/timing.ts'
import type { Zone, ZoneStatus } from '../../../core/zone.ts'
import { StatusWriter } from '../../../operator/status-writer.ts'
import { zone } from './observed.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const running = (players: number, phase: NonNullable<ZoneStatus['phase']> = 'Running'): ZoneStatus => ({
  phase,
  players,
  layers: [{ index: 0, state: 'Serving', players }],
})

/** Zones that only take statuses, and write down when. A test double. */
function setup(perSecond = 50) {
  const stored = new Map<ZoneId, Zone>()
  const writes: { id: ZoneId; at: number; status: ZoneStatus }[] = []
  const retried: ZoneId[] = []
  const pauses: number[] = []
  let refuse: BailiwickError | undefined
  const zones: ZoneSource = {
    watch: async () => {},
    get: (id) => stored.get(id),
    list: () => [...stored.values()],
    refresh: async (id) => stored.get(id),
    writeStatus: async (object, status) => {
      if (refuse !== undefined) throw refuse
      const id: ZoneId = `${object.metadata.namespace}/${object.metadata.name}`
      stored.set(id, { ...object, status })
      writes.push({ id, at: Date.now(), status })
    },
    setFinalizer: async () => {},
    event: () => {},
  }
  const add = (name: string, status?: ZoneStatus): ZoneId => {
    stored.set(`game/${name}`, zone({}, { name, ...(status === undefined ? {} : { status }) }))
    return `game/${name}`
  }
  const onRetry = (id: ZoneId, afterMs: number): void => {
    retried.push(id)
    if (afterMs > 0) pauses.push(afterMs)
  }
  const lease = { held: true }
  const mayAct = (): boolean => lease.held
  const writer = new StatusWriter({ zones, clock: { now: () => Date.now() }, log: silentLog, onRetry, perSecond, mayAct })
  const refuseWith = (error: BailiwickError | undefined): void => {
    refuse = error
  }
  return { lease, writer, writes, retried, pauses, add, refuseWith }
}

/** The most writes within any second, wherever it begins. */
function mostInASecond(writes: readonly { readonly at: number }[]): number {
  return Math.max(...writes.map(({ at }, first) => writes.filter((other, n) => n >= first && other.at < at + 1_000).length))
}

describe('the status writer', () => {
  test('what is the same is not written', async () => {
    const { writer, writes, add } = setup()
    writer.submit(add('a', running(3)), running(3))
    await vi.advanceTimersByTimeAsync(100_000)
    expect(writes).toEqual([])
  })

  test('a transition is written at once; player counts at most every half minute, the newest of them', async () => {
    const { writer, writes, add } = setup()
    const id = add('a')
    writer.submit(id, running(1))
    await vi.advanceTimersByTimeAsync(1)
    expect(writes).toHaveLength(1)
    for (let players = 2; players < 12; players++) {
      writer.submit(id, running(players))
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(writes).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(STATUS_PLAYERS_EVERY)
    expect(writes.map(({ status }) => status.players)).toEqual([1, 11])
    writer.submit(id, running(12, 'Draining'))
    await vi.advanceTimersByTimeAsync(1)
    expect(writes).toHaveLength(3)
  })

  test('what waits when the lease is lost is not written, and nothing after', async () => {
    const { lease, writer, writes, add } = setup(10)
    for (let n = 0; n < 100; n++) writer.submit(add(`p${n}`, running(1)), running(2))
    for (let n = 0; n < 100; n++) writer.submit(add(`t${n}`), running(1))
    await vi.advanceTimersByTimeAsync(1_000)
    const before = writes.length
    expect(before).toBeGreaterThan(0)
    lease.held = false
    writer.submit(add('late'), running(1))
    await vi.advanceTimersByTimeAsync(2 * STATUS_PLAYERS_EVERY)
    expect([writes.length, writer.waiting]).toEqual([before, 0])
  })

  test('within the budget over all zones, transitions before player counts', async () => {
    const { writer, writes, add } = setup(50)
    for (let n = 0; n < 100; n++) writer.submit(add(`p${n}`, running(1)), running(2))
    for (let n = 0; n < 200; n++) writer.submit(add(`t${n}`), running(1))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(writes).toHaveLength(300)
    expect(mostInASecond(writes)).toBe(50)
    const firstTransition = writes.findIndex(({ id }) => id.startsWith('game/t'))
    const transitions = writes.slice(firstTransition, firstTransition + 200)
    expect(transitions.every(({ id }) => id.startsWith('game/t'))).toBe(true)
  })

  test.each(['KubernetesConflict', 'KubernetesUnavailable'] as const)('%s: the zone is looked at again', async (code) => {
    const { writer, writes, retried, add, refuseWith } = setup()
    refuseWith(new BailiwickError(code))
    writer.submit(add('a'), running(1))
    await vi.advanceTimersByTimeAsync(10)
    expect([writes, retried]).toEqual([[], ['game/a']])
  })

  test('a zone that is gone is forgotten without a word', async () => {
    const { writer, retried, add, refuseWith } = setup()
    refuseWith(new BailiwickError('NotFound'))
    writer.submit(add('a'), running(1))
    await vi.advanceTimersByTimeAsync(10)
    expect([retried, writer.waiting]).toEqual([[], 0])
  })

  test('10,000 zones with players coming and going: never more than 50 writes in a second, transitions at once, every zone in its turn', async () => {
    const { writer, writes, add } = setup()
    const zones = Array.from({ length: 10_000 }, (_, n) => ({
      id: add(`z${n}`, running(0)),
      players: 0,
      phase: 'Running' as 'Running' | 'Degraded',
    }))
    const asked: { id: ZoneId; phase: string; at: number }[] = []
    // Every zone's count changes every 40 s; five zones a second have a transition.
    for (let second = 0; second < 240; second++) {
      for (let n = 0; n < 250; n++) {
        const zone = zones[(second * 250 + n) % zones.length]
        if (zone === undefined) continue
        zone.players = zone.players + 1 + (n % 7)
        if (n % 50 === 0) {
          zone.phase = zone.phase === 'Running' ? 'Degraded' : 'Running'
          asked.push({ id: zone.id, phase: zone.phase, at: Date.now() })
        }
        writer.submit(zone.id, running(zone.players, zone.phase))
      }
      await vi.advanceTimersByTimeAsync(1_000)
    }
    let most = 0
    for (let first = 0, last = 0; last < writes.length; last++) {
      while ((writes[first]?.at ?? 0) <= (writes[last]?.at ?? 0) - 1_000) first += 1
      most = Math.max(most, last - first + 1)
    }
    expect(most).toBe(50)
    expect(writes.length).toBeGreaterThan(230 * 50)
    // What somebody waits for is never behind a count.
    for (const { id, phase, at } of asked) {
      const told = writes.find((write) => write.at >= at && write.id === id && write.status.phase === phase)
      expect((told?.at ?? Number.POSITIVE_INFINITY) - at, id).toBeLessThanOrEqual(1_000)
    }
    // 12,000 writes for 10,000 zones: every zone's count was told, those that waited longest first.
    expect(new Set(writes.map(({ id }) => id)).size).toBe(10_000)
    expect(writer.waiting).toBeLessThanOrEqual(10_000)
    writer.stop()
    // Much to compute: on a machine that does much else it takes many times as long.
  }, 120_000)

  test('what is refused again and again is asked for ever more rarely, until it is written', async () => {
    const { writer, add, pauses, refuseWith } = setup()
    const id = add('a')
    refuseWith(new BailiwickError('Internal', { found: 'a CRD that is older' }))
    for (let n = 0; n < 20; n++) {
      writer.submit(id, running(1))
      await vi.advanceTimersByTimeAsync(2_000)
    }
    expect(pauses).toHaveLength(20)
    for (const [n, pause] of pauses.entries()) {
      const ceiling = Math.min(RECONCILE_BACKOFF_MAX, RECONCILE_BACKOFF_MIN * 2 ** n)
      expect(pause).toBeGreaterThanOrEqual(ceiling / 2)
      expect(pause).toBeLessThanOrEqual(ceiling)
    }
    refuseWith(undefined)
    writer.submit(id, running(1))
    await vi.advanceTimersByTimeAsync(2_000)
    refuseWith(new BailiwickError('Internal', { found: 'again' }))
    writer.submit(id, { ...running(2), phase: 'Sleeping' })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(pauses.at(-1)).toBeLessThanOrEqual(RECONCILE_BACKOFF_MIN)
  })
})
