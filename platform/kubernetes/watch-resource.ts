import { describeError, isCode } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { WATCH_SILENCE } from '../../core/timing.ts'
import type { KubernetesClient } from './client.ts'
import { LineSplitter } from './lines.ts'
import { ObjectCache } from './object-cache.ts'
import { acceptOf, isRecord, type KubernetesObject, type Resource, resourcePath } from './objects.ts'
import { stream } from './transport.ts'
import { readWatchLine } from './watch-line.ts'
import { decide, initialWatchState, PAGE_LIMIT, type WatchCommand, type WatchInput, type WatchState } from './watch-machine.ts'

export interface WatchOptions {
  readonly client: KubernetesClient
  readonly resource: Resource
  /** Called for every object that came, changed or went (then with its last known form). Must not throw. */
  readonly onChange: (change: ObjectChange) => void
  /** What of an object is kept; the rest is dropped at once. */
  readonly select?: (object: KubernetesObject) => KubernetesObject
  readonly log: Log
  readonly signal: AbortSignal
  readonly random?: () => number
  /** For tests only. */
  readonly silenceMs?: number
}

export interface ObjectChange {
  readonly object: KubernetesObject
  readonly removed: boolean
}

/** A local copy of a collection, kept by a watch until its signal aborts. */
export interface WatchedResource {
  readonly cache: ObjectCache
  /** Resolves when the first list was complete; rejects when the signal aborts before. */
  readonly synced: Promise<void>
  /** Resolves when the first list was complete or the server has refused it; rejects when the signal aborts before. */
  readonly answered: Promise<void>
  /** Why the server does not let us list the collection, in its words; undefined: it does, as far as is known. */
  refusal(): string | undefined
  /** Resolves when the loop has ended. Never rejects. */
  readonly ended: Promise<void>
}

/** Begins to list and watch. Every decision is `decide`'s; here is only the I/O that it asks for. */
export function watchResource(options: WatchOptions): WatchedResource {
  return new WatchLoop(options).start()
}

class WatchLoop {
  readonly #options: WatchOptions
  readonly #cache: ObjectCache
  readonly #random: () => number
  readonly #synced = Promise.withResolvers<void>()
  readonly #answered = Promise.withResolvers<void>()
  #refusal: string | undefined
  readonly #ended = Promise.withResolvers<void>()
  #state: WatchState = initialWatchState
  #staged: KubernetesObject[] = []
  /** Ends the open request, stream or pause; what comes from an aborted one is not listened to. */
  #open = new AbortController()

  constructor(options: WatchOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
    this.#cache = new ObjectCache(options.onChange)
    // Nobody may be waiting for it when the loop is stopped.
    this.#synced.promise.catch(() => {})
    this.#answered.promise.catch(() => {})
  }

  start(): WatchedResource {
    const { signal } = this.#options
    const stop = (): void => {
      this.#open.abort()
      this.#synced.reject(signal.reason)
      this.#answered.reject(signal.reason)
      this.#ended.resolve()
    }
    if (signal.aborted) stop()
    else {
      signal.addEventListener('abort', stop, { once: true })
      this.#input({ kind: 'start' })
    }
    return {
      cache: this.#cache,
      synced: this.#synced.promise,
      answered: this.#answered.promise,
      refusal: () => this.#refusal,
      ended: this.#ended.promise,
    }
  }

  #input(input: WatchInput): void {
    if (this.#options.signal.aborted) return
    const { state, commands } = decide(this.#state, input, this.#random())
    this.#state = state
    for (const command of commands) this.#execute(command)
  }

  #execute(command: WatchCommand): void {
    switch (command.do) {
      case 'list':
        if (command.token === undefined) this.#staged = []
        void this.#list(command.token, this.#renew())
        return
      case 'watch':
        void this.#watch(command.resourceVersion, command.timeoutSeconds, this.#renew())
        return
      case 'wait':
        this.#wait(command.ms, this.#renew())
        return
      case 'close':
        this.#open.abort()
        return
      case 'stage':
        for (const object of command.items) this.#staged.push(this.#select(object))
        return
      case 'swap':
        this.#cache.replace(this.#staged)
        this.#staged = []
        this.#refusal = undefined
        this.#synced.resolve()
        this.#answered.resolve()
        return
      case 'put':
        this.#cache.put(this.#select(command.object))
        return
      case 'remove':
        this.#cache.remove(command.object)
    }
  }

  #renew(): AbortSignal {
    this.#open.abort()
    this.#open = new AbortController()
    return this.#open.signal
  }

  #select(object: KubernetesObject): KubernetesObject {
    return this.#options.select?.(object) ?? object
  }

  #wait(ms: number, signal: AbortSignal): void {
    const timer = setTimeout(() => this.#input({ kind: 'timer' }), ms)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }

  async #list(token: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      const page = await this.#options.client.list(this.#options.resource, { limit: PAGE_LIMIT, continue: token }, signal)
      if (!signal.aborted) this.#input({ kind: 'page', ...page })
    } catch (error) {
      if (!signal.aborted) this.#failed('list', error)
    }
  }

  async #watch(resourceVersion: string, timeoutSeconds: number, signal: AbortSignal): Promise<void> {
    const path = resourcePath(this.#options.resource)
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds }
    const silence = setTimeout(() => !signal.aborted && this.#input({ kind: 'silent' }), this.#options.silenceMs ?? WATCH_SILENCE)
    try {
      const lines = new LineSplitter()
      for await (const chunk of await stream(
        this.#options.client.endpoint,
        { method: 'GET', path, query, accept: acceptOf(this.#options.resource, '') },
        signal,
      )) {
        if (signal.aborted) return
        silence.refresh()
        for (const line of lines.push(chunk)) {
          const input = readWatchLine(line)
          if (input.kind === 'odd' || input.kind === 'failed')
            this.#options.log.warn({ path, line: line.slice(0, 300) }, 'watch: the server said something else')
          this.#input(input)
          if (signal.aborted) return
        }
      }
      if (!signal.aborted) this.#input(lines.unfinished ? { kind: 'failed', gone: false, retryAfterMs: undefined } : { kind: 'ended' })
    } catch (error) {
      if (!signal.aborted) this.#failed('watch', error)
    } finally {
      clearTimeout(silence)
    }
  }

  #failed(what: string, error: unknown): void {
    const path = resourcePath(this.#options.resource)
    this.#options.log.warn({ path, error: describeError(error), failures: this.#state.failures + 1 }, `watch: ${what} failed`)
    if (what === 'list' && isCode(error, 'KubernetesRefused')) {
      this.#refusal = describeError(error)
      this.#answered.resolve()
    }
    const retryAfterMs = isRecord(error) && typeof error['retryAfterMs'] === 'number' ? error['retryAfterMs'] : undefined
    this.#input({ kind: 'failed', gone: isCode(error, 'KubernetesGone'), retryAfterMs })
  }
}
