import { randomUUID } from 'node:crypto'
import { type CharacterRecord, chains } from '../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../core/character-record.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId } from '../core/ids.ts'
import type { ChainEntry, Store } from '../core/ports/store-port.ts'
import { readLayerRecord } from './records.ts'
import type { Arrival } from './simulation/input.ts'

export interface AdmissionRequest {
  readonly layer: LayerId
  /** The layer's present epoch. */
  readonly epoch: number
  readonly account: string
  readonly character: string
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
 * Takes a character for a layer: by its chain it is held by this layer afterwards. Throws CharacterUnknown, CharacterNotYours, CharacterElsewhere,
 * StoreUnavailable, StoreCorrupt.
 */
export async function takeCharacter(request: AdmissionRequest, store: Store): Promise<Admission> {
  const chain = chains.character(request.character)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const entry = await store.head(chain)
    const record = entry === undefined ? undefined : await freed(readCharacterRecord(chain, entry), store)
    const other = record?.kind === 'held' && record.account === request.account && record.layer !== request.layer ? record.layer : undefined
    if (entry !== undefined && other !== undefined) request.onElsewhere?.(other, entry.n)
    const decision = decideAdmission(request, entry, record)
    if (decision.do !== 'hold') return decision
    const held: CharacterRecord = { ...decision.record, kind: 'held', layer: request.layer, epoch: request.epoch }
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

/**
 * A record as it counts: who is held by a layer whose data was erased (its host died, and its zone was deleted before another had it) is free, for nobody
 * else could let it go. What it carried went with the layer, or was passed on there: it must not come into being again.
 */
async function freed(record: CharacterRecord, store: Store): Promise<CharacterRecord> {
  const { layer, epoch = 0, ...rest } = record
  if (record.kind !== 'held' || layer === undefined) return record
  const chain = chains.layer(layer)
  const head = await store.head(chain)
  if (head === undefined) return record
  const last = readLayerRecord(chain, head)
  // The layer may have been opened anew since: then it is another one, that never had the character.
  if ((last.kind === 'erased' ? head.n : last.erasedAt) < Math.max(epoch, 1)) return record
  return { ...rest, kind: 'released', state: { ...rest.state, zone: parseLayerId(layer).zone, inventory: [] } }
}

type Decision = Admission | { readonly do: 'hold'; readonly n: number; readonly record: CharacterRecord }

/** What is to be done with a character whose chain's head is this. Throws as takeCharacter. */
export function decideAdmission(request: AdmissionRequest, entry: ChainEntry | undefined, record: CharacterRecord | undefined): Decision {
  const { character, account, layer } = request
  if (entry === undefined || record === undefined || record.kind === 'deleted')
    throw new BailiwickError('CharacterUnknown', { asked: character })
  if (record.account !== account) throw new BailiwickError('CharacterNotYours', { asked: character })
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

function arrivalOf(character: string, version: number, { account, name, createdAt, state }: CharacterRecord): Arrival {
  return { character, account, name, createdAt, version, state }
}
