import { join } from 'node:path'
import type { CrowdReport } from '../../../client/load/crowd.ts'
import { LOAD_JOIN_LIMIT } from '../../../core/timing.ts'
import { OTHER_CORE, startChild } from '../kit/pinned.ts'
import type { Load, LoadStart } from './load.ts'

const ANSWER_LIMIT = 15_000

/** A crowd driven by the load generator of the client, in a process of its own: for machines without a C compiler. It holds about half as many clients. */
export async function startNodeLoad(start: LoadStart): Promise<Load> {
  const child = startChild(join(import.meta.dirname, 'node-generator.ts'), OTHER_CORE)
  try {
    await child.call('join', start, LOAD_JOIN_LIMIT + ANSWER_LIMIT)
  } catch (error) {
    await child.end()
    throw error
  }
  return {
    by: 'node',
    measure: (ms) => child.call<CrowdReport>('measure', ms, ms + ANSWER_LIMIT),
    end: () => child.end(),
  }
}
