import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CrowdReport } from '../../../client/load/crowd.ts'
import { LOAD_JOIN_LIMIT } from '../../../core/timing.ts'
import { compile } from '../kit/compile.ts'
import { ended, guard, OTHER_CORE, pinned, unguard, withLimit } from '../kit/pinned.ts'
import { CELL, TICK_RATE } from '../kit/world.ts'
import type { Load, LoadStart } from './load.ts'
import { updatesIn } from './updates.ts'

type Report = Omit<CrowdReport, 'missedTicks' | 'bytesPerUpdate'> & { readonly missedTicks?: number; readonly samples: readonly string[] }

const sources = ['crowd.c', 'client.c'].map((file) => join(import.meta.dirname, file))
const ANSWER_LIMIT = 15_000
let program: string | undefined | null = null

/** A crowd driven by the C generator, all clients in; undefined when there is no compiler. Throws why a client did not get in. */
export async function startCLoad(start: LoadStart): Promise<Load | undefined> {
  if (program === null) program = compile('crowd', sources)
  if (program === undefined) return undefined
  const [command, ...args] = pinned(OTHER_CORE, [program])
  const child = spawn(command ?? program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  guard(child.pid)
  child.once('exit', () => unguard(child.pid))
  const lines = createInterface({ input: child.stdout })
  const ask = (text: string, limitMs: number): Promise<string> => withLimit(answer(child, lines, text), limitMs, 'the load generator')
  try {
    const first = await ask(description(start), LOAD_JOIN_LIMIT + ANSWER_LIMIT)
    if (first !== 'joined') throw new Error(first)
  } catch (error) {
    await ended(child)
    throw error
  }
  return {
    by: 'c',
    async measure(ms) {
      const { samples, missedTicks, ...report } = JSON.parse(await ask(`measure ${ms}\n`, ms + ANSWER_LIMIT)) as Report
      const bytesPerUpdate = start.side === 'bailiwick' && !start.meaningless ? updatesIn(samples) : undefined
      return { ...report, missedTicks, bytesPerUpdate }
    },
    end: () => ended(child),
  }
}

async function answer(child: ChildProcess, lines: ReturnType<typeof createInterface>, text: string): Promise<string> {
  const over = new AbortController()
  const { signal } = over
  const gone = once(child, 'exit', { signal }).then(() => Promise.reject(new Error('the load generator ended')))
  const line = once(lines, 'line', { signal }).then(([found]) => String(found))
  gone.catch(() => undefined)
  try {
    child.stdin?.write(text)
    return await Promise.race([line, gone])
  } finally {
    over.abort()
  }
}

function description({ side, port, bounds, clients }: LoadStart): string {
  const { min, max } = bounds
  const lines = [`${side} 127.0.0.1 ${port} ${clients.length} ${min.x} ${min.y} ${max.x} ${max.y} ${CELL} ${TICK_RATE}`]
  for (const { start, path, hello } of clients) {
    lines.push(`${start.x} ${start.y} ${path} ${hello === undefined ? '-' : Buffer.from(hello).toString('hex')}`)
  }
  return `${lines.join('\n')}\n`
}
