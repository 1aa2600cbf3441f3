import type { Log } from '../../core/ports/log-port.ts'
import { createConnection } from './connection.ts'

/** What a restore needs of the index' server. Every method throws IndexUnavailable. */
export interface IndexKeys {
  /** One key of the zone index; undefined: it has none. */
  any(): Promise<string | undefined>
  /** Removes every key of the zone index, and nothing else; answers how many. */
  removeAll(): Promise<number>
  close(): void
}

const OURS = { MATCH: 'bw:*', COUNT: 1_000 } as const

/** The keys of the zone index in Redis, whose names all begin with bw: (keys.ts). */
export function createIndexKeys({ url, log }: { readonly url: string; readonly log: Log }): IndexKeys {
  const connection = createConnection({ url, log })
  async function* pages(): AsyncIterable<string[]> {
    let cursor = '0'
    do {
      const from = cursor
      const page = await connection.call((client) => client.scan(from, OURS))
      cursor = String(page.cursor)
      if (page.keys.length > 0) yield page.keys
    } while (cursor !== '0')
  }
  return {
    async any() {
      for await (const keys of pages()) return keys[0]
      return undefined
    },
    async removeAll() {
      let removed = 0
      for await (const keys of pages()) removed += await connection.call((client) => client.unlink(keys))
      return removed
    },
    close: () => connection.close(),
  }
}
