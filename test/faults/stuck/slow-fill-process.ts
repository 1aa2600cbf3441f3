// A process that steps two layers: the ticks of one leave a little behind each time, those of the other only make garbage, and more of it. What its memory watch tells goes to the parent.
import { getHeapStatistics } from 'node:v8'
import type { LayerId } from '../../../core/ids.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { inTick } from '../../../zone-server/crash.ts'
import { startMemoryWatch } from '../../../zone-server/watchdog/memory-watch.ts'

export const LEAKS: LayerId = 'game/leaks/0'
export const WASTES: LayerId = 'game/wastes/0'
const WORD = 8
const TICKS_TO_FULL = 400

function words(bytes: number): number[] {
  return new Array<number>(Math.floor(bytes / WORD)).fill(7)
}

if (process.argv[2] === 'fill') {
  process.on('disconnect', () => process.exit(0))
  startMemoryWatch({ ...silentLog, warn: (fields) => void process.send?.(fields) }, 100)
  const step = getHeapStatistics().heap_size_limit / 2 / TICKS_TO_FULL
  const kept: number[][] = []
  let tick = 0
  setInterval(() => {
    tick += 1
    inTick({ layer: LEAKS, tick, replayed: false }, () => kept.push(words(step)))
    inTick({ layer: WASTES, tick, replayed: false }, () => words(step * 3).length)
  }, 20)
}
