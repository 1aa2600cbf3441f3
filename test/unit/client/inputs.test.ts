import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Input, InputQueue, MAX_WAITING_INPUTS } from '../../../client/inputs.ts'
import { decodeClientFrame } from '../../../core/protocol/frame.ts'

const say = (text: string): Input => ({ case: 'say', value: { text } })
const move = (vx: number): Input => ({ case: 'move', value: { vx, vy: 0 } })

function sent(queue: InputQueue): readonly (readonly [number, unknown])[] {
  const all: [number, unknown][] = []
  for (let frame = queue.take(); frame !== undefined; frame = queue.take()) {
    const { sequence, body } = decodeClientFrame(frame)
    all.push([sequence, body.case === 'say' ? body.value.text : body.case === 'move' ? body.value.vx : body.case])
  }
  expect(queue.unsent).toBe(false)
  return all
}

describe('InputQueue', () => {
  it('numbers from what the server has applied, in order, and sends each once a connection', () => {
    const queue = new InputQueue()
    queue.push(say('a'))
    queue.push(say('b'))
    queue.welcomed(41)
    expect(sent(queue)).toEqual([
      [42, 'a'],
      [43, 'b'],
    ])
    expect(sent(queue)).toEqual([])
    queue.push(say('c'))
    expect(sent(queue)).toEqual([[44, 'c']])
    queue.acknowledged(43)
    expect(queue.size).toBe(1)
  })

  it('sends what was not applied again, with its old numbers', () => {
    const queue = new InputQueue()
    queue.welcomed(0)
    for (const text of ['a', 'b', 'c']) queue.push(say(text))
    sent(queue)
    queue.welcomed(1)
    queue.push(say('d'))
    expect(sent(queue)).toEqual([
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ])
  })

  it('goes on above its own numbers when the server has fallen back to an older state', () => {
    const queue = new InputQueue()
    queue.welcomed(10)
    queue.push(say('a'))
    sent(queue)
    queue.acknowledged(11)
    queue.welcomed(5)
    queue.push(say('b'))
    expect(sent(queue)).toEqual([[12, 'b']])
  })

  it('keeps only the last of the moves that were not sent, and every one that was', () => {
    const queue = new InputQueue()
    queue.push(move(1))
    queue.push(move(2))
    queue.push(say('x'))
    queue.push(move(3))
    queue.push(move(4))
    queue.welcomed(0)
    expect(sent(queue)).toEqual([
      [1, 2],
      [2, 'x'],
      [3, 4],
    ])
    queue.push(move(5))
    expect(sent(queue)).toEqual([[4, 5]])
  })

  it('drops what was refused', () => {
    const queue = new InputQueue()
    queue.welcomed(0)
    queue.push(say('a'))
    queue.push(say('b'))
    sent(queue)
    queue.refused(1)
    queue.welcomed(0)
    expect(sent(queue)).toEqual([[2, 'b']])
  })

  it('is bounded', () => {
    const queue = new InputQueue()
    for (let k = 0; k < MAX_WAITING_INPUTS; k++) queue.push(say(String(k)))
    expect(() => queue.push(say('one too many'))).toThrow(expect.objectContaining({ code: 'TooManyRequests' }))
    expect(() => queue.push(move(1))).toThrow()
  })

  it('law: whatever is lost on the way, the server applies each input once and in order', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'say' as const }),
      fc.record({ kind: fc.constant('deliver' as const), count: fc.nat(4) }),
      fc.constant({ kind: 'acknowledge' as const }),
      fc.constant({ kind: 'reconnect' as const }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(1_000), (steps, start) => {
        const queue = new InputQueue()
        queue.welcomed(start)
        const applied: unknown[] = []
        let last = start
        let said = 0
        let wire: (readonly [number, unknown])[] = []
        const deliver = (count: number): void => {
          wire.push(...sent(queue))
          for (const [sequence, text] of wire.splice(0, count)) {
            if (sequence <= last) continue
            last = sequence
            applied.push(text)
          }
        }
        const reconnect = (): void => {
          wire = []
          queue.welcomed(last)
        }
        for (const next of steps) {
          if (next.kind === 'say') queue.push(say(String(said++)))
          else if (next.kind === 'deliver') deliver(next.count)
          else if (next.kind === 'acknowledge') queue.acknowledged(last)
          else reconnect()
        }
        reconnect()
        deliver(Number.POSITIVE_INFINITY)
        expect(applied).toEqual(Array.from({ length: said }, (_, k) => String(k)))
        queue.acknowledged(last)
        expect(queue.size).toBe(0)
      }),
    )
  })
})
