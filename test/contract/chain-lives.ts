import fc from 'fast-check'
import { expect } from 'vitest'
import { appendRecord } from '../../platform/mongo/append.ts'
import { begun } from '../../platform/mongo/begun.ts'
import { type FoundHead, findHead } from '../../platform/mongo/chain-head.ts'
import type { Chains, Step } from '../../platform/mongo/documents.ts'
import { pruneChain } from '../../platform/mongo/prune.ts'
import { finishRemoval, removeChain } from '../../platform/mongo/remove.ts'
import { randomOf } from '../faults/simulator/random.ts'

/** The calls of a collection that go one at a time, in an order that is chosen. */
const GATED: ReadonlySet<string | symbol> = new Set(['findOne', 'insertOne', 'updateOne', 'replaceOne', 'deleteOne', 'toArray'])

/** What one who works with a chain does, from when it looks until it is done. */
export type Doing = 'append' | 'end' | 'prune' | 'remove' | 'look'

/** So many do so many things; by the seed it is chosen whose next call reaches the server, and who dies in its place. */
export interface Plan {
  readonly workers: readonly (readonly Doing[])[]
  readonly seed: number
  /** Of each call the chance that it does not come: who makes it is dead. */
  readonly deaths: number
  /** … and that it is followed by another worker's: where that is rare, others are found where they were long ago. */
  readonly turns: number
}

const doing: fc.Arbitrary<Doing> = fc.oneof(
  ...(['append', 'end', 'prune', 'remove', 'remove', 'look'] as const).map((each) => fc.constant(each)),
)

/**
 * The plans that are gone through each time; `full` takes others each time. About one plan in 30,000 has a whole removal between two reads of one look, which then finds an older record of the chain that is gone as the head: nothing
 * can be appended behind it.
 */
export const planSeed: { readonly seed?: number } = process.env['BAILIWICK_FAULTS'] === 'full' ? {} : { seed: 16 }

/** Plans in which chains live, and are removed, again and again. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  workers: fc.array(fc.array(doing, { minLength: 2, maxLength: 8, size: 'max' }), { minLength: 2, maxLength: 5, size: 'max' }),
  seed: fc.integer(),
  deaths: fc.constantFrom(0, 0, 0.01, 0.03),
  turns: fc.constantFrom(0.05, 0.15, 0.5),
})

/** What is known of one life of the chain by those who were answered. */
interface Life {
  /** The how manieth, once it is known that it began. */
  order: number | undefined
  /** The newest record that was answered Done. */
  n: number
  /** Somebody may have removed it. */
  removing: boolean
  /** Somebody was told that it is removed. */
  removed: boolean
}

interface Lives {
  readonly all: Life[]
  /** By nonce what somebody tried to append. */
  readonly tried: Map<string, { readonly n: number; readonly life: Life }>
  /** Who wants to append and is not done: while there is one nobody removes (store-port.ts) … */
  readonly appending: Set<Worker>
  /** … and who removes and has not looked yet what: nobody appends meanwhile. */
  readonly looking: Set<Worker>
}

/** The collection, each call of which comes when it is let. */
export function gated<T extends object = Chains>(chains: T, arrived: (call: () => Promise<void>) => void): T {
  return new Proxy(chains, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'find') return (...asked: unknown[]) => gated(value.apply(target, asked), arrived)
      if (!GATED.has(name)) return value.bind(target)
      return (...asked: unknown[]) =>
        new Promise((resolve, reject) => {
          arrived(async () => {
            await Promise.resolve(value.apply(target, asked)).then(resolve, reject)
          })
        })
    },
  })
}

interface Worker {
  readonly waiting: (() => Promise<void>)[]
  dead: boolean
  done: boolean
}

export const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Runs the plan on a chain that is empty, and looks what is left of it when all that live are done. Fails when somebody is told what can not be. */
export async function liveThrough(chains: Chains, chain: string, plan: Plan): Promise<void> {
  const lives: Lives = { all: [], tried: new Map(), appending: new Set(), looking: new Set() }
  const failures: unknown[] = []
  const workers = plan.workers.map((doings, at) => {
    const worker: Worker = { waiting: [], dead: false, done: false }
    const own = gated(chains, (call) => worker.waiting.push(call))
    const step: Step = (work) => work(own)
    const all = async () => {
      for (const [k, doing] of doings.entries()) await act({ step, chain, worker, lives, nonce: `${at}.${k}` }, doing)
    }
    void all()
      .catch((error: unknown) => failures.push(error))
      .finally(() => {
        worker.done = true
      })
    return worker
  })
  const random = randomOf(plan.seed)
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)]
  for (let worker: Worker | undefined; ; ) {
    await turn()
    if (failures.length > 0) throw failures[0]
    const able = workers.filter(({ dead, waiting }) => !dead && waiting.length > 0)
    if (worker === undefined || !able.includes(worker) || random() < plan.turns) worker = pick(able)
    if (worker === undefined) {
      if (workers.every(({ dead, done }) => dead || done)) break
      continue
    }
    if (random() >= plan.deaths) await worker.waiting.splice(Math.floor(random() * worker.waiting.length), 1)[0]?.()
    else {
      worker.dead = true
      lives.appending.delete(worker)
      lives.looking.delete(worker)
    }
  }
  await expectWhole((work) => work(chains), chain, lives)
}

interface Actor {
  readonly step: Step
  readonly chain: string
  readonly worker: Worker
  readonly lives: Lives
  readonly nonce: string
}

async function act(actor: Actor, doing: Doing): Promise<void> {
  const { step, chain, worker, lives } = actor
  if (doing === 'append' || doing === 'end') {
    lives.appending.add(worker)
    await append(actor, await look(step, chain, lives), doing)
    lives.appending.delete(worker)
    return
  }
  for (;;) {
    const head = await look(step, chain, lives)
    if (doing === 'prune') return pruneChain(step, chain, head?.n ?? 1)
    if (doing === 'look' || head?.document.kind !== 'end') return
    if (lives.appending.size === 0) return remove(actor, head.n)
    while (lives.appending.size > 0) await turn()
  }
}

/** What it finds as it looks is what it removes, however long that takes. */
async function remove({ step, chain, worker, lives }: Actor, n: number): Promise<void> {
  let found: Life | undefined
  lives.looking.add(worker)
  const looking: Step = async (work) => {
    const answer = await step(work)
    if (!lives.looking.delete(worker)) return answer
    const head = answer as FoundHead | undefined
    found = head?.n === n ? lives.tried.get(head.document.nonce ?? '')?.life : undefined
    if (found !== undefined) {
      begin(found, lives)
      found.removing = true
    }
    return answer
  }
  const answer = await removeChain(looking, chain, n)
  if (answer === 'Done' && found !== undefined) found.removed = true
}

/** It is known now that this life began. */
function begin(life: Life, { all }: Lives): number {
  life.order ??= all.push(life) - 1
  return life.order
}

/** The head, which must be what is there: not damaged, not of a life that is over, not older than what was Done before it was asked for. */
async function look(step: Step, chain: string, lives: Lives): Promise<FoundHead | undefined> {
  const last = lives.all.at(-1)
  const before = { ...last }
  const head = await step((chains) => findHead(chains, chain))
  if (head === undefined) {
    if (last !== undefined) expect(last.removing).toBe(true)
    return undefined
  }
  const found = lives.tried.get(head.document.nonce ?? '')
  expect(found?.n).toBe(head.n)
  if (found === undefined) return head
  const order = begin(found.life, lives)
  expect(order).toBeGreaterThanOrEqual((before.order ?? 0) + (before.removed === true ? 1 : 0))
  if (found.life === last) expect(head.n).toBeGreaterThanOrEqual(before.n ?? 0)
  return head
}

async function append({ step, chain, lives, nonce }: Actor, head: FoundHead | undefined, kind: string): Promise<void> {
  const known = lives.tried.get(head?.document.nonce ?? '')?.life
  if (head?.document.kind === 'end' || known?.removing === true || lives.looking.size > 0) return
  const life = known ?? { order: undefined, n: 0, removing: false, removed: false }
  const n = (head?.n ?? 0) + 1
  lives.tried.set(nonce, { n, life })
  const record = { kind, data: {}, ...(kind === 'end' ? { due: 1 } : {}) }
  if ((await begun(step, chain, (chains) => appendRecord(chains, chain, n, nonce, record, '{}'))) !== 'Done') return
  begin(life, lives)
  life.n = Math.max(life.n, n)
}

/** What was Done is there; what was removed is not; and what is left of a removal is no hindrance to a new life. */
async function expectWhole(step: Step, chain: string, lives: Lives): Promise<void> {
  const head = await look(step, chain, lives)
  await finishRemoval(step, chain)
  expect(await look(step, chain, lives)).toEqual(head)
  const [n, nonce] = [(head?.n ?? 0) + 1, 'last']
  expect(await begun(step, chain, (chains) => appendRecord(chains, chain, n, nonce, { kind: 'end', data: {} }, '{}'))).toBe('Done')
  await step(async (chains) => expect(await findHead(chains, chain)).toMatchObject({ n, document: { nonce } }))
  expect(await removeChain(step, chain, n)).toBe('Done')
  expect(await step((chains) => findHead(chains, chain))).toBeUndefined()
}
