import { BailiwickError, describeError } from '../core/errors.ts'
import { CLIENT_CONNECT_DEADLINE } from '../core/timing.ts'

/** One open connection to a host. Frames are whole; `close` is silent: `onClose` is not called after it. */
export interface Connection {
  send(frame: Uint8Array): void
  close(): void
}

export interface ConnectionEvents {
  onFrame(frame: Uint8Array): void
  /** The connection is gone, and why as far as it is known. Called at most once. */
  onClose(reason: string): void
}

/** Opens a connection to `address:port` or `address:port/path`. Rejects with Unreachable or Timeout, or the signal's reason. */
export type Connect = (endpoint: string, events: ConnectionEvents, signal: AbortSignal) => Promise<Connection>

/** Frames as binary messages of a WebSocket: in browsers and Node alike. An endpoint with a scheme of its own is taken as it is. */
export function webSocketConnect(WebSocketClass: typeof WebSocket): Connect {
  return (endpoint, events, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const url = endpoint.includes('://') ? endpoint : `ws://${endpoint}`
      const socket = new WebSocketClass(url)
      socket.binaryType = 'arraybuffer'
      let phase: 'opening' | 'open' | 'over' = 'opening'
      const failOpening = (error: unknown): void => {
        if (phase !== 'opening') return
        phase = 'over'
        settle()
        socket.close()
        reject(error)
      }
      const onAbort = (): void => failOpening(signal.reason)
      const timer = setTimeout(() => {
        failOpening(new BailiwickError('Timeout', { asked: url, found: `not open after ${CLIENT_CONNECT_DEADLINE} ms` }))
      }, CLIENT_CONNECT_DEADLINE)
      const settle = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      signal.addEventListener('abort', onAbort)
      socket.addEventListener('open', () => {
        if (phase !== 'opening') return
        phase = 'open'
        settle()
        resolve(
          connectionOver(socket, () => {
            phase = 'over'
          }),
        )
      })
      socket.addEventListener('message', ({ data }) => {
        if (phase === 'open' && data instanceof ArrayBuffer) events.onFrame(new Uint8Array(data))
      })
      socket.addEventListener('close', ({ code, reason }) => {
        failOpening(new BailiwickError('Unreachable', { asked: url, found: `closed with code ${code} before it was open` }))
        if (phase !== 'open') return
        phase = 'over'
        events.onClose(reason === '' ? `closed with code ${code}` : `closed with code ${code}: ${reason}`)
      })
      // A close event follows every error event; it says the rest.
      socket.addEventListener('error', () => {
        failOpening(new BailiwickError('Unreachable', { asked: url, found: 'the connection failed' }))
      })
    })
}

function connectionOver(socket: WebSocket, onClosed: () => void): Connection {
  return {
    send(frame) {
      // A socket that is closing drops what is sent; its close event follows.
      if (socket.readyState === socket.OPEN) socket.send(new Uint8Array(frame))
    },
    close() {
      onClosed()
      socket.close()
    },
  }
}

/** The first of the endpoints that opens, tried in order. Throws the last one's error. */
export async function connectToAny(
  connect: Connect,
  endpoints: readonly string[],
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  let failure: unknown = new BailiwickError('Unreachable', { found: 'a layer without endpoints' })
  for (const endpoint of endpoints) {
    try {
      return await connect(endpoint, events, signal)
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
  }
  throw failure instanceof BailiwickError ? failure : new BailiwickError('Unreachable', { found: describeError(failure), cause: failure })
}
