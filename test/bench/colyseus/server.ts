// The other server of bench:crowd, alone on the same core.
import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Server } from '@colyseus/core'
import { Encoder } from '@colyseus/schema'
import { WebSocketTransport } from '@colyseus/ws-transport'
import { serveCalls } from '../kit/served.ts'
import type { ServerStart, ServerStarted, ServerUse } from '../kit/side.ts'
import { reserveSeats } from './dialect.ts'
import { CrowdRoom, setSide } from './room.ts'

const loop = monitorEventLoopDelay({ resolution: 1 })
// What the library itself advises when a state outgrows its first buffer.
Encoder.BUFFER_SIZE = 256 * 1024

serveCalls({
  async start({ game }: ServerStart): Promise<ServerStarted> {
    setSide(game.bounds.max.x * 1_000)
    const http = createServer()
    const server = new Server({ transport: new WebSocketTransport({ server: http }), greet: false, gracefullyShutdown: false })
    server.define('crowd', CrowdRoom)
    await server.listen(0, '127.0.0.1')
    const address = http.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return { port: address.port, doors: await reserveSeats(address.port, game) }
  },
  begin(): void {
    loop.enable()
    loop.reset()
  },
  end(): ServerUse {
    loop.disable()
    return { loopP99: loop.percentile(99) / 1e6, loopMax: loop.max / 1e6, memory: process.memoryUsage.rss() }
  },
})
