import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { helloFrame } from '../../../client/load/bailiwick-dialect.ts'
import { CpuMeter } from '../kit/cpu.ts'
import { ended, guard, pinned, SERVER_CORE, startChild, unguard, withLimit } from '../kit/pinned.ts'
import { startLoad } from '../load/start.ts'
import type { FanOutStart } from './frame.ts'

/** `epoll`: the kernel alone, in C. `transport`: ours with no game. `ws`: the usual library in one burst. `game`: all of it. */
export type Kind = 'epoll' | 'transport' | 'ws' | 'game'

export interface Sample {
  readonly kind: Kind
  readonly round: number
  /** Share of a core. */
  readonly core: number
  readonly waited: number
  /** Gap between frames, milliseconds. */
  readonly p99: number
  /** Of the frames due. */
  readonly arrived: number
}

export interface FanOut extends FanOutStart {
  readonly kind: Exclude<Kind, 'game'>
  /** The compiled program. */
  readonly epoll: string
  readonly clients: number
  readonly measureMs: number
}

const START_LIMIT = 20_000
const SETTLE = 2_500
const bounds = { min: { x: 0, y: 0 }, max: { x: 1_000_000, y: 1_000_000 } }

/** One server without a game, filled, measured and ended. */
export async function runFanOut(options: FanOut, round: number): Promise<Sample> {
  const { kind, clients, measureMs } = options
  const server = await startServer(options)
  try {
    const client = { path: '/', hello: helloFrame('bench/fan-out/0', 'none'), start: bounds.min }
    const load = await startLoad({
      side: 'bailiwick',
      meaningless: true,
      port: server.port,
      bounds,
      seed: round,
      clients: Array.from({ length: clients }, () => client),
    })
    try {
      await delay(SETTLE)
      const cpu = new CpuMeter(server.pid)
      const { gaps, arrived, due } = await load.measure(measureMs)
      const { cpu: core, waited } = cpu.stop()
      return { kind, round, core, waited, p99: gaps.p99, arrived: arrived / due }
    } finally {
      await load.end()
    }
  } finally {
    await server.end()
  }
}

interface Server {
  readonly port: number
  readonly pid: number
  end(): Promise<void>
}

async function startServer({ kind, epoll, bytes }: FanOut): Promise<Server> {
  if (kind !== 'epoll') {
    const child = startChild(join(import.meta.dirname, `${kind}-server.ts`), SERVER_CORE)
    const port = await child.call<number>('start', { bytes } satisfies FanOutStart, START_LIMIT)
    return { port, pid: child.pid, end: () => child.end() }
  }
  const [command = '', ...args] = pinned(SERVER_CORE, [epoll, String(bytes)])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  guard(child.pid)
  child.once('exit', () => unguard(child.pid))
  const [line] = await withLimit(once(child.stdout, 'data'), START_LIMIT, 'the C loop')
  return { port: Number(String(line)), pid: child.pid ?? 0, end: () => ended(child) }
}
