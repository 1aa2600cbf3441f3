import { describe } from 'vitest'
import { accountsContract } from './index-accounts.ts'
import { adoptionContract } from './index-adoption.ts'
import { capacityContract } from './index-capacity.ts'
import { claimsContract } from './index-claims.ts'
import { closingContract } from './index-closing.ts'
import { departuresContract } from './index-departures.ts'
import { drainContract } from './index-drain.ts'
import type { IndexHarness } from './index-harness.ts'
import { hostsContract } from './index-hosts.ts'
import { journalContract } from './index-journal.ts'
import { newsContract } from './index-news.ts'
import { othersContract } from './index-others.ts'
import { placementContract } from './index-placement.ts'
import { quarantineContract } from './index-quarantine.ts'

/** What every driver of core/ports/index-port.ts does. `harness` answers the one under test, once the suite runs. */
export function indexContract(name: string, harness: () => IndexHarness): void {
  describe(name, () => {
    placementContract(harness)
    claimsContract(harness)
    closingContract(harness)
    quarantineContract(harness)
    hostsContract(harness)
    drainContract(harness)
    departuresContract(harness)
    capacityContract(harness)
    adoptionContract(harness)
    journalContract(harness)
    othersContract(harness)
    accountsContract(harness)
    newsContract(harness)
  })
}
