import type { Db } from 'mongodb'
import { MongoClient } from 'mongodb'
import { BailiwickError, describeError } from '../../core/errors.ts'
import { within } from '../../core/within.ts'

export interface Connection {
  /** The result of `work`, or StoreUnavailable when it fails or takes longer than the deadline. Work that was given up may still be done by the server: nonces tell. */
  run<T>(asked: string, work: (database: Db) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface ConnectionOptions {
  readonly url: string
  readonly database: string
  readonly deadlineMs: number
}

/** Nothing succeeded for so many deadlines: the client is replaced. */
const DEADLINES_UNTIL_REPLACED = 2

/**
 * A connection that always comes back. The driver reconnects by itself, with two exceptions: it gives up for good when its first attempt fails, and its monitor waits for
 * ever when a connection breaks in the moment of a heartbeat (it awaits `drain` of a destroyed socket). So a client that does not get anything done is
 * replaced. Throws ConfigInvalid, without the URL, which may hold a password.
 */
export function createConnection(options: ConnectionOptions): Connection {
  const { deadlineMs } = options
  let client = createClient(options)
  let connecting: Promise<unknown> | undefined
  let goodAt = performance.now()
  let closed = false

  const replaceWhenStuck = (failed: MongoClient): void => {
    if (closed || client !== failed || performance.now() - goodAt < DEADLINES_UNTIL_REPLACED * deadlineMs) return
    void discard(failed)
    client = createClient(options)
    connecting = undefined
    goodAt = performance.now()
  }

  const onceConnected = async <T>(used: MongoClient, work: (database: Db) => Promise<T>): Promise<T> => {
    connecting ??= used.connect().catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    await connecting
    return work(used.db(options.database))
  }

  return {
    async run(asked, work) {
      const used = client
      try {
        const result = await within(deadlineMs, onceConnected(used, work), () => unavailable(asked, `no answer within ${deadlineMs} ms`))
        goodAt = performance.now()
        return result
      } catch (error) {
        if (error instanceof BailiwickError && error.code !== 'StoreUnavailable') throw error
        replaceWhenStuck(used)
        throw error instanceof BailiwickError ? error : unavailable(asked, describeError(error), error)
      }
    },
    async close() {
      closed = true
      await discard(client)
    },
  }
}

/** A client whose every wait ends within the deadline. */
function createClient({ url, deadlineMs }: ConnectionOptions): MongoClient {
  try {
    return new MongoClient(url, {
      appName: 'bailiwick',
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: deadlineMs },
      readPreference: 'primary',
      retryWrites: false,
      retryReads: true,
      maxPoolSize: 20,
      serverSelectionTimeoutMS: deadlineMs,
      connectTimeoutMS: deadlineMs,
      // A connection that hangs for so long is of no use: closed, not handed to the next one.
      socketTimeoutMS: deadlineMs,
      waitQueueTimeoutMS: deadlineMs,
      heartbeatFrequencyMS: 2_000,
    })
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'an unreadable one'
    throw new BailiwickError('ConfigInvalid', {
      asked: 'MONGODB_URL',
      found: reason,
      todo: 'write it like mongodb://user:password@host:27017',
    })
  }
}

/** A client that is stuck may not close cleanly either; what is left of it ends with its sockets' timeouts. */
async function discard(client: MongoClient): Promise<void> {
  await client.close(true).catch(() => undefined)
}

/** True for the server's refusal of an _id that is there already. */
export function isDuplicate(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 11_000
}

function unavailable(asked: string, found: string, cause?: unknown): BailiwickError {
  return new BailiwickError('StoreUnavailable', { asked, found, todo: 'try again', cause })
}
