import { expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { ChainWriter, type ChainWriterDeps } from '../../../zone-server/chain-writer.ts'
import { Kept } from '../../../zone-server/commit/kept.ts'
import type { Lease } from '../../../zone-server/lease.ts'
import { packingInline } from '../../../zone-server/packing.ts'
import type { LayerState } from '../../../zone-server/simulation/state.ts'
import { freshState } from './simulation-kit.ts'

/** A writer with one confirmed entry, over a store that takes everything. */
function writer(over: Partial<ChainWriterDeps> = {}): { chain: ChainWriter; kept: Kept } {
  const kept = new Kept()
  const chain = new ChainWriter(30_000, 0, 0, {
    ...{ state: freshState(), kept, packing: packingInline, timers: new ManualClock(), log: silentLog },
    ...{ signal: new AbortController().signal, lastEntry: () => 1, isSettled: () => true },
    ...{ onStored: () => undefined, onSnapshot: () => undefined, onFailed: () => undefined },
    lease: { segment: async () => undefined, snapshot: async () => 2 } as unknown as Lease,
    ...over,
  })
  kept.add({ epoch: 1, tick: 1, previous: 0, batch: new Uint8Array(0), digest: '0000000000000000' })
  return { chain, kept }
}

it('a state that can not be captured right behind another record is the layer’s misfortune, not its host’s', async () => {
  const failed = Promise.withResolvers<unknown>()
  const { chain } = writer({ state: { tick: 0 } as LayerState, onFailed: failed.resolve })
  chain.want(1)
  chain.look()
  chain.wantSnapshot()
  expect(await failed.promise).toBeInstanceOf(TypeError)
})

it('the last snapshot of a layer that was lost a moment before is not waited for', () => {
  const { chain } = writer({ signal: AbortSignal.abort(new Error('lost')) })
  expect(() => chain.last()).toThrow('lost')
})
