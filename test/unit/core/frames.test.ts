import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import { CELL_CM } from '../../../core/protocol/cells.ts'
import {
  decodeClientFrame,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
  MAX_CLIENT_FRAME,
} from '../../../core/protocol/frame.ts'
import { type MoveFrame, readMove } from '../../../core/protocol/move-frame.ts'
import { decodeStateFrame, encodeStateFrame, type StateFrame } from '../../../core/protocol/state-frame.ts'

/** The test vectors of the documentation, as another language would read them. */
function vectors(): { frame: StateFrame; hex: string }[] {
  const text = readFileSync(new URL('../../../core/protocol/state-frame.md', import.meta.url), 'utf8')
  return [...text.matchAll(/^```\n([0-9a-f]+)\n(\{.*\})\n```$/gm)].map(([, hex = '', json = '']) => {
    const frame = JSON.parse(json) as Omit<StateFrame, 'messages'> & { readonly messages: readonly string[] }
    return { hex, frame: { ...frame, messages: frame.messages.map((message) => Uint8Array.from(Buffer.from(message, 'hex'))) } }
  })
}

const uint32 = fc.nat(0xffffffff)
const centre = fc.integer({ min: -62_000, max: 62_000 })
/** Somewhere in the nine cells around a centre. */
const along = (cell: number) => fc.integer({ min: (cell - 1) * CELL_CM, max: (cell + 2) * CELL_CM - 1 }).map((cm) => cm * 10)

const frame = fc.tuple(centre, centre).chain(([column, row]) => {
  const update = { id: uint32, x: along(column), y: along(row), heading: fc.nat(255) }
  return fc.record({
    epoch: uint32,
    tick: uint32,
    acknowledged: uint32,
    fresh: fc.boolean(),
    column: fc.constant(column),
    row: fc.constant(row),
    left: fc.array(uint32),
    full: fc.array(
      fc.record({ ...update, kind: fc.constantFrom('avatar', 'item', 'prop', 'creature'), name: fc.string({ unit: 'grapheme' }) }),
    ),
    updates: fc.array(fc.record(update)),
    messages: fc.array(fc.uint8Array({ maxLength: 20 })),
  })
})

describe('state frames', () => {
  it('are as the documented test vectors say', () => {
    expect(vectors()).toHaveLength(4)
    for (const { frame, hex } of vectors()) {
      expect(Buffer.from(encodeStateFrame(frame)).toString('hex')).toBe(hex)
      expect(decodeStateFrame(Uint8Array.from(Buffer.from(hex, 'hex')))).toEqual(frame)
    }
  })

  it('read back as written', () => {
    fc.assert(
      fc.property(frame, (state) => {
        expect(decodeStateFrame(encodeStateFrame(state))).toEqual(state)
      }),
    )
  })

  it('refuse any other bytes with FrameInvalid', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        bytes[0] = 2
        try {
          decodeStateFrame(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(BailiwickError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('moves', () => {
  const into: MoveFrame = { sequence: 0, vx: 0, vy: 0, seen: 0 }
  const read = (bytes: Uint8Array): boolean => readMove(bytes, 0, bytes.byteLength, into)
  const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })

  it('are read the short way as the long way reads them', () => {
    const value = fc.record({ vx: int32, vy: int32 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffffffff }), value, uint32, (sequence, value, seen) => {
        expect(read(encodeClientMessage({ sequence, seen, body: { case: 'move', value } }))).toBe(true)
        expect(into).toEqual({ sequence, ...value, seen })
      }),
    )
  })

  it('whatever the bytes, the short way says nothing else than the long way', () => {
    const mutated = fc
      .tuple(uint32, int32, int32, uint32, fc.array(fc.tuple(fc.nat(30), fc.nat(255)), { maxLength: 3 }))
      .map(([sequence, vx, vy, seen, changes]) => {
        const bytes = encodeClientMessage({ sequence, seen, body: { case: 'move', value: { vx, vy } } })
        for (const [at, byte] of changes) bytes[at % bytes.byteLength] = byte
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 24 })), (bytes) => {
        if (!read(bytes)) return
        const { sequence, seen, body } = decodeClientFrame(bytes)
        expect({ sequence, seen, ...(body.value as object) }).toMatchObject(into)
        expect(body.case).toBe('move')
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('message frames', () => {
  it('read back as written', () => {
    const message = decodeClientFrame(encodeClientMessage({ sequence: 7, body: { case: 'say', value: { text: 'grüß dich' } } }))
    expect([message.sequence, message.body.case, message.body.value]).toMatchObject([7, 'say', { text: 'grüß dich' }])
    const answer = decodeServerMessage(encodeServerMessage({ body: { case: 'pong', value: { nonce: 9 } } }))
    expect(answer.body).toMatchObject({ case: 'pong', value: { nonce: 9 } })
  })

  it.each([
    ['nothing', new Uint8Array(0), 'FrameInvalid'],
    ['another kind', new Uint8Array([9, 1, 2]), 'FrameInvalid'],
    ['no body', new Uint8Array([1]), 'FrameInvalid'],
    ['too much', new Uint8Array(MAX_CLIENT_FRAME + 1), 'FrameTooLarge'],
  ])('refuse %s', (_name, bytes, code) => expect(() => decodeClientFrame(bytes)).toThrow(expect.objectContaining({ code })))

  it('refuse random bytes with a code, never otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeClientFrame(Uint8Array.of(1, ...bytes))
        } catch (error) {
          expect(error).toMatchObject({ code: 'FrameInvalid' })
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
