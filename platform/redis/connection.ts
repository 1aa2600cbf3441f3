import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'
import { type BailiwickError, describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { INDEX_CALL_DEADLINE, INDEX_CONNECT_LIMIT, INDEX_RECONNECT_MAX, INDEX_RECONNECT_MIN } from '../../core/timing.ts'
import { within } from '../../core/within.ts'
import { addressOf, isReadOnly, Overdue, translate, unavailable } from './failures.ts'

export interface Connection {
  /** Runs `work` on the connection, waiting for it if it is being made. Throws IndexUnavailable after `deadline` ms, or at once in an outage that lasts longer. */
  call<T>(work: (client: Client) => Promise<T>, deadline?: number): Promise<T>
  /** Resolves when the connection stands, however long that takes; rejects when it is closed. */
  ready(): Promise<void>
  close(): void
}

export type Client = ReturnType<typeof newClient>

export interface ConnectionOptions {
  readonly url: string
  readonly log: Log
  /** How long a call waits for its answer when it does not say so itself, ms. Default: INDEX_CALL_DEADLINE. */
  readonly callDeadline?: number | undefined
  /** Runs on every new connection before it is used. */
  readonly prepare?: (client: Client) => Promise<void>
}

/** A client that is connected and prepared, and why it is so no longer. */
interface Standing {
  readonly client: Client
  readonly over: Promise<Error>
}

/** The library's own queue and reconnection are off: a call that its caller gave up must never run later. */
function newClient(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The kernel answers a connection, and asks again after 1 s and 3 s: to wait for longer than that is in vain.
    socket: { connectTimeout: INDEX_CALL_DEADLINE * 2, reconnectStrategy: false },
  })
}

/** A connection to Redis that is made again for ever, with jitter, until it is closed. Its outages are logged, each once. */
export function createConnection({ url, log, callDeadline = INDEX_CALL_DEADLINE, prepare }: ConnectionOptions): Connection {
  const address = addressOf(url)
  const stop = new AbortController()
  const closed = unavailable(address, 'the index is closed')
  let current: Client | undefined
  /** Since when there is no connection, and why the last attempt failed; undefined until one did. */
  let outage: { readonly since: number; readonly cause: unknown } | undefined
  let waiting = deferred()
  let failures = 0

  /** Throws when it takes longer than INDEX_CONNECT_LIMIT in all, or `signal` aborts; nothing of it is left then. */
  async function open(signal: AbortSignal): Promise<Standing> {
    const client = newClient(url)
    const over = new Promise<Error>((resolve) => {
      client.on('error', resolve)
      client.on('end', () => resolve(new Error('the connection was closed')))
    })
    const given = Promise.withResolvers<never>()
    const giveUp = (): void => given.reject(closed)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      const connected = client.connect().then(() => prepare?.(client))
      await within(INDEX_CONNECT_LIMIT, Promise.race([connected, given.promise]), overdue(INDEX_CONNECT_LIMIT))
      return { client, over }
    } catch (error) {
      client.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  /**
   * The first attempt that stands; undefined when all is closed. An attempt that is late is not given up, on a machine that has too much to do none would ever come to its end; but it is not
   * waited for either: what it was begun with may be frozen, or gone, while another server answers.
   */
  async function reach(): Promise<Standing | undefined> {
    if (stop.signal.aborted) return undefined
    const settled = new AbortController()
    const giveUp = (): void => settled.abort()
    stop.signal.addEventListener('abort', giveUp, { once: true })
    let first: Standing | undefined
    const attempt = async (): Promise<void> => {
      const standing = await open(settled.signal)
      if (settled.signal.aborted) return standing.client.destroy()
      first = standing
      settled.abort()
    }
    while (!settled.signal.aborted) {
      const trying = attempt()
      // That it is late is told at once; how it then ends says nothing new.
      trying.catch(() => undefined)
      await within(INDEX_CALL_DEADLINE, trying, overdue(INDEX_CALL_DEADLINE)).catch((error: unknown) => {
        if (!settled.signal.aborted) failed(error)
      })
      await backOff(failures, settled.signal)
    }
    stop.signal.removeEventListener('abort', giveUp)
    return first
  }

  function failed(error: unknown): void {
    failures += 1
    outage = { since: outage?.since ?? performance.now(), cause: error }
    if (failures > 1) return
    log.warn({ address, error: describeError(error) }, 'zone index not reachable, trying again')
    waiting.promise.then(() => log.info({ address }, 'zone index reached again')).catch(() => undefined)
  }

  async function keepConnected(): Promise<void> {
    for (;;) {
      const standing = await reach()
      if (standing === undefined) return
      if (stop.signal.aborted) return standing.client.destroy()
      current = standing.client
      outage = undefined
      failures = 0
      waiting.resolve()
      const error = await standing.over
      standing.client.destroy()
      current = undefined
      if (stop.signal.aborted) return
      waiting = deferred()
      failed(error)
      await backOff(failures, stop.signal)
    }
  }

  /** Why there is no connection says more than that there is none. */
  const unreachable = (error: unknown): BailiwickError => unavailable(address, describeError(outage?.cause ?? error), error)

  async function clientWithin(deadline: number): Promise<Client> {
    if (stop.signal.aborted) throw closed
    if (current !== undefined) return current
    if (outage !== undefined && performance.now() - outage.since > deadline) throw unreachable(outage.cause)
    await within(deadline, waiting.promise, overdue(deadline)).catch((error: unknown) => {
      throw unreachable(error)
    })
    if (current === undefined) throw unavailable(address, 'the connection broke')
    return current
  }

  void keepConnected()
  return {
    async call(work, deadline = callDeadline) {
      const end = performance.now() + deadline
      try {
        const client = await clientWithin(deadline)
        const left = Math.max(1, end - performance.now())
        return await within(left, work(client), overdue(left)).catch((error: unknown) => {
          // A server that does not answer, or became a replica, is left: the next connection may lead to another.
          if (error instanceof Overdue || isReadOnly(error)) client.destroy()
          throw error
        })
      } catch (error) {
        throw translate(address, error)
      }
    },
    ready: () => (stop.signal.aborted ? Promise.reject(closed) : waiting.promise),
    close() {
      stop.abort()
      waiting.reject(closed)
      current?.destroy()
    },
  }
}

/** Waits longer with every failure in a row, up to a maximum, with jitter; not at all once the signal aborted. */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(INDEX_RECONNECT_MAX, INDEX_RECONNECT_MIN * 2 ** Math.min(failures, 10))
  await delay(most * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
}

const overdue = (ms: number) => (): Error => new Overdue(`no answer within ${Math.round(ms)} ms`)

/** A promise that may be rejected when nobody waits for it. */
function deferred(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>()
  made.promise.catch(() => undefined)
  return made
}
