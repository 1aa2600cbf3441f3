import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectCache } from './cache.ts'
import { type KubeClient, KubeError, type List, type Query, type WatchEvent } from './kube.ts'
import type { KubeObject } from './types.ts'

const PAGE = '500'
const WATCH_SECONDS = 240
const RETRY_MS = 1_000

export interface Reflector {
  /** Resolves when the first list is in the cache. */
  synced: Promise<void>
}

export interface ReflectorOptions<T extends KubeObject> {
  client: KubeClient
  path: string
  query?: Query
  cache: ObjectCache<T>
  onError: (error: unknown) => void
}

async function listAll<T extends KubeObject>(options: ReflectorOptions<T>): Promise<string> {
  const items: T[] = []
  let query: Query = { ...options.query, limit: PAGE }
  for (;;) {
    const page = await options.client.request<List<T>>('GET', options.path, { query })
    items.push(...page.items)
    if (page.metadata.continue === undefined || page.metadata.continue === '') {
      options.cache.replace(items, Number(page.metadata.resourceVersion))
      return page.metadata.resourceVersion
    }
    query = { ...options.query, limit: PAGE, continue: page.metadata.continue }
  }
}

function take<T extends KubeObject>(cache: ObjectCache<T>, event: WatchEvent<T>): void {
  if (event.type === 'ERROR') {
    const status = event.object as unknown as { code?: number; reason?: string; message?: string }
    throw new KubeError(status.code ?? 0, status.reason ?? '', status.message ?? 'the watch reported an error')
  }
  if (event.type === 'DELETED') cache.observeDeleted(event.object)
  else if (event.type !== 'BOOKMARK') cache.observe(event.object)
}

/** Keeps a cache equal to a collection for as long as the process lives: list, watch, and list again after anything odd. */
export function startReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  let tellSynced: () => void = () => {}
  const synced = new Promise<void>((resolve) => {
    tellSynced = resolve
  })

  async function watchFrom(listVersion: string): Promise<never> {
    let version = listVersion
    for (;;) {
      const query: Query = { ...options.query, resourceVersion: version }
      await options.client.watch<T>(options.path, query, WATCH_SECONDS, (event) => {
        take(options.cache, event)
        version = event.object.metadata.resourceVersion ?? version
      })
    }
  }

  async function forever(): Promise<void> {
    for (;;) {
      try {
        const version = await listAll(options)
        tellSynced()
        await watchFrom(version)
      } catch (error) {
        options.onError(error)
        await sleep(RETRY_MS * (0.75 + Math.random() / 2))
      }
    }
  }

  void forever()
  return { synced }
}
