// The child of node-load.ts.
import { bailiwickDialect } from '../../../client/load/bailiwick-dialect.ts'
import { Crowd, type CrowdReport } from '../../../client/load/crowd.ts'
import { LOAD_JOIN_LIMIT } from '../../../core/timing.ts'
import { colyseusDialect } from '../colyseus/dialect.ts'
import { serveCalls } from '../kit/served.ts'
import { CELL, TICK_RATE } from '../kit/world.ts'
import type { LoadStart } from './load.ts'

let crowd: Crowd | undefined

serveCalls({
  async join({ side, meaningless = false, port, bounds, seed, clients }: LoadStart): Promise<void> {
    crowd = new Crowd({
      ...{ count: clients.length, seed, bounds, frameRateHz: TICK_RATE, cell: CELL },
      dialect: meaningless ? { ...bailiwickDialect, updates: () => undefined } : side === 'bailiwick' ? bailiwickDialect : colyseusDialect,
      door: async (i) => ({ host: '127.0.0.1', port, path: clients[i]?.path ?? '/', hello: clients[i]?.hello }),
    })
    await crowd.join(LOAD_JOIN_LIMIT)
  },
  measure: (ms: number): Promise<CrowdReport> | undefined => crowd?.measure(ms),
})
