// Our transport with no game behind: the listener, the sending spread over the tick, one write for each client and tick.
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { HEADROOM } from '../../../zone-server/seat.ts'
import { GROUPS, Spread } from '../../../zone-server/spread.ts'
import type { Connection } from '../../../zone-server/transport/connection.ts'
import { listen } from '../../../zone-server/transport/listener.ts'
import { serveCalls } from '../kit/served.ts'
import { TICK_RATE } from '../kit/world.ts'
import { type FanOutStart, standInFrame } from './frame.ts'
import { everyTick } from './ticks.ts'

serveCalls({
  async start({ bytes }: FanOutStart): Promise<number> {
    const groups: Connection[][] = Array.from({ length: GROUPS }, () => [])
    let next = 0
    const listener = await listen({
      ...{ port: 0, host: '127.0.0.1', log: silentLog },
      onConnection(connection) {
        let seated = false
        return {
          frame() {
            if (seated) return
            seated = true
            groups[next++ % GROUPS]?.push(connection)
          },
          late: () => undefined,
          broken: () => undefined,
          closed: () => undefined,
        }
      },
    })
    const frame = standInFrame(bytes)
    const fresh = (): Buffer => Buffer.concat([Buffer.alloc(HEADROOM), frame])
    let buffer = fresh()
    const send = (_tick: number, group: number): void => {
      for (const connection of groups[group] ?? []) {
        if (connection.ready && connection.sendInPlace(buffer, HEADROOM, HEADROOM + bytes)) buffer = fresh()
      }
    }
    const spread = new Spread<number>(systemClock, send, () => undefined)
    everyTick(() => spread.release(0, GROUPS, 1_000 / TICK_RATE))
    return listener.port
  },
})
