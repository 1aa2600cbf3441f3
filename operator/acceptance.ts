import type { Neighbour } from './neighbours.ts'
import { keptContent, type Observed } from './observe.ts'

/** Why a zone can't be hosted as its spec asks, and what to do about it. */
export interface Violation {
  readonly reason: string
  readonly message: string
  /** Nothing of the zone is published, placed or changed while it is so; else all but the part that is refused. */
  readonly blocks: boolean
}

/** One check of what the CRD can't refuse. */
export interface AcceptanceRow {
  readonly reason: string
  /** Answers what is wrong and what to do; undefined: nothing. */
  readonly says: (observed: Observed) => string | undefined
  readonly blocks: (observed: Observed) => boolean
}

const always = (): boolean => true
const never = (): boolean => false

/** Content that was good goes on; a zone that never had any can't be hosted without. */
const unlessKept = (observed: Observed): boolean => keptContent(observed) === undefined
const keeps = (observed: Observed): string => (unlessKept(observed) ? '' : '. The zone goes on with the content that it had')

/** The ids of neighbours in one state, for a sentence. */
function named({ neighbours }: Observed, wanted: Neighbour['state']): string | undefined {
  const found = neighbours.flatMap(({ zone, state }) => (state === wanted ? [zone] : []))
  return found.length === 0 ? undefined : found.join(', ')
}

/**
 * In the order in which a person would find out: the first that says something is the reason of Accepted=False. What blocks stands before what does not, so
 * that the reason is why nothing happens. To add one: a row here, its reason in docs/operations.md, a case in test/unit/operator/status.test.ts.
 */
export const acceptanceTable: readonly AcceptanceRow[] = [
  {
    reason: 'FleetNotFound',
    blocks: always,
    says: ({ template }) =>
      template === undefined || template.fleet !== undefined
        ? undefined
        : `spec.dedicated.from names ${template.id}, which does not exist: create this Fleet or name another one`,
  },
  {
    reason: 'FleetNameTaken',
    blocks: always,
    says: ({ template, wanted, zone }) =>
      template === undefined || wanted.fleet === undefined || wanted.fleet.ownerZone === zone.metadata.uid
        ? undefined
        : `Fleet ${wanted.id} exists and was not made for this zone: delete it or rename the zone`,
  },
  {
    reason: 'FleetNotFound',
    blocks: always,
    says: ({ template, wanted, zone }) => {
      if (template !== undefined || wanted.fleet !== undefined) return undefined
      const how = zone.spec.fleet === undefined ? 'the default fleet' : 'named by spec.fleet'
      return `Fleet ${wanted.id} (${how}) does not exist: create it or set spec.fleet to one in this namespace`
    },
  },
  {
    reason: 'FleetBeingDeleted',
    blocks: always,
    says: ({ wanted }) =>
      wanted.fleet?.deleting === true ? `Fleet ${wanted.id} is being deleted: set spec.fleet to another one` : undefined,
  },
  {
    reason: 'ContentMissing',
    blocks: unlessKept,
    says: (observed) =>
      observed.content.state === 'missing'
        ? `spec.content names ConfigMap ${observed.content.configMap}, which does not exist: create it or take spec.content out${keeps(observed)}`
        : undefined,
  },
  {
    reason: 'ContentUnread',
    blocks: unlessKept,
    says: (observed) =>
      observed.content.state === 'unread' ? `ConfigMap ${observed.content.configMap} is being read${keeps(observed)}` : undefined,
  },
  {
    reason: 'ContentUnreadable',
    blocks: unlessKept,
    says: (observed) =>
      observed.content.state === 'unreadable'
        ? `ConfigMap ${observed.content.configMap} can not be read: ${observed.content.why}. Let the operator's role get, list and watch configmaps${keeps(observed)}`
        : undefined,
  },
  {
    reason: 'ContentInvalid',
    blocks: unlessKept,
    says: (observed) =>
      observed.content.state === 'invalid'
        ? `ConfigMap ${observed.content.configMap}, ${observed.content.why}: correct it${keeps(observed)}`
        : undefined,
  },
  {
    reason: 'NeighbourNotFound',
    blocks: never,
    says: (observed) => {
      const found = named(observed, 'unknown')
      return (
        found &&
        `spec.neighbours names ${found}, which does not exist: create it or take it out. This border stays closed, all else is hosted`
      )
    },
  },
  {
    reason: 'NeighbourNotMutual',
    blocks: never,
    says: (observed) => {
      const found = named(observed, 'oneSided')
      return (
        found &&
        `spec.neighbours names ${found}, which does not name ${observed.zone.metadata.name}: add it there or take it out here. This border stays closed, all else is hosted`
      )
    },
  },
]

/** What is wrong with the zone's spec: what blocks first; undefined: nothing. */
export function violation(observed: Observed): Violation | undefined {
  let found: Violation | undefined
  for (const { reason, says, blocks } of acceptanceTable) {
    const message = says(observed)
    if (message === undefined) continue
    const one = { reason, message, blocks: blocks(observed) }
    if (one.blocks) return one
    found ??= one
  }
  return found
}

/** True when the zone can't be hosted as it is: what is hosted already goes on, nothing else happens. */
export function isRefused(observed: Observed): boolean {
  return violation(observed)?.blocks === true
}
