import { randomUUID } from 'node:crypto'
import { chains } from '../core/chains.ts'
import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { ChainEntry, JsonObject, Store } from '../core/ports/store-port.ts'
import type { LayerCrashed } from './crash.ts'
import { SIMULATION_VERSION } from './simulation/step.ts'

/** So many crashes of a layer are kept, the newest ones. */
export const EVIDENCE_KEPT = 10
/** Somebody else may be writing evidence of the same layer. */
const TRIES = 3

export interface EvidenceDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly host: string
}

/**
 * Keeps what a layer did not survive in a chain of its own, where no snapshot prunes it: tick, error, code, and as the blob the batch of inputs. One and the same crash is kept once.
 * Never throws: the layer's failure is told with or without it.
 */
export async function keepEvidence({ crash, message }: LayerCrashed, { store, clock, log, host }: EvidenceDeps): Promise<void> {
  const { layer, tick, replayed, batch, digest } = crash
  const chain = chains.evidence(layer)
  const data: JsonObject = { v: 1, tick, replayed, error: message.slice(0, 2_000), code: SIMULATION_VERSION, digest }
  const record = { kind: 'crash', data: { ...data, host, at: clock.now() }, ...(batch === undefined ? {} : { blob: batch }) }
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const head = await store.head(chain)
      if (head !== undefined && tellsTheSame(head, data)) return
      const n = (head?.n ?? 0) + 1
      if ((await store.append(chain, n, randomUUID(), record)) !== 'Done') continue
      await store.prune(chain, n - EVIDENCE_KEPT + 1)
      log.error({ layer, tick, replayed, chain, record: n, bytes: batch?.byteLength }, 'what a layer did not survive is kept')
      return
    }
  } catch (error) {
    log.error({ layer, tick, detail: describeError(error) }, 'what a layer did not survive could not be kept')
  }
}

function tellsTheSame({ kind, data }: ChainEntry, { tick, replayed, error, code }: JsonObject): boolean {
  return kind === 'crash' && data['tick'] === tick && data['replayed'] === replayed && data['error'] === error && data['code'] === code
}
