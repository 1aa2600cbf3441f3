import { BailiwickError } from '../../../core/errors.ts'
import type { ChainEntry, Store, StoredRecord } from '../../../core/ports/store-port.ts'
import { checkDue, checkPlace, decodeData, encodeAppend, hole, kindOf, MAX_READ } from '../../../core/store-record.ts'

interface Kept {
  readonly nonce: string
  readonly kind: string
  readonly data: string
  readonly blob: Uint8Array | undefined
  readonly due: number | undefined
}

interface Chain {
  readonly records: Map<number, Kept>
  head: number
  /** The lowest number that was not pruned. */
  floor: number
}

export interface MemoryStore extends Store {
  /** The names of all chains. */
  chains(): readonly string[]
}

/** A store in memory, for simulations: each call is done at once. */
export function createMemoryStore(): MemoryStore {
  const all = new Map<string, Chain>()
  const entryAt = (name: string, chain: Chain, n: number, which?: 'withoutBlobs'): ChainEntry | undefined => {
    const kept = chain.records.get(n)
    if (kept === undefined) return undefined
    const { nonce, kind, blob, due } = kept
    return {
      n,
      nonce,
      kind,
      data: decodeData(name, n, kept.data),
      ...(blob === undefined || which === 'withoutBlobs' ? {} : { blob: blob.slice() }),
      ...(due === undefined ? {} : { due }),
    }
  }
  return {
    async append(name, n, nonce, record: StoredRecord) {
      const data = encodeAppend(name, n, nonce, record)
      const chain = all.get(name) ?? { records: new Map(), head: 0, floor: 1 }
      if (n > chain.head + 1) throw hole(name, n)
      if (n <= chain.head) return chain.records.get(n)?.nonce === nonce ? 'Done' : 'Conflict'
      chain.records.set(n, { nonce, kind: record.kind, data, blob: record.blob?.slice(), due: record.due })
      chain.head = n
      all.set(name, chain)
      return 'Done'
    },
    async head(name) {
      checkPlace(name, 1)
      const chain = all.get(name)
      return chain === undefined ? undefined : entryAt(name, chain, chain.head)
    },
    async read(name, from, limit, which) {
      checkPlace(name, from)
      const chain = all.get(name)
      const entries: ChainEntry[] = []
      if (chain === undefined) return entries
      for (let n = Math.max(from, chain.floor); n <= chain.head && entries.length < Math.min(limit, MAX_READ); n++) {
        const entry = entryAt(name, chain, n, which)
        if (entry === undefined) throw new BailiwickError('StoreCorrupt', { asked: `record ${n} of ${name}`, found: 'a hole' })
        entries.push(entry)
      }
      return entries
    },
    async due(kind, before, limit) {
      checkDue(kind, before)
      const found = [...all].flatMap(([name, chain]) => {
        const due = Math.min(...[...chain.records.values()].map((kept) => kept.due ?? Number.POSITIVE_INFINITY))
        return kindOf(name) === kind && due <= before ? [{ name, due }] : []
      })
      const sorted = found.toSorted((a, b) => a.due - b.due || (a.name < b.name ? -1 : 1))
      return sorted.slice(0, Math.min(limit, MAX_READ)).map(({ name }) => name)
    },
    async prune(name, below) {
      checkPlace(name, 1)
      const chain = all.get(name)
      if (chain === undefined) return
      for (; chain.floor < below && chain.floor < chain.head; chain.floor++) chain.records.delete(chain.floor)
    },
    async remove(name, n) {
      checkPlace(name, n)
      if ((all.get(name)?.head ?? n) !== n) return 'Conflict'
      all.delete(name)
      return 'Done'
    },
    ping: async () => undefined,
    close: async () => undefined,
    chains: () => [...all.keys()],
  }
}
