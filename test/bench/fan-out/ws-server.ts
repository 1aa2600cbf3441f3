// The usual way: `ws`, one send to each client in one burst at each tick, nothing else.
import { type WebSocket, WebSocketServer } from 'ws'
import { serveCalls } from '../kit/served.ts'
import { type FanOutStart, standInFrame } from './frame.ts'
import { everyTick } from './ticks.ts'

serveCalls({
  async start({ bytes }: FanOutStart): Promise<number> {
    const frame = standInFrame(bytes)
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
    const clients = new Set<WebSocket>()
    server.on('connection', (socket) => {
      socket.on('message', () => {
        clients.add(socket)
      })
      socket.on('close', () => clients.delete(socket))
      socket.on('error', () => socket.terminate())
    })
    await new Promise((resolve) => server.once('listening', resolve))
    everyTick(() => {
      for (const socket of clients) socket.send(frame)
    })
    return (server.address() as { port: number }).port
  },
})
