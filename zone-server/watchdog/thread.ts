// The thread that watches the steps of the other one: watchdog.ts starts it.
import { readFileSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { describeError } from '../../core/errors.ts'
import { STEP_LIMIT, STEP_WATCH_EVERY } from '../../core/timing.ts'
import { createLog } from '../../platform/log/index.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { firstLook, isStuck, type StepLook } from './decide-stuck.ts'
import { type MarkedStep, StepMark } from './step-mark.ts'
import type { WatchdogData } from './watchdog.ts'

const { memory, redisUrl, heapLimit }: WatchdogData = workerData
const log = createLog({ name: 'zone-server' })
const mark = new StepMark(memory)
let since: StepLook | undefined

let failing = false

const timer = setInterval(() => {
  const step = mark.read()
  const now = step && look(step)
  since = firstLook(since, now)
  if (step === undefined || !isStuck(since, now, heapLimit)) return
  clearInterval(timer)
  void end(step)
}, STEP_WATCH_EVERY)

/** Undefined: what a look reads could not be read this time. */
function look({ sequence }: MarkedStep): StepLook | undefined {
  try {
    return { sequence, usedMs: mainThreadMs(), memory: process.memoryUsage.rss() }
  } catch (error) {
    if (!failing) log.error({ detail: describeError(error) }, 'it can not be seen whether ticks end')
    failing = true
    return undefined
  }
}

/** Processor time of the process's first thread, whose number is the process's. Read only while a step is under way. */
function mainThreadMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
}

async function end(step: MarkedStep): Promise<void> {
  const { layer, tick, replayed } = step
  log.error({ layer, tick, replayed, host: step.host, limitMs: STEP_LIMIT }, 'a tick of a layer does not end: this host ends itself')
  try {
    await tell(step)
  } catch (error) {
    log.error({ layer, tick, detail: describeError(error) }, 'the index was not told of a tick that does not end')
  }
  process.kill(process.pid, 'SIGKILL')
}

/** As its host would, if it could. */
async function tell({ fleet, host, layer, tick, replayed }: MarkedStep): Promise<void> {
  const index = createRedisIndex({ url: redisUrl, log })
  const { host: holder, generation } = await index.getLayer(fleet, layer)
  if (holder !== host) return
  const reason = `LayerCrashed: tick ${tick} did not end within ${STEP_LIMIT} ms of processor time, or filled the memory`
  await index.failLayer(fleet, layer, host, generation, reason, { tick, replayed })
}
