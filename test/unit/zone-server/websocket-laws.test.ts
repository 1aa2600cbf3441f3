import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import { MAX_CLIENT_FRAME } from '../../../core/protocol/frame.ts'
import { type Listener, listen } from '../../../zone-server/transport/listener.ts'
import { extent } from '../../faults/extent.ts'
import { frame } from './raw-frames.ts'
import { WireClient, type WireOptions } from './websocket-client.ts'

/** The listener as it is used, and `ws` as the client, over its whole range of frames. `BAILIWICK_FAULTS=full` plays many more; a failure prints its seed. */
const RUNS = extent({ quick: 15, usual: 15, full: 3_000 })

vi.setConfig({ testTimeout: 60_000 * Math.max(1, RUNS / 300) })

let listener: Listener
let broken: string[] = []
let ends = 0

beforeAll(async () => {
  listener = await listen({
    port: 0,
    host: '127.0.0.1',
    log: silentLog,
    onConnection: (connection) => ({
      frame: (bytes, from, to) => connection.send([bytes.slice(from, to)]),
      late: () => connection.close(1008, 'late'),
      broken: (reason) => broken.push(reason),
      closed: () => ends++,
    }),
  })
})

afterAll(() => listener.close())

beforeEach(() => {
  broken = []
  ends = 0
})

interface Control {
  readonly ping: boolean
  readonly length: number
}

/** A message in its fragments, with control frames behind each of them. */
type Message = readonly { readonly length: number; readonly controls: readonly Control[] }[]

const length = fc.constantFrom(0, 1, 2, 7, 125, 126, 127, 1_000, 4_095, 4_096)
const control: fc.Arbitrary<Control> = fc.record({ ping: fc.boolean(), length: fc.constantFrom(0, 1, 124, 125) })
const fragment = (size: fc.Arbitrary<number>) => fc.record({ length: size, controls: fc.array(control, { maxLength: 2 }) })
const message: fc.Arbitrary<Message> = fc.oneof(
  { weight: 4, arbitrary: fc.array(fragment(length), { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(fragment(fc.constantFrom(MAX_CLIENT_FRAME - 1, MAX_CLIENT_FRAME)), { minLength: 1, maxLength: 1 }) },
)
const wire: fc.Arbitrary<WireOptions> = fc.record({
  piece: fc.constantFrom(0, 0, 1, 3, 1_000),
  deflate: fc.boolean(),
  mask: fc.option(fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }), { nil: undefined }),
})
/** Codes that may stand in a close frame and that `ws` sends; undefined: none at all. */
const closing = fc.oneof(
  fc.constantFrom(undefined, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014),
  fc.integer({ min: 3_000, max: 4_999 }),
)

function bytesOf(count: number, salt: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: count }, (_, i) => (i * 31 + salt) & 0xff))
}

/** Sends the message, and answers what must come back of it. */
function send(client: WireClient, parts: Message, salt: number): { whole: Buffer; pings: readonly Buffer[] } {
  const pings: Buffer[] = []
  const whole: Buffer[] = []
  for (const [i, part] of parts.entries()) {
    const payload = bytesOf(part.length, salt + i)
    whole.push(payload)
    client.socket.send(payload, { binary: true, fin: i === parts.length - 1 })
    for (const { ping, length: size } of part.controls) {
      const echoed = bytesOf(size, salt + i + 1)
      if (ping) {
        client.socket.ping(echoed)
        pings.push(echoed)
      } else client.socket.pong(echoed)
    }
  }
  return { whole: Buffer.concat(whole), pings }
}

describe('ws as the client', () => {
  it('whatever it sends comes back, in order and whole; each ping is answered with its payload, each close with its code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 5 }), wire, closing, async (messages, options, code) => {
        const before = ends
        // Piece by piece a large one takes a turn of the event loop a byte.
        const slow = options.piece > 0 && options.piece < 100
        const sent = slow ? messages.filter((parts) => parts.every((part) => part.length <= 127)) : messages
        const client = await WireClient.open(listener.port, options)
        const expected = sent.map((parts, i) => send(client, parts, i * 10))
        const pings = expected.flatMap((one) => one.pings)
        await client.until(() => client.messages.length >= sent.length && client.pongs.length >= pings.length)
        expect(client.messages.map((data) => data.toString('hex'))).toEqual(expected.map(({ whole }) => whole.toString('hex')))
        expect(client.pongs).toEqual(pings)
        client.socket.close(code, code === undefined ? undefined : 'the end ✓')
        expect(await client.closed).toBe(code ?? 1000)
        await client.until(() => ends > before)
        expect(broken).toEqual([])
      }),
      { numRuns: RUNS },
    )
  })
})

/** Bytes that are no frame, or none that may come now; `within`: in the middle of a message. */
interface Fault {
  readonly name: string
  readonly bytes: Uint8Array
  readonly within?: boolean
  readonly code: number
}

const binary = 2
const none = new Uint8Array(0)
const close = (code: number, reason: Uint8Array = none): Uint8Array =>
  frame({ opcode: 8, payload: Uint8Array.of(code >> 8, code & 0xff, ...reason) })
/** A header that announces so many bytes, and nothing behind it. */
const announced = (count: bigint): Uint8Array => {
  const header = Buffer.alloc(14)
  header[0] = 0x82
  header[1] = 0xff
  header.writeBigUInt64BE(count, 2)
  return header
}

const faults: readonly Fault[] = [
  ...[0x40, 0x20, 0x10, 0x70].map((reserved) => ({
    name: `reserved bits ${reserved}`,
    bytes: frame({ opcode: binary, payload: none, reserved }),
    code: 1002,
  })),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    name: `opcode ${opcode}`,
    bytes: frame({ opcode, payload: none }),
    code: 1002,
  })),
  { name: 'no mask', bytes: frame({ opcode: binary, payload: Uint8Array.of(1), masked: false }), code: 1002 },
  { name: 'text', bytes: frame({ opcode: 1, payload: Buffer.from('hello') }), code: 1003 },
  { name: 'the beginning of a text', bytes: frame({ opcode: 1, payload: none, final: false }), code: 1003 },
  { name: 'a ping in fragments', bytes: frame({ opcode: 9, payload: none, final: false }), code: 1002 },
  { name: 'a close in fragments', bytes: frame({ opcode: 8, payload: none, final: false }), code: 1002 },
  { name: 'a ping of 126 bytes', bytes: frame({ opcode: 9, payload: new Uint8Array(126) }), code: 1002 },
  { name: 'a continuation of nothing', bytes: frame({ opcode: 0, payload: none }), code: 1002 },
  { name: 'a message within a message', bytes: frame({ opcode: binary, payload: none }), within: true, code: 1002 },
  { name: 'text within a message', bytes: frame({ opcode: 1, payload: none }), within: true, code: 1003 },
  { name: '125 in two bytes', bytes: frame({ opcode: binary, payload: new Uint8Array(125), lengthBytes: 2 }), code: 1002 },
  { name: '125 in eight bytes', bytes: frame({ opcode: binary, payload: new Uint8Array(125), lengthBytes: 8 }), code: 1002 },
  ...[MAX_CLIENT_FRAME + 1, 65_535, 65_536].map((size) => ({
    name: `${size} bytes`,
    bytes: frame({ opcode: binary, payload: new Uint8Array(size) }),
    code: 1009,
  })),
  ...[2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map((size) => ({
    name: `${size} bytes, announced`,
    bytes: announced(size),
    code: 1009,
  })),
  {
    name: 'a fragment too much',
    bytes: frame({ opcode: 0, payload: new Uint8Array(MAX_CLIENT_FRAME), final: false }),
    within: true,
    code: 1009,
  },
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2_999, 5_000, 65_535].map((code) => ({
    name: `close code ${code}`,
    bytes: close(code),
    code: 1002,
  })),
  { name: 'half a close code', bytes: frame({ opcode: 8, payload: Uint8Array.of(3) }), code: 1002 },
  { name: 'a close reason that is no text', bytes: close(1000, Uint8Array.of(0xc3, 0x28)), code: 1007 },
]

describe('what no client may send', () => {
  it.each(faults)('$name: closed with $code, whatever came before and however it came, and nobody else notices', async (fault) => {
    const other = await WireClient.open(listener.port, { piece: 0, deflate: false })
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 1 }), fc.constantFrom(0, 1_000), async (messages, piece) => {
        broken = []
        const client = await WireClient.open(listener.port, { piece, deflate: false })
        const expected = messages.map((parts, i) => send(client, parts, i))
        if (fault.within === true) client.socket.send(Uint8Array.of(1), { binary: true, fin: false })
        client.wire.write(fault.bytes)
        expect(await client.closed).toBe(fault.code)
        expect(client.messages.map((data) => data.byteLength)).toEqual(expected.map(({ whole }) => whole.byteLength))
        expect(broken).toEqual([fault.code === 1009 ? 'FrameTooLarge' : 'FrameInvalid'])
        const heard = other.messages.length
        other.socket.send(Uint8Array.of(7))
        await other.until(() => other.messages.length > heard)
        expect(other.messages.at(-1)).toEqual(Buffer.of(7))
      }),
      { numRuns: Math.max(2, Math.ceil(RUNS / 40)) },
    )
    other.end()
  })

  it('a client that begins a message and never ends it is kept in no more than the longest message', async () => {
    const client = await WireClient.open(listener.port, { piece: 0, deflate: false })
    client.socket.send(new Uint8Array(0), { binary: true, fin: false })
    const part = frame({ opcode: 0, payload: new Uint8Array(1_024), final: false })
    for (let i = 0; i < MAX_CLIENT_FRAME / 1_024; i++) client.wire.write(part)
    // Up to here it is a message that may still end.
    const pong = client.pongs.length
    client.socket.ping()
    await client.until(() => client.pongs.length > pong)
    expect(broken).toEqual([])
    client.wire.write(part)
    expect(await client.closed).toBe(1009)
  })

  it('a client that pings and never reads the answers is cut', async () => {
    const client = await WireClient.open(listener.port, { piece: 0, deflate: false })
    client.socket.pause()
    const before = ends
    const pings = Buffer.concat(Array.from({ length: 500 }, () => frame({ opcode: 9, payload: new Uint8Array(125) })))
    while (ends === before && !client.wire.destroyed) {
      if (!client.wire.write(pings)) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    while (ends === before) await new Promise((resolve) => setTimeout(resolve, 1))
    client.end()
  })
})
