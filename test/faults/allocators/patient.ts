/** Rules of an index of which no host is taken for dead, and no claim for missed, because the machine is busy. */
export const PATIENT = { hostDeadAfter: 60_000, suspectDeadAfter: 60_000, claimDeadline: 60_000, claimLimit: 60_000 } as const
