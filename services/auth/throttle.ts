import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import { nameKey } from '../../core/names.ts'
import { LOGIN_FAILURES_FORGOTTEN, LOGIN_WAIT_MAX, LOGIN_WAIT_MIN } from '../../core/timing.ts'
import { NETWORKS_OF_SITE, networkOf, siteOf } from '../../platform/http/index.ts'

/**
 * Slows down who guesses passwords without giving anybody the means to lock somebody else out. What waits is the pair of name and network, and the network; never the name: whoever
 * comes from elsewhere is always let try. A name at which many networks guess gives each of them fewer tries before it waits, down to one. A site (an IPv6 /48, whose owner has many networks) counts as
 * NETWORKS_OF_SITE networks, and never as fewer: one of its networks alone makes none of the others wait. Whoever logged in to the name from their network before waits for none of the others.
 */
export interface Throttle {
  /** Throws TooManyRequests, with the time to wait, before a password is looked at. Counts a try under way as failed, so that many at once are no way around. */
  enter(name: string, address: string): Attempt
}

export interface Attempt {
  /** The password was right: the pair starts anew. */
  succeeded(): void
  /** It was not looked at (too busy, the store away): it does not count. */
  unanswered(): void
}

interface Count {
  failures: number
  /** When it may be tried again. */
  until: number
  lastAt: number
  /** Failures before this have been let go of, as far as time allowed. */
  leakedAt: number
}

/** Failures of one network at one name before it waits … */
const FREE_TRIES = 10
/** … and when so many failed at that name from anywhere. */
const FREE_TRIES_UNDER_ATTACK = 1
const ATTACK_AFTER = 50
/** Failures of one network at any names before it waits, but never long: many players may share an address, and those who logged in from there before do not wait for the others. */
const NETWORK_FREE_TRIES = 100
const NETWORK_WAIT_MAX = 5 * LOGIN_WAIT_MIN

export interface ThrottleOptions {
  /** So many of each kind are remembered; beyond, the one that was quiet the longest is forgotten. */
  readonly remembered?: number
}

/** The counts are the process's own: with several replicas a guesser has that many times the tries. */
export function createThrottle(clock: Clock, { remembered = 50_000 }: ThrottleOptions = {}): Throttle {
  const pairs = createTable(clock, remembered, { free: FREE_TRIES })
  const networks = createTable(clock, remembered, { free: NETWORK_FREE_TRIES, waitMax: NETWORK_WAIT_MAX })
  const pairsOfSites = createTable(clock, remembered, { free: FREE_TRIES * NETWORKS_OF_SITE })
  const sites = createTable(clock, remembered, { free: NETWORK_FREE_TRIES * NETWORKS_OF_SITE, waitMax: NETWORK_WAIT_MAX })
  const names = createTable(clock, remembered, { free: ATTACK_AFTER, waitMax: 0 })
  const familiar = createMemory(remembered)
  return {
    enter(name, address) {
      const [key, network] = [throttleKey(name), networkOf(address)]
      const site = siteOf(network)
      const free = names.failuresOf(key) >= ATTACK_AFTER ? FREE_TRIES_UNDER_ATTACK : FREE_TRIES
      const pair = `${network} ${key}`
      const pairOfSite = `${site} ${key}`
      const ofOthers = familiar.has(pair)
        ? 0
        : Math.max(networks.waitOf(network), site === undefined ? 0 : Math.max(pairsOfSites.waitOf(pairOfSite), sites.waitOf(site)))
      const waitMs = Math.max(pairs.waitOf(pair), ofOthers)
      if (waitMs > 0) {
        throw new BailiwickError('TooManyRequests', { found: 'too many failed logins', todo: 'wait, then try again', retryAfterMs: waitMs })
      }
      const taken = [pairs.fail(pair, free), networks.fail(network), names.fail(key)]
      if (site !== undefined) taken.push(pairsOfSites.fail(pairOfSite), sites.fail(site))
      let open = true
      const settle = (work: () => void) => () => {
        if (open) work()
        open = false
      }
      const takeBack = (): void => {
        for (const take of taken) take()
      }
      return {
        succeeded: settle(() => {
          takeBack()
          pairs.forget(pair)
          familiar.add(pair)
        }),
        unanswered: settle(takeBack),
      }
    },
  }
}

/** What a name is remembered as: 22 characters, however long the name or its key is. */
export function throttleKey(name: string): string {
  return createHash('sha256').update(nameKey(name)).digest('base64url').slice(0, 22)
}

/** A set that forgets what was added the longest ago. */
function createMemory(remembered: number) {
  const known = new Set<string>()
  return {
    has: (key: string): boolean => known.has(key),
    add(key: string): void {
      known.delete(key)
      known.add(key)
      if (known.size <= remembered) return
      const [oldest] = known
      if (oldest !== undefined) known.delete(oldest)
    },
  }
}

interface TableOptions {
  readonly free: number
  readonly waitMax?: number
}

/**
 * Failures by key: from `free` of them on the next try waits, longer each time, up to `waitMax`. They leak, `free` of them per LOGIN_FAILURES_FORGOTTEN, so that those of a place or name
 * that is never quiet go, too; slower than one who waits as long as he must can add to them.
 */
function createTable(clock: Clock, remembered: number, { free, waitMax = LOGIN_WAIT_MAX }: TableOptions) {
  const counts = new Map<string, Count>()
  const leakEvery = LOGIN_FAILURES_FORGOTTEN / free
  const known = (key: string): Count | undefined => {
    const count = counts.get(key)
    if (count === undefined || clock.now() - count.lastAt > LOGIN_FAILURES_FORGOTTEN) return undefined
    const leaked = Math.floor((clock.now() - count.leakedAt) / leakEvery)
    if (leaked >= count.failures && count.until <= clock.now()) return undefined
    return { ...count, failures: Math.max(0, count.failures - leaked), leakedAt: count.leakedAt + leaked * leakEvery }
  }
  return {
    failuresOf: (key: string): number => known(key)?.failures ?? 0,
    waitOf: (key: string): number => Math.max(0, (known(key)?.until ?? 0) - clock.now()),
    forget: (key: string): void => {
      counts.delete(key)
    },
    /** Counts a failure; what it answers takes it back. */
    fail(key: string, freeNow = free): () => void {
      const now = clock.now()
      const before = known(key)
      const count: Count = {
        failures: (before?.failures ?? 0) + 1,
        until: before?.until ?? 0,
        lastAt: now,
        leakedAt: before?.leakedAt ?? now,
      }
      const beyond = count.failures - freeNow
      if (beyond >= 0) count.until = now + Math.min(waitMax, LOGIN_WAIT_MIN * 2 ** Math.min(beyond, 30))
      // Taken out and put back: a Map keeps the order of insertion, so the first key is the one that was quiet the longest.
      counts.delete(key)
      counts.set(key, count)
      if (counts.size > remembered) {
        const [oldest] = counts.keys()
        if (oldest !== undefined) counts.delete(oldest)
      }
      return () => {
        const current = counts.get(key)
        if (current === undefined) return
        current.failures -= 1
        // Nothing is remembered of tries that did not count.
        if (current.failures <= 0) counts.delete(key)
        else if (current === count && before !== undefined) {
          current.until = before.until
          current.lastAt = before.lastAt
        }
      }
    },
  }
}
