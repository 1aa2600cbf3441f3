import { randomUUID } from 'node:crypto'
import { type CharacterRecord, chains, type LivingCharacter } from '../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../core/character-record.ts'
import { freedFromErased } from '../core/erased-layer.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId } from '../core/ids.ts'
import type { ChainEntry, Store } from '../core/ports/store-port.ts'
import type { Arrival } from './simulation/input.ts'

export interface AdmissionRequest {
  readonly layer: LayerId
  /** The layer's present epoch. */
  readonly epoch: number
  readonly account: string
  readonly character: string
  /** The time, ms. */
  readonly now: number
  /** The version of the resident of this character; undefined: it is not here. */
  readonly residentVersion: () => number | undefined
  /** Told when it is another layer's, and in which version: the join is refused then. */
  readonly onElsewhere?: (layer: LayerId, version: number) => void
}

/**
 * `resident`: it is here already and gets a new connection. `arrive`: it is this layer's now and comes in; `fresh`: by a record that was written for this
 * join, else by one that was found.
 */
export type Admission = { readonly do: 'resident' } | { readonly do: 'arrive'; readonly arrival: Arrival; readonly fresh: boolean }

/** Another may write the character's chain between our read and our append so often before the join is given up. */
const ATTEMPTS = 4

/**
 * Takes a character for a layer: by its chain it is held by this layer afterwards. `ahead`: the newest record of the chain as it was a while ago. Throws CharacterUnknown, CharacterNotYours, CharacterElsewhere,
 * CharacterDeleting, Busy, StoreUnavailable, StoreCorrupt.
 */
export async function takeCharacter(request: AdmissionRequest, store: Store, ahead?: ChainEntry): Promise<Admission> {
  const chain = chains.character(request.character)
  // It may be a past, and is good for one thing: to write behind it, which nobody can but behind the newest.
  let known = ahead?.kind === 'released' ? ahead : undefined
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const entry = known ?? (await store.head(chain))
    known = undefined
    const found = entry === undefined ? undefined : readCharacterRecord(chain, entry)
    const record = found === undefined || found.kind === 'deleted' ? found : await freedFromErased(found, store)
    const other = record?.kind === 'held' && record.account === request.account && record.layer !== request.layer ? record.layer : undefined
    if (entry !== undefined && other !== undefined) request.onElsewhere?.(other, entry.n)
    const decision = decideAdmission(request, entry, record)
    if (decision.do !== 'hold') return decision
    const held: LivingCharacter = { ...decision.record, kind: 'held', layer: request.layer, epoch: request.epoch, at: request.now }
    if ((await store.append(chain, decision.n, randomUUID(), storedCharacter(held))) === 'Done') {
      return { do: 'arrive', fresh: true, arrival: arrivalOf(request.character, decision.n, held) }
    }
  }
  throw new BailiwickError('CharacterElsewhere', {
    asked: request.character,
    found: 'a character that others are taking',
    todo: 'join again',
  })
}

type Decision = Admission | { readonly do: 'hold'; readonly n: number; readonly record: LivingCharacter }

/** What is to be done with a character whose chain's head is this. Throws as takeCharacter. */
export function decideAdmission(request: AdmissionRequest, entry: ChainEntry | undefined, record: CharacterRecord | undefined): Decision {
  const { character, account, layer } = request
  if (entry === undefined || record === undefined || record.kind === 'deleted')
    throw new BailiwickError('CharacterUnknown', { asked: character })
  if (record.account !== account) throw new BailiwickError('CharacterNotYours', { asked: character })
  if (record.kind === 'deleting') {
    throw new BailiwickError('CharacterDeleting', { asked: record.name, todo: 'restore it first, while there is time' })
  }
  if (record.kind === 'making' || record.kind === 'renaming') {
    throw new BailiwickError('Busy', {
      asked: record.name,
      found: 'a character that is getting its name',
      todo: 'join again',
      retryAfterMs: 1_000,
    })
  }
  if (record.kind === 'released') return { do: 'hold', n: entry.n + 1, record }
  if (record.layer !== layer) {
    const where = record.layer === undefined ? 'an unknown place' : `zone ${parseLayerId(record.layer).zone}`
    throw new BailiwickError('CharacterElsewhere', {
      asked: character,
      found: where,
      todo: `join ${where}, or wait until it has left`,
      retryAfterMs: 1_000,
    })
  }
  if (request.residentVersion() === entry.n) return { do: 'resident' }
  // Held for this layer, but the layer does not have it: its host died before the arrival was durable. What the record says is what it has.
  return { do: 'arrive', fresh: false, arrival: arrivalOf(character, entry.n, record) }
}

function arrivalOf(character: string, version: number, { account, name, createdAt, state }: LivingCharacter): Arrival {
  return { character, account, name, createdAt, version, state }
}
