import { connect as openSocket } from 'node:net'
import { BailiwickError, describeError } from '../core/errors.ts'
import { LengthPrefixReader, withLength } from '../core/protocol/length-prefix.ts'
import { CLIENT_CONNECT_DEADLINE } from '../core/timing.ts'
import type { Connect, Connection } from './connection.ts'

/** Frames from a host are at most this long, in bytes. */
const MAX_SERVER_FRAME = 4 * 1024 * 1024

/** Length-prefixed frames over plain TCP, for Node alone. The path of an endpoint is for WebSockets and left out. */
export const tcpConnect: Connect = (endpoint, events, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const { host, port } = parseEndpoint(endpoint)
    const socket = openSocket({ host, port, noDelay: true })
    const reader = new LengthPrefixReader(MAX_SERVER_FRAME)
    let phase: 'opening' | 'open' | 'over' = 'opening'
    let failure: unknown
    const timer = setTimeout(() => {
      socket.destroy(new BailiwickError('Timeout', { asked: endpoint, found: `not open after ${CLIENT_CONNECT_DEADLINE} ms` }))
    }, CLIENT_CONNECT_DEADLINE)
    const onAbort = (): void => {
      socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    const connection: Connection = {
      send(frame) {
        if (socket.writable) socket.write(withLength(frame))
      },
      close() {
        phase = 'over'
        socket.destroySoon()
      },
    }
    signal.addEventListener('abort', onAbort)
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    socket.on('error', (error) => {
      failure = error
    })
    socket.on('connect', () => {
      settle()
      phase = 'open'
      resolve(connection)
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) if (phase === 'open') events.onFrame(frame)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(describeError(error)))
      }
    })
    socket.on('close', () => {
      settle()
      const before = phase
      phase = 'over'
      if (before === 'opening') reject(openingError(endpoint, failure, signal))
      if (before === 'open') events.onClose(failure === undefined ? 'closed by the host' : describeError(failure))
    })
  })

function openingError(endpoint: string, failure: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (failure instanceof BailiwickError) return failure
  return new BailiwickError('Unreachable', {
    asked: endpoint,
    found: failure === undefined ? 'closed' : describeError(failure),
    cause: failure,
  })
}

function parseEndpoint(endpoint: string): { host: string; port: number } {
  const match = /^(?:[a-z]+:\/\/)?(?:\[([0-9a-f:.]+)\]|([^/:]+)):(\d{1,5})(?:\/.*)?$/i.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new BailiwickError('InvalidInput', { asked: `endpoint ${endpoint}`, todo: 'write address:port' })
  return { host, port: Number(match?.[3]) }
}
