import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BailiwickError } from '../errors.ts'
import { type ClientMessage, ClientMessageSchema, type ServerMessage, ServerMessageSchema } from './generated/bailiwick_pb.js'

export type { ClientMessage, ServerMessage } from './generated/bailiwick_pb.js'

export const PROTOCOL_VERSION = 2
/** The first byte of a frame. */
export const FRAME_MESSAGE = 1
export const FRAME_STATE = 2
/** Frames from clients are at most this long, in bytes. */
export const MAX_CLIENT_FRAME = 16 * 1024
/** A client may send so many messages a second after its hello, and so many at once; hosts do not look at what comes faster. */
export const INPUT_RATE = 30
export const INPUT_BURST = 60
/** Chat texts are at most so many characters. */
export const MAX_TEXT = 300

/** The frame (kind byte and payload) of a message from a client. */
export function encodeClientMessage(message: MessageInitShape<typeof ClientMessageSchema>): Uint8Array {
  return prefixed(toBinary(ClientMessageSchema, create(ClientMessageSchema, message)))
}

/** The frame of a message to a client. */
export function encodeServerMessage(message: MessageInitShape<typeof ServerMessageSchema>): Uint8Array {
  return prefixed(toBinary(ServerMessageSchema, create(ServerMessageSchema, message)))
}

/** Reads a client's frame. Throws FrameTooLarge or FrameInvalid; never anything else, whatever the bytes. */
export function decodeClientFrame(frame: Uint8Array): ClientMessage {
  if (frame.byteLength > MAX_CLIENT_FRAME) {
    throw new BailiwickError('FrameTooLarge', { found: `${frame.byteLength} bytes`, todo: `send at most ${MAX_CLIENT_FRAME} bytes` })
  }
  if (frame[0] !== FRAME_MESSAGE) {
    throw new BailiwickError('FrameInvalid', {
      found: `first byte ${frame[0] ?? 'none'}`,
      todo: `the first byte of a client's frame is ${FRAME_MESSAGE}`,
    })
  }
  let message: ClientMessage
  try {
    message = fromBinary(ClientMessageSchema, frame.subarray(1))
  } catch (cause) {
    throw new BailiwickError('FrameInvalid', { found: 'bytes that are no ClientMessage', todo: 'encode it as bailiwick.proto says', cause })
  }
  if (message.body.case === undefined)
    throw new BailiwickError('FrameInvalid', { found: 'a ClientMessage without a body', todo: 'set one of its messages' })
  return message
}

/** Reads a message frame to a client, whatever its first byte. Throws FrameInvalid. */
export function decodeServerMessage(frame: Uint8Array): ServerMessage {
  return decodeServerPayload(frame.subarray(1))
}

/** Reads a message to a client without the first byte of a frame, as it stands in a state frame. Throws FrameInvalid. */
export function decodeServerPayload(payload: Uint8Array): ServerMessage {
  try {
    return fromBinary(ServerMessageSchema, payload)
  } catch (cause) {
    throw new BailiwickError('FrameInvalid', { found: 'bytes that are no ServerMessage', cause })
  }
}

function prefixed(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(payload.byteLength + 1)
  frame[0] = FRAME_MESSAGE
  frame.set(payload, 1)
  return frame
}
