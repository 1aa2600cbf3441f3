/** Frames of a WebSocket client, also such as no library would write (RFC 6455, section 5.2). */

const MASK = [0x37, 0xfa, 0x21, 0x3d] as const

export interface Made {
  readonly opcode: number
  readonly payload: Uint8Array
  readonly final?: boolean
  readonly masked?: boolean
  readonly reserved?: number
  /** Writes the length in so many bytes more than needed. */
  readonly lengthBytes?: 2 | 8
}

export function frame({ opcode, payload, final = true, masked = true, reserved = 0, lengthBytes }: Made): Uint8Array {
  const length = payload.byteLength
  const width = lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8)
  const bytes = new Uint8Array(2 + width + (masked ? 4 : 0) + length)
  const view = new DataView(bytes.buffer)
  bytes[0] = (final ? 0x80 : 0) | reserved | opcode
  bytes[1] = (masked ? 0x80 : 0) | (width === 0 ? length : width === 2 ? 126 : 127)
  if (width === 2) view.setUint16(2, length)
  if (width === 8) view.setUint32(6, length)
  let at = 2 + width
  if (masked) for (const byte of MASK) bytes[at++] = byte
  payload.forEach((byte, i) => {
    bytes[at + i] = masked ? byte ^ (MASK[i % 4] ?? 0) : byte
  })
  return bytes
}
