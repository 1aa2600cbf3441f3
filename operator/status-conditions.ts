import { parseLayerId } from '../core/ids.ts'
import type { LayerView } from '../core/ports/index-port.ts'
import { type Condition, RETRY_ANNOTATION } from '../core/zone.ts'
import { acceptanceTable } from './acceptance.ts'
import type { Observed } from './observe.ts'
import { whatIsLeft } from './plan-deletion.ts'
import type { Facts } from './status-facts.ts'

/**
 * The conditions of a zone. For each its rows in order: the first that says something is it.
 *
 * To add a reason: put what it is decided by into Facts (status-facts.ts) if it is not there; put the row before the first one that would hide it (a
 * row that is more than a moment's work stands before the one for the moment's); let the message say what is so and, if somebody has to do something, what;
 * describe it in docs/operations.md (a test compares); add a case to test/unit/operator/status.test.ts. A reason why the spec itself is refused is a
 * row of acceptance.ts instead. The last row of each condition holds always.
 */
type State = Condition['status']
/** Status, reason, and the message; without a message the row does not hold. */
export type ConditionRow = readonly [State, string, (facts: Facts, observed: Observed) => string | false | undefined]

const names = (layers: readonly LayerView[]): string =>
  layers
    .slice(0, 5)
    .map(({ layer }) => parseLayerId(layer).index)
    .join(', ')
const many = (layers: readonly LayerView[]): string =>
  `${layers.length === 1 ? 'layer' : 'layers'} ${names(layers)}${layers.length > 5 ? ', …' : ''}`

const failures = ({ failed }: Facts): string | false =>
  failed.length > 0 &&
  `${failed
    .slice(0, 3)
    .map(({ layer, failure }) => `layer ${parseLayerId(layer).index}: ${failure}`)
    .join('; ')}. It is tried again; see the log of the zone servers and the store`

const aside = ({ quarantined }: Facts, { zone }: Observed): string | false => {
  const [namespace, name] = [zone.metadata.namespace ?? 'default', zone.metadata.name]
  return (
    quarantined.length > 0 &&
    `${quarantined
      .slice(0, 3)
      .map(({ layer, failure }) => `layer ${parseLayerId(layer).index} is set aside: ${failure}`)
      .join('; ')}. What it did not survive is kept in the store, chain evidence/${namespace}/${name}/<layer>. ` +
      `To try again: kubectl annotate zone ${name} -n ${namespace} ${RETRY_ANNOTATION}=<any new value> --overwrite`
  )
}

const unsafe = ({ open }: Facts): string | false => {
  const holding = open.filter(({ dataSafe }) => !dataSafe)
  return (
    holding.length > 0 &&
    `${many(holding)}: what happens can not be confirmed, and is held back from players until it is; see the log of the zone servers, Redis and the store`
  )
}

const waiting = ({ open }: Facts, { wanted, inUse }: Observed): string | false => {
  const wished = open.filter(({ state }) => state === 'Wished')
  const used = inUse ?? wanted
  if (wished.length === 0) return false
  return used.trouble === undefined
    ? `${many(wished)}: no host of Fleet ${used.id} has room, one is awaited; see kubectl get fleet,gameserver -n ${used.id.split('/')[0]}`
    : `${many(wished)}: no host of Fleet ${used.id} has room, and ${used.trouble}`
}

const notAccepted = ({ refused }: Facts): string | false => refused && 'the zone is not accepted, see condition Accepted'

export const conditionTables: readonly (readonly [string, readonly ConditionRow[]])[] = [
  [
    'Accepted',
    [
      ...acceptanceTable.map(
        ({ reason }): ConditionRow => ['False', reason, ({ violation }) => violation?.reason === reason && violation.message],
      ),
      ['True', 'Valid', (_, { wanted }) => `Fleet ${wanted.id} hosts the zone`],
    ],
  ],
  [
    'Hosted',
    [
      ['False', 'Terminating', ({ terminating, open }) => terminating && open.length === 0 && 'all layers are closed'],
      [
        'False',
        'Suspended',
        ({ suspended, open }) => suspended && open.length === 0 && 'the zone is suspended: set spec.suspend to false to open it',
      ],
      [
        'True',
        'Serving',
        ({ serving, missing, quarantined }) =>
          serving.length > 0 && missing + quarantined.length === 0 && 'every layer that is to be open is served',
      ],
      ['False', 'LayerQuarantined', aside],
      ['False', 'LayerFailed', failures],
      ['False', 'NoHost', waiting],
      ['False', 'Claiming', ({ opening }) => opening.length > 0 && `${many(opening)}: a host takes it over`],
      [
        'False',
        'Closing',
        ({ closing, serving }) => closing.length > 0 && serving.length === 0 && `${many(closing)}: final snapshot under way`,
      ],
      ['False', 'Placing', ({ missing }) => missing > 0 && 'a host is being chosen'],
      ['False', 'NotAccepted', notAccepted],
      ['False', 'Sleeping', () => 'nobody is in; a join wakes the zone'],
    ],
  ],
  [
    'Ready',
    [
      ['False', 'Terminating', ({ terminating }) => terminating && 'the zone is being deleted'],
      ['False', 'Suspended', ({ suspended }) => suspended && 'the zone is suspended: set spec.suspend to false to open it'],
      ['True', 'Serving', ({ serving }) => serving.length > 0 && 'players can join'],
      ['False', 'NotAccepted', notAccepted],
      ['False', 'LayerQuarantined', aside],
      ['False', 'LayerFailed', failures],
      [
        'False',
        'Waking',
        ({ opening, missing }) => (opening.length > 0 || missing > 0) && 'who joins is let in as soon as a layer is served',
      ],
      ['False', 'Closing', ({ closing }) => closing.length > 0 && 'a join waits until the layer is closed, and wakes it again'],
      ['True', 'Sleeping', () => 'nobody is in; a join wakes the zone'],
    ],
  ],
  [
    'Progressing',
    [
      ['True', 'Terminating', ({ terminating }, observed) => terminating && `waiting for the end: ${whatIsLeft(observed)}`],
      ['True', 'FleetChange', ({ moving, open }) => moving && open.length > 0 && 'closing in the old fleet before opening in the new one'],
      ['True', 'Suspending', ({ suspended, open }) => suspended && open.length > 0 && `${many(open)} closing`],
      ['True', 'Waking', ({ opening, missing }) => (opening.length > 0 || missing > 0) && 'a layer is on its way to be served'],
      ['True', 'Closing', ({ closing }) => closing.length > 0 && `${many(closing)} closing`],
      ['False', 'Settled', () => 'nothing is under way'],
    ],
  ],
  [
    'DataSafe',
    [
      ['False', 'LayerFailed', failures],
      ['False', 'JournalUnavailable', unsafe],
      ['True', 'NoFailure', () => 'no layer reports trouble with its stored data'],
    ],
  ],
]

/** Conditions that can be said without the index. */
const ALWAYS_KNOWN = new Set(['Accepted'])

/** Every condition, with the time of its last change kept from `before`. While the index was never read, those about layers stay as they are. */
export function conditions(facts: Facts, before: readonly Condition[], observed: Observed): Condition[] {
  return conditionTables.flatMap(([type, rows]) => {
    const known = before.find((condition) => condition.type === type)
    if (!facts.indexRead && !ALWAYS_KNOWN.has(type)) return known === undefined ? [] : [known]
    return [condition(type, rows, facts, known, observed)]
  })
}

function condition(type: string, rows: readonly ConditionRow[], facts: Facts, known: Condition | undefined, observed: Observed): Condition {
  for (const [status, reason, says] of rows) {
    const message = says(facts, observed)
    if (message === false || message === undefined) continue
    const generation = observed.zone.metadata.generation
    return {
      type,
      status,
      reason,
      message,
      lastTransitionTime:
        known?.status === status ? known.lastTransitionTime : new Date(observed.now).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    }
  }
  throw new Error(`operator/status-conditions.ts: no row of ${type} holds`)
}
