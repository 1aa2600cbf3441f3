/** The bytes of unmasked WebSocket frames (as a server sends them), one frame for each payload, in one buffer. */
export function webSocketFrames(opcode: number, payloads: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const payload of payloads) size += headerSize(payload.byteLength) + payload.byteLength
  const bytes = new Uint8Array(size)
  let at = 0
  for (const payload of payloads) {
    at = writeHeader(bytes, at, opcode, payload.byteLength)
    bytes.set(payload, at)
    at += payload.byteLength
  }
  return bytes
}

/** The payload of a close frame; the reason is cut to what a control frame can hold. */
export function closePayload(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason.slice(0, 40))
  const payload = new Uint8Array(2 + text.byteLength)
  new DataView(payload.buffer).setUint16(0, code)
  payload.set(text, 2)
  return payload
}

/** Puts the header of a binary message in front of a payload at `from` … `to`, where at least 10 bytes are free; answers where the frame begins. */
export function prependHeader(bytes: Uint8Array, opcode: number, from: number, to: number): number {
  const start = from - headerSize(to - from)
  writeHeader(bytes, start, opcode, to - from)
  return start
}

function headerSize(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

function writeHeader(bytes: Uint8Array, at: number, opcode: number, length: number): number {
  bytes[at] = 0x80 | opcode
  if (length < 126) {
    bytes[at + 1] = length
    return at + 2
  }
  if (length < 65_536) {
    bytes[at + 1] = 126
    bytes[at + 2] = length >>> 8
    bytes[at + 3] = length & 0xff
    return at + 4
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  bytes[at + 1] = 127
  view.setUint32(at + 2, 0)
  view.setUint32(at + 6, length)
  return at + 10
}
