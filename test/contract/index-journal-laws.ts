import fc from 'fast-check'
import { expect } from 'vitest'
import type { LayerId } from '../../core/ids.ts'
import type { Fence, FenceRefusal, JournalEntry, JournalPart } from '../../core/ports/journal-port.ts'
import type { IndexHarness } from './index-harness.ts'

/**
 * What holds of a journal after any sequence of calls by several would-be owners, with the index emptied and restarted between them. Drivers run in
 * lockstep and must answer the same; replication ids differ between them, and are told apart by which one they are.
 */
interface Step {
  readonly call: (typeof calls)[number]
  readonly layer: number
  /** Which of the fences answered lately: 0 is the newest. */
  readonly fence: number
  readonly epoch: number
  /** Added to the last tick: for an append, and for what is rarely right. */
  readonly near: number
  readonly back: number
  readonly gap: number
  readonly variant: number
}

const frequent = ['raise', 'append', 'append', 'append', 'append', 'append', 'start', 'trim', 'read'] as const
const calls = [...frequent, ...frequent, ...frequent, 'drop', 'flush', 'restart'] as const

const anyStep: fc.Arbitrary<Step> = fc.record({
  call: fc.constantFrom(...calls),
  layer: fc.integer({ min: 0, max: 1 }),
  fence: fc.constantFrom(0, 0, 0, 0, 1, 2),
  epoch: fc.constantFrom(-1, 0, 1, 1, 1),
  near: fc.constantFrom(1, 1, 1, 1, 1, 0, 0, -1, 2),
  back: fc.integer({ min: -2, max: 2 }),
  gap: fc.constantFrom(1, 1, 1, 1, 2, 3),
  variant: fc.constantFrom(0, 0, 0, 1),
})

/** One driver's own view of the run. */
interface Side {
  readonly harness: IndexHarness
  /** Of each layer, the newest first. */
  readonly fences: readonly [Fence[], Fence[]]
  readonly replids: string[]
}

interface Run {
  readonly layers: readonly [LayerId, LayerId]
  readonly sides: readonly Side[]
  /** Of each layer: the last tick, and what was confirmed and neither trimmed, dropped nor lost. */
  readonly last: [number, number]
  readonly confirmed: readonly [Map<number, JournalEntry>, Map<number, JournalEntry>]
  highest: number
  /** Of each layer: the index was emptied, or the journal dropped, since a fence held. */
  readonly mayFall: [boolean, boolean]
}

const FEW = 3
let runs = 0

/** Runs random sequences on all drivers at once. fast-check prints the seed of a sequence that breaks a law. */
export async function checkJournalLaws(drivers: readonly IndexHarness[], numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 60 }), async (steps) => {
      runs += 1
      const sides = drivers.map((harness): Side => ({ harness, fences: [[], []], replids: [] }))
      const layers = [`laws/journal-${runs}/0`, `laws/journal-${runs}/1`] as const
      const run: Run = { layers, sides, last: [0, 0], confirmed: [new Map(), new Map()], highest: 0, mayFall: [false, false] }
      for (const step of steps) await take(run, step)
    }),
    { numRuns, endOnFailure: false },
  )
}

async function take(run: Run, step: Step): Promise<void> {
  const { layer } = step
  const of = layer === 0 ? 0 : 1
  const answers: unknown[] = []
  for (const side of run.sides) answers.push(await perform(run, side, of, step))
  for (const answer of answers) expect(answer).toEqual(answers[0])
  note(run, of, step, answers[0])
  for (const one of [0, 1] as const) await checkLayer(run, one)
}

function entryOf(run: Run, of: 0 | 1, step: Step, fence: Fence): JournalEntry {
  const tick = Math.max(1, run.last[of] + step.near)
  const digest = (tick * 4 + step.variant).toString(16).padStart(16, '0')
  return { epoch: fence.epoch, tick, previous: Math.max(0, tick - step.gap), digest, batch: Uint8Array.of(tick, step.variant, 255) }
}

async function perform(run: Run, side: Side, of: 0 | 1, step: Step): Promise<unknown> {
  const { index } = side.harness
  const layer = run.layers[of]
  const fences = side.fences[of]
  const back = Math.max(0, run.last[of] + step.back)
  if (step.call === 'flush') return side.harness.flush()
  if (step.call === 'restart') return side.harness.restart()
  if (step.call === 'drop') return index.dropJournal(layer, Math.max(0, run.highest + step.epoch))
  const fence = fences[Math.min(step.fence, fences.length - 1)]
  if (step.call === 'raise' || fence === undefined) {
    const raised = await index.raiseFence(layer, Math.max(0, run.highest + step.epoch))
    fences.unshift(raised)
    fences.splice(FEW)
    return [raised.epoch, known(side, raised.replid), raised.last]
  }
  switch (step.call) {
    case 'append':
      return index.appendJournal([{ layer, fence, ...entryOf(run, of, step, fence) }])
    case 'read':
      return index.readJournal(layer, fence, back, FEW)
    case 'start':
      return index.startJournal(layer, fence, back)
    case 'trim':
      return index.trimJournal(layer, fence, back)
  }
}

/** Which replication id it is, counted as they were seen. */
function known(side: Side, replid: string): number {
  if (!side.replids.includes(replid)) side.replids.push(replid)
  return side.replids.indexOf(replid)
}

/** What the answer means for what must be there from now on. */
function note(run: Run, of: 0 | 1, step: Step, answer: unknown): void {
  const fences = run.sides[0]?.fences[of] ?? []
  const fence = fences[Math.min(step.fence, fences.length - 1)]
  if (step.call === 'raise' && Array.isArray(answer)) run.highest = Math.max(run.highest, Number(answer[0]))
  if (step.call === 'flush') for (const confirmed of run.confirmed) confirmed.clear()
  if (step.call === 'flush') run.mayFall.fill(true)
  if (step.call === 'drop') run.mayFall[of] = true
  if (fence === undefined) return
  if (step.call === 'append' && Array.isArray(answer) && answer[0] === 'Done') {
    const entry = entryOf(run, of, step, fence)
    const before = run.confirmed[of].get(entry.tick)
    // A repeated one is the one that is there, whatever else it says.
    if (before === undefined && entry.tick > run.last[of]) run.confirmed[of].set(entry.tick, entry)
    else if (before !== undefined) expect([before.epoch, before.digest]).toEqual([entry.epoch, entry.digest])
  }
  if (step.call === 'start' && answer === 'Done' && step.back > 0) run.confirmed[of].clear()
  if (step.call === 'trim' && answer === 'Done')
    for (const tick of run.confirmed[of].keys()) if (tick <= run.last[of] + step.back) run.confirmed[of].delete(tick)
}

/**
 * Everything confirmed is there, each entry follows the one before it, epochs never fall, and of the fences that were answered none but one holds. Looked at through
 * every fence, so that it is seen whichever one holds.
 */
async function checkLayer(run: Run, of: 0 | 1): Promise<void> {
  const parts: (FenceRefusal | JournalPart)[][] = []
  for (const side of run.sides) {
    const { index } = side.harness
    parts.push(await Promise.all(side.fences[of].map((fence) => index.readJournal(run.layers[of], fence, 0, 1_000))))
  }
  for (const part of parts) expect(part).toEqual(parts[0])
  const held = new Set(run.sides[0]?.fences[of].filter((_, i) => typeof parts[0]?.[i] === 'object').map(({ epoch }) => epoch))
  expect(held.size).toBeLessThanOrEqual(1)
  const whole = parts[0]?.find((part) => typeof part === 'object')
  if (whole === undefined) return
  const { entries, last } = whole
  if (last < run.last[of]) {
    expect(run.mayFall[of]).toBe(true)
    run.confirmed[of].clear()
  }
  run.mayFall[of] = false
  run.last[of] = last
  expect(entries).toEqual([...run.confirmed[of].values()].sort((a, b) => a.tick - b.tick))
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1]
    if (before !== undefined) expect([entry.previous, entry.epoch >= before.epoch]).toEqual([before.tick, true])
  }
  expect(last).toBeGreaterThanOrEqual(entries.at(-1)?.tick ?? 0)
}
