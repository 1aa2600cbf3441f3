import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import {
  decodeClientFrame,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
  MAX_CLIENT_FRAME,
} from '../../../core/protocol/frame.ts'
import { decodeStateFrame, encodeStateFrame, type StateFrame } from '../../../core/protocol/state-frame.ts'

/** The table of test vectors in the documentation, as another language would read it. */
function vectors(): { frame: StateFrame; hex: string }[] {
  const text = readFileSync(new URL('../../../core/protocol/state-frame.md', import.meta.url), 'utf8')
  return [...text.matchAll(/^\| (\d+) \| (\d+) \| (\d+) \| (.+?) \| `([0-9a-f ]+)` \|$/gm)].map(
    ([, epoch, tick, acknowledged, records, hex]) => ({
      frame: {
        epoch: Number(epoch),
        tick: Number(tick),
        acknowledged: Number(acknowledged),
        entities: [...(records ?? '').matchAll(/\((\d+), (-?\d+), (-?\d+), (\d+)\)/g)].map(([, id, x, y, heading]) => ({
          id: Number(id),
          x: Number(x),
          y: Number(y),
          heading: Number(heading),
        })),
      },
      hex: (hex ?? '').replaceAll(' ', ''),
    }),
  )
}

const entity = fc.record({
  id: fc.nat(0xffffffff),
  x: fc.integer({ min: -200_000_000, max: 200_000_000 }).map((cm) => cm * 10),
  y: fc.integer({ min: -200_000_000, max: 200_000_000 }).map((cm) => cm * 10),
  heading: fc.nat(255),
})
const frame = fc.record({
  epoch: fc.nat(0xffffffff),
  tick: fc.nat(0xffffffff),
  acknowledged: fc.nat(0xffffffff),
  entities: fc.array(entity),
})

describe('state frames', () => {
  it('are as the documented test vectors say', () => {
    expect(vectors()).toHaveLength(3)
    for (const { frame, hex } of vectors()) {
      expect(Buffer.from(encodeStateFrame(frame)).toString('hex')).toBe(hex)
      expect(decodeStateFrame(Buffer.from(hex, 'hex'))).toEqual(frame)
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
