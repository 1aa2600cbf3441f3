import { describeError, isCode } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { INDEX_CALL_DEADLINE, INDEX_WATCH_BLOCK } from '../../core/timing.ts'
import { backOff, type Client, type Connection, createConnection } from './connection.ts'

/** One change as the library writes it. */
export interface Entry {
  readonly kind: string
  readonly id: string
  readonly host: string
  /** '': nothing. */
  readonly reported: string
}

export interface WatchOptions {
  readonly url: string
  readonly log: Log
  /** As a Connection's. */
  readonly callDeadline?: number | undefined
  readonly stream: string
  readonly onEntry: (entry: Entry) => void
  /** Changes may have been missed: after a broken connection, a flush, or when the reader was too slow for what the stream keeps. */
  readonly onGap: () => void
  readonly signal: AbortSignal
}

/** Where a reader is: the entry's id, and its number, which is the last one's plus one if nothing is missing. */
interface Position {
  readonly id: string
  readonly number: number
}

const start: Position = { id: '0-0', number: 0 }
const PAGE = 1_000

/**
 * Follows a stream of changes on a connection of its own, until the signal aborts. Resolves when it has begun; throws IndexUnavailable when it can't begin.
 */
export async function watchStream(options: WatchOptions): Promise<void> {
  const { url, log, callDeadline, signal } = options
  if (signal.aborted) return
  const connection = createConnection({ url, log, callDeadline })
  signal.addEventListener('abort', () => connection.close(), { once: true })
  try {
    const position = (await connection.call((client) => tail(client, options.stream))) ?? start
    void follow(connection, options, position)
  } catch (error) {
    connection.close()
    throw error
  }
}

async function follow(connection: Connection, options: WatchOptions, from: Position): Promise<void> {
  const { signal, stream, onGap } = options
  let position: Position | undefined = from
  let failures = 0
  while (!signal.aborted) {
    try {
      // After a failure: what was missed meanwhile is one gap, told when there is somebody to ask again.
      if (position === undefined) {
        await connection.ready()
        position = (await connection.call((client) => tail(client, stream))) ?? start
        onGap()
      }
      position = await readOn(connection, options, position)
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      position = undefined
      failures += 1
      // The connection logs its own outages.
      if (failures === 1 && !isCode(error, 'IndexUnavailable'))
        options.log.error({ stream, error: describeError(error) }, 'watch of the zone index failed')
      await backOff(failures, signal)
    }
  }
}

async function readOn(connection: Connection, options: WatchOptions, position: Position): Promise<Position> {
  const { stream, onEntry, onGap, signal, callDeadline = INDEX_CALL_DEADLINE } = options
  const deadline = INDEX_WATCH_BLOCK + callDeadline
  const reply = await connection.call(
    (client) => client.xRead({ key: stream, id: position.id }, { BLOCK: INDEX_WATCH_BLOCK, COUNT: PAGE }),
    deadline,
  )
  const messages = reply?.[0]?.messages ?? []
  if (messages.length === 0) return connection.call((client) => checkQuiet(client, stream, position, onGap))
  let at = position
  for (const { id, message } of messages) {
    if (signal.aborted) return at
    const number = Number(message['n'])
    if (number !== at.number + 1) onGap()
    onEntry({ kind: message['kind'] ?? '', id: message['id'] ?? '', host: message['host'] ?? '', reported: message['reported'] ?? '' })
    at = { id, number }
  }
  return at
}

/** Nothing new: either nothing happened, or the stream was flushed and what it has now lies before the reader's position. */
async function checkQuiet(client: Client, stream: string, position: Position, onGap: () => void): Promise<Position> {
  const last = await tail(client, stream)
  const vanished = last === undefined ? position.number > 0 : isBefore(last.id, position.id)
  if (!vanished) return position
  onGap()
  return last ?? start
}

async function tail(client: Client, stream: string): Promise<Position | undefined> {
  const last = (await client.xRevRange(stream, '+', '-', { COUNT: 1 }))?.[0]
  return last === undefined ? undefined : { id: last.id, number: Number(last.message['n']) }
}

function isBefore(a: string, b: string): boolean {
  const [ms = 0, n = 0] = a.split('-').map(Number)
  const [otherMs = 0, otherN = 0] = b.split('-').map(Number)
  return ms < otherMs || (ms === otherMs && n < otherN)
}
