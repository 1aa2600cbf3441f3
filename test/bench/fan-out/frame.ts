import { FRAME_STATE } from '../../../core/protocol/frame.ts'

/** Bytes that look like a state frame to whoever only counts: the same for all servers without a game. */
export function standInFrame(bytes: number): Uint8Array {
  const frame = Uint8Array.from({ length: bytes }, (_, i) => i)
  frame[0] = FRAME_STATE
  return frame
}

/** How a server without a game is started, by call or, the one in C, by its argument. */
export interface FanOutStart {
  /** Of a frame's payload. */
  readonly bytes: number
}
