import { decodeStateFrame } from '../../../core/protocol/state-frame.ts'

/** The header of a WebSocket frame: 2 bytes, 4 from 126 bytes of payload on. */
const headerOf = (payload: number): number => (payload < 126 ? 2 : 4)

/** Bytes written to the socket for each entity that state frames (in hexadecimal) update, frame headers included; undefined when they update none. */
export function updatesIn(samples: readonly string[]): number | undefined {
  let bytes = 0
  let updates = 0
  for (const sample of samples) {
    const frame = Buffer.from(sample, 'hex')
    bytes += frame.byteLength + headerOf(frame.byteLength)
    updates += decodeStateFrame(frame).updates.length
  }
  return updates === 0 ? undefined : bytes / updates
}
