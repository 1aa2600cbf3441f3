// `npm run bench:snapshot`: the latest tick around a snapshot, at 2,000 residents with 20 items each: a whole layer with journal and store, on real time.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { JournalWriter } from '../../../zone-server/commit/journal-writer.ts'
import type { Layer } from '../../../zone-server/layer.ts'
import { openLayer } from '../../../zone-server/open-layer.ts'
import { packingOffThread } from '../../../zone-server/packing.ts'
import { ReadAhead } from '../../../zone-server/read-ahead.ts'
import type { Seating } from '../../../zone-server/session.ts'
import { characterOf, FLEET, type Game, LAYER, prepareGame } from '../crowd/game.ts'
import { median, quick, say, writeResult } from '../kit/result.ts'
import { CountingSpectator } from '../kit/spectator.ts'
import { plot } from '../kit/svg.ts'
import { TICK_RATE, worldFor } from '../kit/world.ts'

const RESIDENTS = 2_000
const ITEMS = 20
const SNAPSHOT_EVERY = 1_000
const SECONDS = quick ? 12 : 40
/** Milliseconds. */
const GOAL = 5
const PERIOD = 1_000 / TICK_RATE

/** A tick: when it began, how long it took, and what else this thread did since the one before ended. Milliseconds. */
interface Tick {
  readonly began: number
  readonly took: number
  /** Ready to run, and no core was free. */
  readonly waited: number
  /** In calls to the store, which works and waits for the disk in this thread; a store on another machine does not. */
  readonly storing: number
}

interface Stored {
  readonly tick: number
  readonly bytes: number
  /** When the store had it. */
  readonly at: number
}

const ticks: Tick[] = []
const stored: Stored[] = []
let storingMs = 0
let waitedMs = coreWaitMs()
const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'))
const store = await createSqliteStore({ file: join(folder, 'store.sqlite') })
try {
  const layer = await open(noting(store))
  const seats = await enter(layer)
  say(`${RESIDENTS} residents are in`)
  const from = ticks.length
  await play(seats, SECONDS * 1_000)
  report(from)
  layer.drop('the benchmark is over')
} finally {
  await store.close()
  await rm(folder, { recursive: true, force: true })
}

/** How long this thread has been ready to run without a core so far, ms; 0 where the system does not tell. */
function coreWaitMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

/** What a call takes of this thread before it answers. */
function within<T>(call: () => T): T {
  const began = performance.now()
  try {
    return call()
  } finally {
    storingMs += performance.now() - began
  }
}

/** The store, with a note of each snapshot. */
function noting(behind: Store): Store {
  return {
    append: async (chain, n, nonce, record) => {
      const answer = await within(() => behind.append(chain, n, nonce, record))
      if (record.kind === 'snapshot')
        stored.push({ tick: Number(record.data['tick']), bytes: record.blob?.byteLength ?? 0, at: performance.now() })
      return answer
    },
    head: (chain) => within(() => behind.head(chain)),
    read: (...args) => within(() => behind.read(...args)),
    due: (...args) => behind.due(...args),
    prune: (chain, below) => within(() => behind.prune(chain, below)),
    remove: (chain, n) => behind.remove(chain, n),
    ping: () => behind.ping(),
    close: () => behind.close(),
  }
}

async function open(through: Store): Promise<Layer> {
  const index = createMemoryIndex({ clock: systemClock })
  const game: Game = {
    count: RESIDENTS,
    seed: 1,
    bounds: worldFor(RESIDENTS),
    tickRateHz: TICK_RATE,
    snapshotEveryMs: SNAPSHOT_EVERY,
    items: ITEMS,
  }
  await prepareGame(game, through, index)
  const onTick = (seconds: number): void => {
    const waited = coreWaitMs()
    ticks.push({ began: performance.now() - seconds * 1_000, took: seconds * 1_000, waited: waited - waitedMs, storing: storingMs })
    waitedMs = waited
    storingMs = 0
  }
  const deps = {
    store: through,
    index,
    fleet: FLEET,
    host: 'host-1',
    log: silentLog,
    timers: systemClock,
    packing: packingOffThread,
    writer: new JournalWriter(index),
    zones: new ReadAhead(index, through, systemClock),
    onTick,
  }
  const signal = new AbortController().signal
  return openLayer(
    { ...deps, onChange: () => undefined },
    { layer: LAYER, generation: 1, signal, onEnd: (how) => say(`the layer ended: ${how}`) },
  )
}

async function enter(layer: Layer): Promise<readonly Seating[]> {
  const seats: Seating[] = []
  for (let i = 0; i < RESIDENTS; i++)
    seats.push(await layer.admit(async () => ({ account: 'bench', character: characterOf(i) }), new CountingSpectator(() => ticks.length)))
  // Until the last of them is welcome and the first snapshot with all of them is stored.
  await delay(2 * SNAPSHOT_EVERY)
  return seats
}

/** Everybody moves ten times a second. */
async function play(seats: readonly Seating[], ms: number): Promise<void> {
  let sequence = 0
  const timer = setInterval(() => {
    sequence++
    for (let i = sequence % 2; i < seats.length; i += 2) {
      const angle = sequence / 10 + i
      seats[i]?.input(sequence, { kind: 'move', vx: Math.round(5_000 * Math.cos(angle)), vy: Math.round(5_000 * Math.sin(angle)) })
    }
  }, PERIOD)
  await delay(ms)
  clearInterval(timer)
}

function report(from: number): void {
  const measured = ticks.slice(from)
  // A tick is late by when it ends: what it says leaves then, at the earliest. The beat is that of the tick that was earliest by it.
  const ends = measured.map(({ began, took }, i) => began + took - i * PERIOD)
  const base = Math.min(...ends)
  const rows = measured.map(({ began, took, waited, storing }, i) => {
    const late = (ends[i] ?? base) - base
    return { late, own: Math.max(0, late - waited - storing), took, near: isNear(from + i + 1, began) }
  })
  const near = rows.filter((row) => row.near)
  const other = rows.filter((row) => !row.near)
  const latest = (of: typeof rows): number => Math.max(0, ...of.map(({ late }) => late))
  const slowest = (of: typeof rows): number => Math.max(0, ...of.map(({ took }) => took))
  const own = (of: typeof rows): number => Math.max(0, ...of.map((row) => row.own))
  /** Of a thousand ticks, so many. */
  const lateShare = (of: typeof rows): number => (of.filter(({ late }) => late > GOAL).length / Math.max(1, of.length)) * 1_000
  const p99 = (of: typeof rows): number => of.map(({ late }) => late).toSorted((a, b) => a - b)[Math.floor(of.length * 0.99)] ?? 0
  const here = stored.filter(({ tick }) => tick > from)
  const metrics = [
    { metric: 'latest tick around a snapshot', value: latest(near), unit: 'ms', goal: GOAL, met: near.length > 0 && latest(near) <= GOAL },
    { metric: 'latest tick elsewhere', value: latest(other), unit: 'ms' },
    { metric: 'later than 5 ms around a snapshot', value: lateShare(near), unit: 'in 1,000 ticks' },
    { metric: 'later than 5 ms elsewhere', value: lateShare(other), unit: 'in 1,000 ticks' },
    { metric: 'p99 of how late, around a snapshot', value: p99(near), unit: 'ms' },
    { metric: 'p99 of how late, elsewhere', value: p99(other), unit: 'ms' },
    { metric: 'latest around a snapshot, without the waits for a core and for the disk', value: own(near), unit: 'ms' },
    { metric: 'latest elsewhere, likewise', value: own(other), unit: 'ms' },
    {
      metric: 'most of a tick’s time that the store took of this thread',
      value: Math.max(...measured.map(({ storing }) => storing)),
      unit: 'ms',
    },
    { metric: 'longest wait for a core within a tick’s time', value: Math.max(...measured.map(({ waited }) => waited)), unit: 'ms' },
    { metric: 'slowest tick around a snapshot', value: slowest(near), unit: 'ms' },
    { metric: 'slowest tick elsewhere', value: slowest(other), unit: 'ms' },
    { metric: 'median tick that takes a snapshot', value: median(here.map(({ tick }) => ticks[tick - 1]?.took ?? 0)), unit: 'ms' },
    { metric: 'median tick', value: median(rows.map(({ took }) => took)), unit: 'ms' },
    { metric: 'snapshot', value: median(here.map(({ bytes }) => bytes)) / 1_000, unit: 'KB, compressed' },
  ]
  const notes = [
    `${here.length} snapshots in ${SECONDS} s, ${RESIDENTS} residents with ${ITEMS} items each; ${near.length} ticks lie around one; the store is SQLite in the same thread`,
  ]
  const line = (name: string, of: typeof rows) => ({
    name,
    points: of.map((row) => [(rows.indexOf(row) * PERIOD) / 1_000, row.late] as const),
  })
  const panel = {
    title: 'How late each tick ended',
    x: 'seconds',
    y: 'ms',
    lines: [line('elsewhere', other), line('around a snapshot', near)],
    levels: [{ name: `goal: ${GOAL} ms`, y: GOAL }],
  }
  writeResult({ name: 'snapshot', metrics, series: here, notes }, plot([panel]))
}

/** From the tick that a snapshot is of until the one after it was stored. */
function isNear(tick: number, began: number): boolean {
  return stored.some((snapshot) => tick >= snapshot.tick && began <= snapshot.at + PERIOD)
}
