import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { LEASE_DURATION, LEASE_RENEW_DEADLINE, LEASE_RETRY_EVERY } from '../../../core/timing.ts'
import { LeaderElection, type LeaseStore } from '../../../platform/kubernetes/leader-election.ts'
import type { LeaseRecord } from '../../../platform/kubernetes/lease.ts'

/** A lease in memory, with the conflicts of the real one. A test double. */
class MemoryLease {
  #stored: { record: LeaseRecord; version: string } | undefined
  readonly cut = new Set<string>()

  for(identity: string): LeaseStore {
    return {
      read: async () => {
        this.#reach(identity)
        return this.#stored
      },
      write: async (record, version) => {
        this.#reach(identity)
        if (this.#stored?.version !== version) throw new BailiwickError('KubernetesConflict')
        this.#stored = { record, version: String(Number(version ?? 0) + 1) }
        return this.#stored.version
      },
    }
  }

  get holder(): string | undefined {
    return this.#stored?.record.holderIdentity
  }

  #reach(identity: string): void {
    if (this.cut.has(identity)) throw new BailiwickError('KubernetesUnavailable')
  }
}

const lease = (): { memory: MemoryLease; candidate: (identity: string, connection?: string) => LeaderElection } => {
  const memory = new MemoryLease()
  const clock = { now: () => Date.now() }
  return {
    memory,
    candidate: (identity, connection = identity) =>
      new LeaderElection({ store: memory.for(connection), identity, clock, log: silentLog, random: () => 0.5 }),
  }
}

describe('leader election', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('a process that is killed and begins again in its pod leads at once; another still waits for the lease to run out', async () => {
    const { memory, candidate } = lease()
    const killed = candidate('pod-a', 'first process')
    killed.start()
    await vi.advanceTimersByTimeAsync(10)
    expect(killed.leading).toBe(true)
    // It writes no more, and gives nothing back.
    memory.cut.add('first process')
    const other = candidate('pod-b')
    let taken = false
    void other.start().acquired.then(() => {
      taken = true
    })
    await vi.advanceTimersByTimeAsync(LEASE_RETRY_EVERY)
    expect(taken).toBe(false)
    const again = candidate('pod-a', 'second process')
    const { acquired } = again.start()
    await vi.advanceTimersByTimeAsync(10)
    await acquired
    expect(again.leading).toBe(true)
    await vi.advanceTimersByTimeAsync(LEASE_DURATION * 3)
    expect(taken).toBe(false)
    expect(again.leading).toBe(true)
    await Promise.all([again.release(), other.release()])
  })

  test('of two candidates one leads; cut off, it stops before the other starts', async () => {
    const { memory, candidate } = lease()
    const [a, b] = [candidate('a'), candidate('b')]
    let lostAt: number | undefined
    let takenAt: number | undefined
    const first = a.start()
    void first.lost.then(() => {
      lostAt = Date.now()
    })
    await vi.advanceTimersByTimeAsync(10)
    await first.acquired
    void b.start().acquired.then(() => {
      takenAt = Date.now()
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect([a.leading, b.leading]).toEqual([true, false])
    memory.cut.add('a')
    await vi.advanceTimersByTimeAsync(LEASE_RENEW_DEADLINE + LEASE_RETRY_EVERY)
    expect(a.leading).toBe(false)
    expect(lostAt).toBeDefined()
    await vi.advanceTimersByTimeAsync(LEASE_DURATION)
    expect(b.leading).toBe(true)
    expect(takenAt).toBeGreaterThan(lostAt ?? Number.POSITIVE_INFINITY)
    await Promise.all([a.release(), b.release()])
  })

  test('given back, the lease is taken with the next round', async () => {
    const { memory, candidate } = lease()
    const [a, b] = [candidate('a'), candidate('b')]
    a.start()
    await vi.advanceTimersByTimeAsync(10)
    b.start()
    await vi.advanceTimersByTimeAsync(5_000)
    await a.release()
    expect(memory.holder).toBe('')
    await vi.advanceTimersByTimeAsync(LEASE_RETRY_EVERY)
    expect([b.leading, memory.holder]).toEqual([true, 'b'])
    await b.release()
  })

  test('a store that is away at first is asked again', async () => {
    const { memory, candidate } = lease()
    memory.cut.add('a')
    const a = candidate('a')
    a.start()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(a.leading).toBe(false)
    memory.cut.clear()
    await vi.advanceTimersByTimeAsync(LEASE_RETRY_EVERY)
    expect(a.leading).toBe(true)
    await a.release()
  })
})
