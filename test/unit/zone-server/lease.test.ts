import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { systemClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { type Log, type LogFields, silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { claimLayer } from '../../../zone-server/lease.ts'
import { stateHash } from '../../../zone-server/simulation/state-hash.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import { packSnapshot } from '../../../zone-server/snapshot-file.ts'
import { freshState, joins, LAYER_ID } from './simulation-kit.ts'

const { signal } = new AbortController()
const chain = chains.layer(LAYER_ID)
let store: Store
let index: ZoneIndex
let log: Log
let errors: string[]

beforeEach(async () => {
  index = createMemoryIndex({ clock: systemClock })
  store = await createSqliteStore({ file: ':memory:' })
  errors = []
  log = { ...silentLog, error: (_fields: LogFields, event: string) => errors.push(event) }
})

afterEach(() => store.close())

const claim = (host: string, generation = 1) =>
  claimLayer({ layer: LAYER_ID, generation, host }, { store, index, log, timers: systemClock }, signal)

function lived(ticks: number) {
  const state = freshState()
  step(state, [joins('ada')])
  for (let i = 1; i < ticks; i++) step(state, [])
  return state
}

describe('lease of a layer', () => {
  it('the next owner has a higher epoch and the state of the newest snapshot; the one before is refused for good', async () => {
    const first = await claim('host-1')
    expect(first.state).toBeUndefined()
    const state = lived(5)
    await first.lease.snapshot(await packSnapshot(state), signal)
    const second = await claim('host-2', 2)
    expect(second.lease.epoch).toBeGreaterThan(first.lease.epoch)
    expect(second.state && stateHash(second.state)).toBe(stateHash(state))
    const late = await packSnapshot(lived(9))
    await expect(first.lease.snapshot(late, signal)).rejects.toMatchObject({ code: 'LayerLost' })
    await expect(first.lease.close(9, signal)).rejects.toMatchObject({ code: 'LayerLost' })
    await second.lease.close(5, signal)
    expect((await store.read(chain, 1, 10)).map(({ kind }) => kind)).toEqual(['open', 'snapshot', 'open', 'close'])
  })

  it('a snapshot that was damaged is passed over and reported', async () => {
    const { lease } = await claim('host-1')
    const good = lived(3)
    await lease.snapshot(await packSnapshot(good), signal)
    const packed = await packSnapshot(lived(8))
    const blob = packed.blob.slice()
    blob[blob.length >> 1] = (blob[blob.length >> 1] ?? 0) ^ 0x55
    await lease.snapshot({ ...packed, blob }, signal)
    const next = await claim('host-2', 2)
    expect(next.state?.tick).toBe(good.tick)
    expect(errors).toEqual(['a snapshot does not read back and is passed over'])
    // The chain of those that follow leaves the damaged one out.
    await next.lease.snapshot(await packSnapshot(lived(4)), signal)
    expect((await store.head(chain))?.data['lastSnapshot']).toBe(2)
  })

  it('with every snapshot damaged it does not begin as if nothing had been', async () => {
    const { lease } = await claim('host-1')
    await lease.snapshot({ ...(await packSnapshot(lived(3))), blob: Uint8Array.of(1, 2, 3) }, signal)
    await expect(claim('host-2', 2)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })

  it('one that claims while another writes gets its turn', async () => {
    const first = await claim('host-1')
    const packed = await packSnapshot(lived(2))
    const writing = (async () => {
      for (;;) await first.lease.snapshot(packed, signal)
    })()
    const [end, second] = await Promise.all([writing.catch((error: unknown) => error), claim('host-2', 2)])
    expect(end).toMatchObject({ code: 'LayerLost' })
    expect((await store.head(chain))?.n).toBe(second.lease.epoch)
  })

  it('a snapshot is appended once, however often the store gives no answer', async () => {
    let lost = 2
    const flaky: Store = {
      ...store,
      append: async (...args) => {
        const answer = await store.append(...args)
        if (args[3].kind === 'snapshot' && lost-- > 0) throw new BailiwickError('StoreUnavailable', { found: 'a lost answer' })
        return answer
      },
    }
    const { lease } = await claimLayer(
      { layer: LAYER_ID, generation: 1, host: 'host-1' },
      { store: flaky, index, log, timers: systemClock },
      signal,
    )
    expect(await lease.snapshot(await packSnapshot(lived(2)), signal)).toBe(2)
    expect((await store.read(chain, 1, 10)).map(({ kind }) => kind)).toEqual(['open', 'snapshot'])
  })
})
