import fc from 'fast-check'
import { expect, it } from 'vitest'
import { viewOf } from '../../../zone-server/transport/views.ts'

it('views are those of subarray, whatever buffers are asked for in turn, and the same one each time', () => {
  const buffers = [0, 1, 2].map((i) => Buffer.from(Uint8Array.from({ length: 6_000 }, (_, k) => (k * 7 + i) & 0xff)))
  const asked = fc.record({ which: fc.nat(2), from: fc.nat(16), length: fc.oneof(fc.nat(300), fc.nat(5_900)) })
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 60 }), (views) => {
      for (const { which, from, length } of views) {
        const buffer = buffers[which] ?? Buffer.alloc(0)
        const view = viewOf(buffer, from, from + length)
        expect([view.buffer, view.byteOffset, view.byteLength]).toEqual([buffer.buffer, buffer.byteOffset + from, length])
        if (from + length <= 4_096) expect(viewOf(buffer, from, from + length)).toBe(view)
      }
    }),
  )
})
