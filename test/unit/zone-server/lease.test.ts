import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { systemClock, type Timers } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { JournalEntry } from '../../../core/ports/journal-port.ts'
import { type Log, type LogFields, silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { FORGOTTEN_FENCE_WAIT } from '../../../core/timing.ts'
import { createMemoryIndex, type MemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { type ClaimRequest, claimLayer, lookFirst } from '../../../zone-server/claim.ts'
import type { Lease } from '../../../zone-server/lease.ts'
import { packingInline } from '../../../zone-server/packing.ts'
import { encodeBatch } from '../../../zone-server/simulation/batch.ts'
import type { Input } from '../../../zone-server/simulation/input.ts'
import type { LayerState } from '../../../zone-server/simulation/state.ts'
import { stateHash } from '../../../zone-server/simulation/state-hash.ts'
import { SIMULATION_VERSION, step } from '../../../zone-server/simulation/step.ts'
import { captureState, type PackedSnapshot, packSnapshot } from '../../../zone-server/snapshot-file.ts'
import { freshState, joins, LAYER_ID } from './simulation-kit.ts'

const { signal } = new AbortController()
const chain = chains.layer(LAYER_ID)
let store: Store
let index: MemoryIndex
let log: Log
let errors: string[]

beforeEach(async () => {
  index = createMemoryIndex({ clock: systemClock })
  store = await createSqliteStore({ file: ':memory:' })
  errors = []
  log = { ...silentLog, error: (_fields: LogFields, event: string) => errors.push(event) }
})

afterEach(() => store.close())

/** Where a claim waits for an owner, none lives here. */
const timers: Timers = { ...systemClock, after: (ms, call) => systemClock.after(ms === FORGOTTEN_FENCE_WAIT ? 0 : ms, call) }
const deps = (over: { store?: Store } = {}) => ({ store, index, log, timers, packing: packingInline, ...over })
const claim = (host: string, generation = 1, over: { store?: Store } = {}) =>
  claimLayer({ layer: LAYER_ID, generation, host, zone: Promise.resolve(zoneOfLayer) }, deps(over), signal)
const zoneOfLayer = { content: 'content', fresh: freshState }
const snapshotOf = (state: LayerState, entry: number): Promise<PackedSnapshot> => packSnapshot(captureState(state, entry), packingInline)
const kinds = async () => (await store.read(chain, 1, 100)).map(({ kind }) => kind)

/** Plays on a lease as a layer would: each tick is journaled. Answers its entries. */
class Play {
  readonly entries: JournalEntry[] = []
  readonly state: LayerState
  readonly lease: Lease
  #last: number

  constructor({ state, lease, entry }: { state: LayerState; lease: Lease; entry: number }) {
    this.state = state
    this.lease = lease
    this.#last = entry
  }

  async tick(inputs: readonly Input[] = []): Promise<string> {
    step(this.state, inputs)
    const { tick } = this.state
    const { epoch, fence, layer } = this.lease
    const entry = { epoch, tick, previous: this.#last, batch: encodeBatch(inputs), digest: stateHash(this.state) }
    const [answer = 'Done'] = await index.appendJournal([{ ...entry, layer, fence }])
    if (answer === 'Done') {
      this.#last = tick
      this.entries.push(entry)
    }
    return answer
  }

  /** A tick of which nothing is journaled. */
  idle(): void {
    step(this.state, [])
  }

  get last(): number {
    return this.#last
  }

  async snapshot(damaged = false): Promise<void> {
    const packed = await snapshotOf(this.state, this.#last)
    const blob = packed.blob.slice()
    if (damaged) blob[blob.length >> 1] = (blob[blob.length >> 1] ?? 0) ^ 0x55
    await this.lease.snapshot({ ...packed, blob }, signal)
  }
}

async function played(host: string, ticks: number, generation = 1): Promise<Play> {
  const play = new Play(await claim(host, generation))
  if (ticks > 0) await play.tick([joins('ada')])
  for (let i = 1; i < ticks; i++) await play.tick()
  return play
}

describe('claim and recovery', () => {
  it('the next owner has a higher epoch and everything confirmed; the one before is refused for good', async () => {
    const first = await played('host-1', 5)
    const second = await claim('host-2', 2)
    expect(second.lease.epoch).toBeGreaterThan(first.lease.epoch)
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    expect(second.state.players.has('ada')).toBe(true)
    expect(await first.tick()).toBe('Fenced')
    await expect(first.snapshot()).rejects.toMatchObject({ code: 'LayerLost' })
    await expect(first.lease.close(9, signal)).rejects.toMatchObject({ code: 'LayerLost' })
    await expect(first.lease.check()).rejects.toMatchObject({ code: 'LayerLost' })
    expect(await kinds()).toEqual(['open', 'snapshot', 'open', 'segment'])
  })

  it('a snapshot, segments and the journal’s tail are put together, with idle ticks between', async () => {
    const first = await played('host-1', 3)
    await first.snapshot()
    await first.tick()
    first.idle()
    first.idle()
    await first.tick()
    await first.lease.segment(first.entries.slice(-2), true, signal)
    await first.tick()
    const second = await claim('host-2', 2)
    expect(second.state.tick).toBe(first.state.tick)
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    expect(second.entry).toBe(first.last)
  })

  it('a snapshot that was damaged is passed over and reported, and the one before it with the journal is as good', async () => {
    const first = await played('host-1', 4)
    await first.snapshot()
    await first.tick()
    first.idle()
    await first.snapshot(true)
    const second = await claim('host-2', 2)
    expect(second.state.tick).toBe(first.state.tick)
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    expect(errors).toEqual(['a snapshot does not read back and is passed over'])
    // The chain of those that follow leaves the damaged one out.
    expect((await store.head(chain))?.data['lastSnapshot']).toBe(3)
  })

  it('a damaged snapshot whose past the index has forgotten is not recovered from an older one, as if less had been played', async () => {
    const first = await played('host-1', 4)
    await first.snapshot(true)
    index.flush()
    await expect(claim('host-2', 2)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })

  it('a segment that was damaged is made good by the journal, as long as that holds it', async () => {
    const first = await played('host-1', 4)
    const broken: Store = {
      ...store,
      read: async (...args) => {
        const entries = await store.read(...args)
        return entries.map((entry) => (entry.kind === 'segment' ? { ...entry, blob: Uint8Array.of(1, 2, 3) } : entry))
      },
    }
    await first.lease.segment(first.entries, true, signal)
    const second = await claim('host-2', 2, { store: broken })
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    index.flush()
    await expect(claim('host-3', 3, { store: broken })).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })

  it('an index that forgot everything costs the tail that only it held, and no more', async () => {
    const first = await played('host-1', 3)
    await first.lease.segment(first.entries, true, signal)
    await first.tick()
    index.flush()
    const second = await claim('host-2', 2)
    expect(second.state.tick).toBe(3)
    expect(await first.tick()).toBe('Fenced')
  })

  it('an owner that an emptied index forgot has its time to store what it alone has', async () => {
    const first = await played('host-1', 5)
    index.flush()
    let waits = 0
    const patient: Timers = {
      ...systemClock,
      after: (ms, call) => {
        if (ms !== FORGOTTEN_FENCE_WAIT) return systemClock.after(ms, call)
        waits++
        void first.lease.segment(first.entries, true, signal).then(call)
        return () => undefined
      },
    }
    const request: ClaimRequest = { layer: LAYER_ID, generation: 2, host: 'host-2', zone: Promise.resolve(zoneOfLayer) }
    const second = await claimLayer(request, { ...deps(), timers: patient }, signal)
    expect(waits).toBe(1)
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    expect(await first.tick()).toBe('Fenced')
  })

  it('thousands of claims that failed leave a chain that is read in a few calls, with the blobs of the segments alone', async () => {
    const first = await played('host-1', 3)
    await first.lease.segment(first.entries, true, signal)
    await first.tick()
    const opened = (await store.head(chain))?.n ?? 0
    for (let n = opened + 1; n <= opened + 2_000; n++) {
      const data = { host: 'host-2', generation: n, code: SIMULATION_VERSION, content: 'content', lastSnapshot: 2, erasedAt: 0 }
      await store.append(chain, n, `failed-${n}`, { kind: 'open', data })
    }
    const reads: number[] = []
    const counting: Store = {
      ...store,
      read: async (...args) => {
        const entries = await store.read(...args)
        reads.push(entries.filter(({ blob }) => blob !== undefined).length)
        return entries
      },
    }
    const second = await claim('host-3', 3, { store: counting })
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    // The snapshot, two pages and a bit, the segment.
    expect(reads).toEqual([1, 0, 1, 0, 0])
  })

  it('a tail that is more than one record takes is stored in parts, and counts whole when its owner dies between two of them', async () => {
    const first = await played('host-1', 1)
    const say = (i: number): Input => ({
      source: `guest-${i}`,
      sequence: 1,
      body: { kind: 'say', text: randomBytes(750).toString('base64') },
    })
    while (first.entries.length < 20) await first.tick(Array.from({ length: 900 }, (_, i) => say(i)))
    let segments = 0
    const append: Store['append'] = async (...args) => {
      if (args[3].kind === 'segment' && ++segments > 1) throw new BailiwickError('Internal', { found: 'the end of the process' })
      return store.append(...args)
    }
    await expect(claim('host-2', 2, { store: { ...store, append } })).rejects.toMatchObject({ code: 'Internal' })
    expect(await kinds()).toEqual(['open', 'snapshot', 'open', 'segment'])
    const third = await claim('host-3', 3)
    expect(third.entry).toBe(first.last)
    expect(stateHash(third.state)).toBe(stateHash(first.state))
  })

  it('an index that brings back a past that the chain has left does not keep the layer from being served', async () => {
    const first = await played('host-1', 3)
    const second = await claim('host-2', 2)
    const { layer, epoch } = first.lease
    const [stray] = first.entries
    if (stray === undefined) throw new Error('nothing was played')
    index.flush()
    const fence = await index.raiseFence(layer, epoch)
    expect(await index.startJournal(layer, fence, first.last)).toBe('Done')
    expect(await index.appendJournal([{ ...stray, tick: 4, previous: first.last, layer, fence }])).toEqual(['Done'])
    const third = new Play(await claim('host-3', 3))
    expect(stateHash(third.state)).toBe(stateHash(second.state))
    expect(await third.tick()).toBe('Done')
    expect(stateHash((await claim('host-4', 4)).state)).toBe(stateHash(third.state))
  })

  it('entries that don’t give the state they gave are not played', async () => {
    const first = await played('host-1', 3)
    const [last] = first.entries.slice(-1)
    if (last === undefined) throw new Error('nothing was played')
    const { layer, fence, epoch } = first.lease
    const entry = { ...last, tick: 4, previous: 3, digest: '0123456789abcdef' }
    expect(await index.appendJournal([{ ...entry, layer, fence, epoch }])).toEqual(['Done'])
    await expect(claim('host-2', 2)).rejects.toMatchObject({ code: 'StoreCorrupt', message: expect.stringContaining('tick 4') })
  })

  it('with every snapshot damaged it does not begin as if nothing had been', async () => {
    const damaged: Store = {
      ...store,
      append: async (at, n, nonce, record) =>
        store.append(at, n, nonce, record.kind === 'snapshot' ? { ...record, blob: Uint8Array.of(1, 2, 3) } : record),
    }
    await claim('host-1', 1, { store: damaged })
    await expect(claim('host-2', 2)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })

  it('what other code played is left to it, until a snapshot holds all of it', async () => {
    const old: Store = {
      ...store,
      read: async (...args) =>
        (await store.read(...args)).map((entry) =>
          'code' in entry.data ? { ...entry, data: { ...entry.data, code: SIMULATION_VERSION } } : entry,
        ),
      append: async (at, n, nonce, record) =>
        store.append(at, n, nonce, 'code' in record.data ? { ...record, data: { ...record.data, code: 'simulation-0' } } : record),
    }
    const first = new Play(await claim('host-1', 1, { store: old }))
    await first.tick([joins('ada')])
    await expect(claim('host-2', 2)).rejects.toMatchObject({ code: 'CodeMismatch' })
    const second = new Play(await claim('host-3', 3, { store: old }))
    await second.snapshot()
    const third = await claim('host-4', 4)
    expect(third.state.players.has('ada')).toBe(true)
  })

  it('one that claims while another writes gets its turn', async () => {
    const first = await played('host-1', 2)
    const writing = (async () => {
      for (;;) await first.snapshot()
    })()
    const [end, second] = await Promise.all([writing.catch((error: unknown) => error), claim('host-2', 2)])
    expect(end).toMatchObject({ code: 'LayerLost' })
    expect(second.state.tick).toBe(2)
  })

  it('data that was erased begins anew, whatever the index remembers of it', async () => {
    await played('host-1', 5)
    const head = (await store.head(chain))?.n ?? 0
    await store.append(chain, head + 1, 'eraser', { kind: 'erased', data: { lastSnapshot: 0 } })
    await store.prune(chain, head + 1)
    const second = await claim('host-2', 2)
    expect(second.state.tick).toBe(0)
    expect(await new Play(second).tick([joins('bob')])).toBe('Done')
  })

  it('a layer whose snapshot holds all of its journal is claimed with one call to the index behind the first look', async () => {
    const first = await played('host-1', 3)
    await first.snapshot()
    await first.lease.close(first.state.tick, signal)
    const asked: string[] = []
    const counted = new Proxy(index, {
      get(target, name: keyof MemoryIndex) {
        asked.push(name)
        return target[name]
      },
    })
    const request: ClaimRequest = { layer: LAYER_ID, generation: 2, host: 'host-2', zone: Promise.resolve(zoneOfLayer) }
    const second = new Play(await claimLayer(request, { ...deps(), index: counted }, signal))
    // The first is asked beside the head of the chain, and waited for together with it.
    expect(asked).toEqual(['fenceEpoch', 'raiseFence'])
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    expect(await second.tick()).toBe('Done')
    expect(await first.tick()).toBe('Fenced')
  })

  it('a look that was begun before another host had the layer costs a second one, and nothing else', async () => {
    const before = await played('host-1', 3)
    const firstLook = lookFirst(LAYER_ID, { store, index })
    await firstLook
    await before.lease.close(before.state.tick, signal)
    const between = new Play(await claim('host-2', 2))
    expect(await between.tick([joins('bob')])).toBe('Done')
    const request: ClaimRequest = { layer: LAYER_ID, generation: 3, host: 'host-3', zone: Promise.resolve(zoneOfLayer), firstLook }
    const last = new Play(await claimLayer(request, deps(), signal))
    expect(stateHash(last.state)).toBe(stateHash(between.state))
    expect(await last.tick()).toBe('Done')
    expect(await between.tick()).toBe('Fenced')
  })

  it('a look that failed is made again', async () => {
    const before = await played('host-1', 3)
    const firstLook = Promise.reject(new Error('nobody there'))
    firstLook.catch(() => undefined)
    const request: ClaimRequest = { layer: LAYER_ID, generation: 2, host: 'host-2', zone: Promise.resolve(zoneOfLayer), firstLook }
    expect(stateHash((await claimLayer(request, deps(), signal)).state)).toBe(stateHash(before.state))
  })

  it('an index that forgets in the middle of a claim costs another try', async () => {
    const first = await played('host-1', 3)
    let restarts = 2
    const forgetful: MemoryIndex = {
      ...index,
      readJournal: async (...args) => {
        if (restarts-- > 0) index.restart()
        return index.readJournal(...args)
      },
    }
    const request: ClaimRequest = { layer: LAYER_ID, generation: 2, host: 'host-2', zone: Promise.resolve(zoneOfLayer) }
    const second = await claimLayer(request, { ...deps(), index: forgetful }, signal)
    expect(stateHash(second.state)).toBe(stateHash(first.state))
    restarts = 100
    await expect(claimLayer(request, { ...deps(), index: forgetful }, signal)).rejects.toMatchObject({ code: 'IndexUnavailable' })
  })
})

describe('lease', () => {
  it('a record is appended once, however often the store gives no answer', async () => {
    let lost = 2
    const flaky: Store = {
      ...store,
      append: async (...args) => {
        const answer = await store.append(...args)
        if (args[3].kind === 'snapshot' && lost-- > 0) throw new BailiwickError('StoreUnavailable', { found: 'a lost answer' })
        return answer
      },
    }
    await claim('host-1', 1, { store: flaky })
    expect(await kinds()).toEqual(['open', 'snapshot'])
  })

  it('a new epoch is claimed from memory, unless another owns the layer', async () => {
    const { lease } = await played('host-1', 2)
    const { epoch } = lease
    await lease.reopen('other content', signal)
    expect(lease).toMatchObject({ epoch: epoch + 2, content: 'other content', fence: { epoch: epoch + 2 } })
    expect((await store.head(chain))?.data).toMatchObject({ content: 'other content', host: 'host-1' })
    await claim('host-2', 2)
    await expect(lease.reopen('content', signal)).rejects.toMatchObject({ code: 'LayerLost' })
  })
})
