import type { Observed } from './observe.ts'

/** Why a zone can't be hosted as its spec asks, and what to do about it. */
export interface Violation {
  readonly reason: string
  readonly message: string
}

type Check = (observed: Observed) => Violation | undefined

/** In the order in which a person would find out. What the CRD can refuse is not here. */
const checks: readonly Check[] = [
  function templateFleetIsMissing({ template }) {
    if (template === undefined || template.fleet !== undefined) return undefined
    return {
      reason: 'FleetNotFound',
      message: `spec.dedicated.from names ${template.id}, which does not exist: create this Fleet or name another one`,
    }
  },
  function dedicatedNameIsTaken({ template, wanted, zone }) {
    if (template === undefined || wanted.fleet === undefined || wanted.fleet.ownerZone === zone.metadata.uid) return undefined
    return { reason: 'FleetNameTaken', message: `Fleet ${wanted.id} exists and was not made for this zone: delete it or rename the zone` }
  },
  function fleetIsMissing({ template, wanted, zone }) {
    if (template !== undefined || wanted.fleet !== undefined) return undefined
    const how = zone.spec.fleet === undefined ? 'the default fleet' : 'named by spec.fleet'
    return {
      reason: 'FleetNotFound',
      message: `Fleet ${wanted.id} (${how}) does not exist: create it or set spec.fleet to one in this namespace`,
    }
  },
  function fleetIsBeingDeleted({ wanted }) {
    if (wanted.fleet?.deleting !== true) return undefined
    return { reason: 'FleetBeingDeleted', message: `Fleet ${wanted.id} is being deleted: set spec.fleet to another one` }
  },
]

/** The first reason why the zone can't be accepted; undefined: it can. */
export function violation(observed: Observed): Violation | undefined {
  for (const check of checks) {
    const found = check(observed)
    if (found !== undefined) return found
  }
  return undefined
}
