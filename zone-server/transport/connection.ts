/** Close codes of RFC 6455 that are used. Plain TCP has none: there a connection just ends. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidText: 1007,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
} as const

/** So much may wait for a client that does not read, in bytes; past it the connection is cut. */
export const MAX_BUFFERED = 1024 * 1024

/** A client's connection, WebSocket or plain TCP: whole frames in, whole frames out. */
export interface Connection {
  readonly kind: 'websocket' | 'tcp'
  /** The peer's address, without port. */
  readonly address: string
  /** Sends frames, all in one write. After the end nothing happens; more than MAX_BUFFERED waiting cuts the connection. */
  send(frames: readonly Uint8Array[]): void
  /** False while bytes that were sent before still wait for the socket to take them, and after the end. */
  readonly ready: boolean
  /**
   * Sends the frame at `from` … `to`; the 16 bytes before it may be written over. Answers true when the bytes are still needed after the call: then the buffer must not be
   * used again.
   */
  sendInPlace(buffer: Buffer, from: number, to: number): boolean
  /** Its client was let in: from now on it goes for no other connection. */
  keep(): void
  /** Ends it after what was sent before. A second call does nothing. */
  close(code: number, reason: string): void
}

/** What a connection tells its owner. */
export interface ConnectionHandler {
  /** A whole frame, at `from` … `to`: valid during the call only. */
  frame(bytes: Uint8Array, from: number, to: number): void
  /** No frame came within HELLO_DEADLINE: the owner says so and closes. */
  late(): void
  /** What came was no frame, or one too many: the owner says so; the connection ends after it. */
  broken(reason: BrokenReason, detail: string): void
  /** It is over; called exactly once, last. */
  closed(): void
}

export type BrokenReason = 'FrameInvalid' | 'FrameTooLarge' | 'TooManyRequests'
