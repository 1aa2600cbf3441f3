import type { Db } from 'mongodb'
import { MongoServerError } from 'mongodb'

/**
 * How several documents are read so that what one of them says holds for those that were read before it: in one question, by a server that goes by the index of `_id` when it is asked for several of them, and sees no earlier state the
 * further it comes (a member of a MongoDB replica set); or one behind the other, which is right on every server and takes one more round. (FerretDB over SQLite would unpack the whole collection for the one question.)
 */
export type Reads = 'InOneGo' | 'OneBehindTheOther'

/** How this server is to be read. Whoever may not be asked what it is, or is not known, is read the safe way. */
export async function readsOf(database: Db): Promise<Reads> {
  try {
    const [build, hello] = await Promise.all([database.command({ buildInfo: 1 }), database.command({ hello: 1 })])
    return readsOfServer(build, hello)
  } catch (error) {
    if (error instanceof MongoServerError) return 'OneBehindTheOther'
    throw error
  }
}

/** By what it answers to `buildInfo` and `hello`: a router (mongos) may ask several servers. */
export function readsOfServer(build: Readonly<Record<string, unknown>>, hello: Readonly<Record<string, unknown>>): Reads {
  const engines = build['storageEngines']
  const isMongo = Array.isArray(engines) && engines.includes('wiredTiger')
  return isMongo && typeof hello['setName'] === 'string' && hello['msg'] === undefined ? 'InOneGo' : 'OneBehindTheOther'
}
