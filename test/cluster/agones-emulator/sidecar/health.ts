import type { Health } from '../types.ts'

/** Counts missed pings. Times are milliseconds of one clock. */
export class HealthCount {
  private lastPing: number
  private failures = 0
  private readonly health: Health

  constructor(health: Health, now: number) {
    this.health = health
    this.lastPing = now
  }

  get periodMs(): number {
    return (this.health.periodSeconds ?? 5) * 1000
  }

  ping(now: number): void {
    this.lastPing = now
    this.failures = 0
  }

  /** Counts a failure when the last ping is older than a period. */
  check(now: number): void {
    if (now - this.lastPing > this.periodMs) this.failures += 1
  }

  get healthy(): boolean {
    return this.health.disabled === true || this.failures < (this.health.failureThreshold ?? 3)
  }
}
