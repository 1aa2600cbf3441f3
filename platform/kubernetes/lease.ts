import { LEASE_DURATION, LEASE_RENEW_DEADLINE } from '../../core/timing.ts'

/** What a Lease says, as Kubernetes writes it. Its times are for people: candidates go by their own clocks. */
export interface LeaseRecord {
  /** Empty: given back. */
  readonly holderIdentity: string
  readonly leaseDurationSeconds: number
  readonly acquireTime: string
  readonly renewTime: string
  readonly leaseTransitions: number
}

/** What one candidate knows; times are of its own, monotonic clock, in ms. */
export interface Candidacy {
  /** The lease as last read or written, and when this candidate first saw it so. */
  readonly seen: { readonly record: LeaseRecord | undefined; readonly since: number } | undefined
  /** When the last renewal that succeeded was begun. */
  readonly renewedAt: number | undefined
}

export const newCandidacy: Candidacy = { seen: undefined, renewedAt: undefined }

/** Takes in what was read at `now`. A lease that did not change keeps the time since when it is known so. */
export function observeLease(candidacy: Candidacy, record: LeaseRecord | undefined, now: number): Candidacy {
  const { seen } = candidacy
  if (seen !== undefined && sameLease(seen.record, record)) return candidacy
  return { ...candidacy, seen: { record, since: now } }
}

/** The record to write now, or undefined to wait: renewed if it is ours, taken if it is free or its holder was silent for its duration. */
export function nextLease(candidacy: Candidacy, identity: string, now: number, wallTime: string): LeaseRecord | undefined {
  const { seen } = candidacy
  if (seen === undefined) return undefined
  const mine = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(LEASE_DURATION / 1_000), renewTime: wallTime }
  const { record } = seen
  if (record === undefined) return { ...mine, acquireTime: wallTime, leaseTransitions: 0 }
  // Held by an earlier process of this identity, which is over (leader-election.ts): taken at once, as if it had been given back.
  const isEarlier = record.holderIdentity === identity && candidacy.renewedAt === undefined
  if (record.holderIdentity === identity && !isEarlier) return { ...record, ...mine }
  const free =
    isEarlier || record.holderIdentity === '' || now - seen.since >= Math.max(LEASE_DURATION, record.leaseDurationSeconds * 1_000)
  return free ? { ...mine, acquireTime: wallTime, leaseTransitions: record.leaseTransitions + 1 } : undefined
}

/** Takes in that `record` was written by a request begun at `begunAt`: leadership counts from there, before anybody else can have seen it. */
export function wroteLease(record: LeaseRecord, begunAt: number): Candidacy {
  return { seen: { record, since: begunAt }, renewedAt: begunAt }
}

/** True while this candidate may act as leader: it stops by itself LEASE_RENEW_DEADLINE after its last renewal, before another may start. */
export function leads(candidacy: Candidacy, now: number): boolean {
  return candidacy.renewedAt !== undefined && now - candidacy.renewedAt < LEASE_RENEW_DEADLINE
}

/** The record that gives the lease back at once. */
export function releasedLease(record: LeaseRecord, wallTime: string): LeaseRecord {
  return { ...record, holderIdentity: '', leaseDurationSeconds: 1, renewTime: wallTime }
}

function sameLease(a: LeaseRecord | undefined, b: LeaseRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.holderIdentity === b.holderIdentity && a.renewTime === b.renewTime && a.leaseTransitions === b.leaseTransitions
}
