import { randomUUID } from 'node:crypto'
import { isDuplicate } from './connection.ts'
import type { ChainDocument, Chains } from './documents.ts'
import { chainOf, floorId, sweptId } from './documents.ts'

/** As a floor: the chain is removed, whatever is still there of it. Above every number, for a floor is only ever raised. */
export const REMOVED = Number.MAX_SAFE_INTEGER

/** Rounds until a floor that was raised is read back as high: each but the first is of a server that lost it to another's update. */
const ROUNDS = 100

/** The floor document of a chain, or that there is none. */
export interface Floor {
  readonly there: boolean
  /** Numbers below are taken for ever; 1 when nothing was ever pruned; REMOVED. */
  readonly floor: number
  /** Of this very document, which no other ever has: one that comes after it is of another life of the chain. Undefined: there is none, or a release made it that gave none. */
  readonly token: string | undefined
}

const none: Floor = { there: false, floor: 1, token: undefined }

export async function readFloor(chains: Chains, chain: string): Promise<Floor> {
  const document = await chains.findOne({ _id: floorId(chain) })
  if (document === null) return none
  return { there: true, floor: document.floor ?? 1, token: document.token }
}

/** The floors of those of the chains that have one; as many as a page of ids at most. */
export async function readFloors(chains: Chains, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (names.length === 0) return new Map()
  const found = await chains
    .find<Pick<ChainDocument, '_id' | 'floor'>>({ _id: { $in: names.map(floorId) } }, { projection: { _id: 1, floor: 1 } })
    .toArray()
  return new Map(found.map(({ _id, floor }) => [chainOf(_id), floor ?? 1]))
}

/** True when it is the same document and nothing raised it. */
export function isUnchanged(a: Floor, b: Floor): boolean {
  return a.there === b.there && a.token === b.token && a.floor === b.floor
}

/** The floor document, made when there is none: as a floor of 1 it says nothing. Not there: another made it and it is gone again. */
export async function ensureFloor(chains: Chains, chain: string): Promise<Floor> {
  const known = await readFloor(chains, chain)
  if (known.there) return known
  const token = randomUUID()
  try {
    await chains.insertOne({ _id: floorId(chain), floor: 1, token })
    return { ...none, there: true, token }
  } catch (error) {
    if (!isDuplicate(error)) throw error
    return readFloor(chains, chain)
  }
}

/**
 * Raises this very floor document. False: it is gone, with the life of the chain in which it was read. So what was true of that life when it was read, or since, is what the floor is raised by.
 * Not left before it was read back: a server whose $max is not atomic may have lost it to another's.
 */
export async function raiseFloor(chains: Chains, chain: string, { token }: Floor, target: number): Promise<boolean> {
  return raise(chains, chain, token, target, {})
}

/** Marks the chain as removed. It is `due` from then on, until nothing is left of it: who asks for what is due finds what a removal that was cut short left. False as above. */
export async function raiseToRemoved(chains: Chains, chain: string, { token }: Floor): Promise<boolean> {
  return raise(chains, chain, token, REMOVED, { due: 0 })
}

type Besides = Pick<ChainDocument, 'due'>

async function raise(chains: Chains, chain: string, token: string | undefined, target: number, besides: Besides): Promise<boolean> {
  for (let round = 1; round <= ROUNDS; round++) {
    const set = besides.due === undefined ? {} : { $set: besides }
    const { matchedCount } = await chains.updateOne({ _id: floorId(chain), ...withToken(token) }, { $max: { floor: target }, ...set })
    if (matchedCount === 0) return false
    const now = await readFloor(chains, chain)
    if (!now.there || now.token !== token) return false
    if (now.floor >= target) return true
  }
  throw new Error(`the floor of ${chain} is never as high as it was raised`)
}

/** Takes back a floor document that was made for a chain which is not there, unless somebody raised it since. */
export async function dropUnraised(chains: Chains, chain: string, { token }: Floor): Promise<void> {
  if (token !== undefined) await chains.deleteOne({ _id: floorId(chain), token, floor: 1 })
}

/** The last one to go of a removed chain. */
export async function dropFloor(chains: Chains, chain: string, { token }: Floor): Promise<void> {
  await chains.deleteOne({ _id: floorId(chain), ...withToken(token) })
}

/** True while it is this very floor document that is there. */
export async function isStill(chains: Chains, chain: string, floor: Floor): Promise<boolean> {
  const now = await readFloor(chains, chain)
  return now.there && now.token === floor.token
}

/** Up to where everything below the floor was deleted already; 1 when nobody says so. */
export async function readSwept(chains: Chains, chain: string): Promise<{ readonly swept: number; readonly of: string | undefined }> {
  const document = await chains.findOne({ _id: sweptId(chain) })
  return { swept: document?.swept ?? 1, of: document?.of }
}

/** Says so, until the floor is gone. Of two at once the lower one may stay. */
export async function writeSwept(chains: Chains, chain: string, floor: Floor, swept: number): Promise<void> {
  const { token } = floor
  try {
    await chains.replaceOne({ _id: sweptId(chain) }, { swept, ...(token === undefined ? {} : { of: token }) }, { upsert: true })
  } catch (error) {
    if (!isDuplicate(error)) throw error
  }
  if (!(await isStill(chains, chain, floor))) await dropSwept(chains, chain, floor)
}

export async function dropSwept(chains: Chains, chain: string, { token }: Floor): Promise<void> {
  await chains.deleteOne({ _id: sweptId(chain), ...(token === undefined ? { of: { $exists: false } } : { of: token }) })
}

/** A filter that spares the documents which other lives of the chain have in the same place. */
function withToken(token: string | undefined) {
  return token === undefined ? { token: { $exists: false } } : { token }
}
