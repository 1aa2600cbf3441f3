import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, OPCODE, type ReaderSink } from '../../../zone-server/transport/frame-reader.ts'
import { TokenBucket } from '../../../zone-server/transport/token-bucket.ts'
import { frame, type Made } from './raw-frames.ts'

const LIMIT = 1_000
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const closing = (code: number, reason: Uint8Array = text('')): Uint8Array => Uint8Array.from([code >> 8, code & 0xff, ...reason])

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** The bytes cut at random places. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((to, i) => bytes.slice(places[i], to))
}

type Heard =
  | { readonly kind: 'message' | 'ping'; readonly payload: Uint8Array }
  | { readonly kind: 'pong' }
  | { readonly kind: 'close'; readonly code: number | undefined }
  | { readonly kind: 'error'; readonly code: number; readonly reason: string }

/** Reads the chunks through one buffer that is used again, as a connection does. */
function read(chunks: readonly Uint8Array[], atMost = Number.POSITIVE_INFINITY): Heard[] {
  const heard: Heard[] = []
  const sink: ReaderSink = {
    message: (bytes, from, to) => heard.push({ kind: 'message', payload: bytes.slice(from, to) }),
    ping: (payload) => heard.push({ kind: 'ping', payload: payload.slice() }),
    pong: () => heard.push({ kind: 'pong' }),
    close: (code) => heard.push({ kind: 'close', code }),
    error: (code, reason) => heard.push({ kind: 'error', code, reason }),
  }
  let left = atMost
  const reader = new FrameReader(LIMIT, sink, () => left-- > 0)
  const buffer = new Uint8Array(chunks.reduce((most, { byteLength }) => Math.max(most, byteLength), 0))
  for (const chunk of chunks) {
    buffer.set(chunk)
    reader.push(buffer, chunk.byteLength)
  }
  return heard
}

it('one frame too many, of whatever kind, is the last thing that is read', () => {
  const frames = [
    frame({ opcode: OPCODE.binary, payload: bytesOf(1) }),
    frame({ opcode: OPCODE.ping, payload: bytesOf(2) }),
    frame({ opcode: OPCODE.pong, payload: bytesOf(0) }),
  ]
  for (let atMost = 0; atMost < 3; atMost++) {
    const heard = read([concat([...frames, ...frames])], atMost)
    expect(heard.map(({ kind }) => kind)).toEqual([...['message', 'ping', 'pong'].slice(0, atMost), 'error'])
    expect(heard.at(-1)).toMatchObject({ code: 1008 })
  }
})

describe('what is refused, with its close code', () => {
  const cases: readonly (readonly [string, readonly Made[], number])[] = [
    ['no mask', [{ opcode: OPCODE.binary, payload: bytesOf(3), masked: false }], 1002],
    ['a reserved bit', [{ opcode: OPCODE.binary, payload: bytesOf(3), reserved: 0x40 }], 1002],
    ['text', [{ opcode: OPCODE.text, payload: text('hello') }], 1003],
    ['an unknown data opcode', [{ opcode: 3, payload: bytesOf(1) }], 1002],
    ['an unknown control opcode', [{ opcode: 11, payload: bytesOf(1) }], 1002],
    ['a control frame in fragments', [{ opcode: OPCODE.ping, payload: bytesOf(1), final: false }], 1002],
    ['a long control frame', [{ opcode: OPCODE.ping, payload: bytesOf(126) }], 1002],
    ['a continuation of nothing', [{ opcode: OPCODE.continuation, payload: bytesOf(1) }], 1002],
    [
      'a message within a message',
      [
        { opcode: OPCODE.binary, payload: bytesOf(1), final: false },
        { opcode: OPCODE.binary, payload: bytesOf(1) },
      ],
      1002,
    ],
    ['a message over the limit', [{ opcode: OPCODE.binary, payload: bytesOf(LIMIT + 1) }], 1009],
    [
      'fragments over the limit together',
      [
        { opcode: OPCODE.binary, payload: bytesOf(600), final: false },
        { opcode: OPCODE.continuation, payload: bytesOf(600) },
      ],
      1009,
    ],
    ['a length of two bytes where one will do', [{ opcode: OPCODE.binary, payload: bytesOf(5), lengthBytes: 2 }], 1002],
    ['a length of eight bytes where two will do', [{ opcode: OPCODE.binary, payload: bytesOf(200), lengthBytes: 8 }], 1002],
    ['a close of one byte', [{ opcode: OPCODE.close, payload: bytesOf(1) }], 1002],
    ['a close code that may not be sent', [{ opcode: OPCODE.close, payload: closing(1006) }], 1002],
    ['a close code out of range', [{ opcode: OPCODE.close, payload: closing(999) }], 1002],
    ['a close reason that is no UTF-8', [{ opcode: OPCODE.close, payload: closing(1000, Uint8Array.of(0xc3, 0x28)) }], 1007],
  ]
  for (const [name, frames, code] of cases) {
    it(name, () => {
      const events = read([concat(frames.map(frame)), frame({ opcode: OPCODE.binary, payload: bytesOf(1) })])
      expect(events).toHaveLength(1)
      expect(events[0]).toMatchObject({ kind: 'error', code })
    })
  }

  it('a huge length, before its payload is sent', () => {
    expect(read([Uint8Array.of(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4)])).toMatchObject([
      { kind: 'error', code: 1009 },
    ])
  })
})

describe('what is read', () => {
  it('a close, and nothing after it', () => {
    expect(
      read([frame({ opcode: OPCODE.close, payload: closing(4001, text('bye')) }), frame({ opcode: OPCODE.binary, payload: bytesOf(1) })]),
    ).toEqual([{ kind: 'close', code: 4001 }])
    expect(read([frame({ opcode: OPCODE.close, payload: bytesOf(0) })])).toEqual([{ kind: 'close', code: undefined }])
  })

  it('the same messages and pings whatever the fragments and chunks', () => {
    const message = fc.record({
      payload: fc.uint8Array({ maxLength: LIMIT }),
      cuts: fc.array(fc.nat(), { maxLength: 4 }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 })),
    })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 30 }), (messages, cuts) => {
        const frames: Uint8Array[] = []
        const expected: Heard[] = []
        for (const { payload, cuts: fragmentCuts, ping } of messages) {
          const fragments = cut(payload, fragmentCuts)
          fragments.forEach((fragment, i) => {
            const last = i === fragments.length - 1
            frames.push(frame({ opcode: i === 0 ? OPCODE.binary : OPCODE.continuation, payload: fragment, final: last }))
            // A control frame may stand between fragments.
            if (i === 0 && ping !== null) {
              frames.push(frame({ opcode: OPCODE.ping, payload: ping }))
              if (!last) expected.push({ kind: 'ping', payload: ping })
            }
            if (last) expected.push({ kind: 'message', payload })
            if (last && i === 0 && ping !== null) expected.push({ kind: 'ping', payload: ping })
          })
        }
        expect(read(cut(concat(frames), cuts))).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })

  it('any bytes: no throw, at most one error and nothing after it, no message over the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (chunks) => {
        const events = read(chunks)
        const end = events.findIndex(({ kind }) => kind === 'error' || kind === 'close')
        expect(end === -1 || end === events.length - 1).toBe(true)
        for (const event of events) if (event.kind === 'message') expect(event.payload.byteLength).toBeLessThanOrEqual(LIMIT)
      }),
      { numRuns: 500 },
    )
  })
})

describe('token bucket', () => {
  it('lets the burst through at once, then the rate', () => {
    const bucket = new TokenBucket(30, 60, 0)
    const let_through = (now: number, tries: number) => Array.from({ length: tries }, () => bucket.take(now)).filter(Boolean).length
    expect([let_through(0, 100), let_through(1_000, 100), let_through(500, 10), let_through(100_000, 100)]).toEqual([60, 30, 0, 60])
  })
})
