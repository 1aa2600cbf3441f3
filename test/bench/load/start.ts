import { startCLoad } from './c-load.ts'
import type { Load, LoadStart } from './load.ts'
import { startNodeLoad } from './node-load.ts'

/** A crowd, all clients in: by the C generator, or by the client's own where there is no compiler or it is asked for. Throws why a client did not get in. */
export async function startLoad(start: LoadStart, byNode = false): Promise<Load> {
  return (byNode ? undefined : await startCLoad(start)) ?? (await startNodeLoad(start))
}
