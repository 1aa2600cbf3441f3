import { parentPort, workerData } from 'node:worker_threads'
import { createSqliteStore } from '../../platform/sqlite/index.ts'

/** Appends to one chain until it is `upTo` long, and tells which numbers were its own. */
const { file, label, upTo } = workerData as { file: string; label: string; upTo: number }
const store = await createSqliteStore({ file })
const won: number[] = []
for (let n = 1; n <= upTo; n = ((await store.head('shared'))?.n ?? 0) + 1) {
  if ((await store.append('shared', n, `${label}${n}`, { kind: 'k', data: {} })) === 'Done') won.push(n)
}
await store.close()
parentPort?.postMessage(won)
