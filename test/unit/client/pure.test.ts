import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retryDelay } from '../../../client/backoff.ts'
import { Pacer } from '../../../client/pacer.ts'
import { problemOf, readRetryAfter, remoteError } from '../../../client/problem.ts'
import { verdictOf } from '../../../client/verdict.ts'
import { type Welcome, ZoneView } from '../../../client/view.ts'
import { BailiwickError, catalogue, type ErrorCode } from '../../../core/errors.ts'
import { decodeServerMessage, encodeServerMessage, INPUT_BURST, INPUT_RATE } from '../../../core/protocol/frame.ts'
import { LengthPrefixReader, withLength } from '../../../core/protocol/length-prefix.ts'
import type { StateFrame } from '../../../core/protocol/state-frame.ts'
import { CLIENT_RECONNECT_MAX, CLIENT_RECONNECT_MIN } from '../../../core/timing.ts'

describe('retryDelay', () => {
  it('is jittered under a doubling, capped ceiling, on top of what the server asks for', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.option(fc.nat(60_000), { nil: undefined }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, after, random) => {
          const delay = retryDelay(attempt, after, random)
          expect(delay).toBeGreaterThanOrEqual(after ?? 0)
          expect(delay - (after ?? 0)).toBeLessThanOrEqual(CLIENT_RECONNECT_MAX)
        },
      ),
    )
    expect(retryDelay(0, undefined, 0.5)).toBe(CLIENT_RECONNECT_MIN / 2)
    expect(retryDelay(1, undefined, 0.5)).toBe(CLIENT_RECONNECT_MIN)
    expect(retryDelay(99, 2_000, 0.5)).toBe(2_000 + CLIENT_RECONNECT_MAX / 2)
  })
})

describe('Pacer', () => {
  it('law: never more than a host takes, whenever it is asked, and it always goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { minLength: 1, maxLength: 400 }), (gaps) => {
        const pacer = new Pacer(0)
        let now = 0
        // The host's own bucket, as full at the beginning.
        let host = INPUT_BURST
        for (const gap of gaps) {
          now += gap
          host = Math.min(INPUT_BURST, host + (gap / 1_000) * INPUT_RATE)
          const waitMs = pacer.take(now)
          if (waitMs > 0) {
            expect(waitMs).toBeLessThanOrEqual(1_000)
            continue
          }
          host -= 1
          expect(host).toBeGreaterThanOrEqual(0)
        }
        const waitMs = pacer.take(now)
        if (waitMs > 0) expect(pacer.take(now + waitMs)).toBe(0)
      }),
    )
  })
})

describe('verdictOf', () => {
  const table: readonly (readonly [ErrorCode, boolean, string])[] = [
    ['ZoneWaking', false, 'retry'],
    ['NoCapacity', false, 'retry'],
    ['ZoneFull', false, 'retry'],
    ['IndexUnavailable', true, 'retry'],
    ['StoreUnavailable', true, 'retry'],
    ['Unreachable', false, 'retry'],
    ['TicketExpired', false, 'retry'],
    ['TicketUsed', false, 'retry'],
    ['TooManyRequests', false, 'retry'],
    ['CharacterElsewhere', false, 'patient'],
    ['LayerLost', true, 'patient'],
    ['ZoneUnknown', true, 'patient'],
    ['ZoneUnknown', false, 'final'],
    ['ZoneSuspended', true, 'final'],
    ['HelloExpected', true, 'retry'],
    ['CharacterNotYours', true, 'final'],
    ['SessionEnded', true, 'final'],
    ['Unauthenticated', false, 'final'],
  ]
  it.each(table)('%s, in the zone before: %s → %s', (code, wasIn, verdict) => {
    expect(verdictOf(new BailiwickError(code), wasIn)).toBe(verdict)
  })
})

describe('errors from the network', () => {
  it('keeps code and detail, without saying the title twice', () => {
    const error = remoteError('ZoneFull', 'All layers of the zone are full; found: 1 layer', 'Internal', { retryAfterMs: 5_000 })
    expect([error.code, error.message, error.retryAfterMs]).toEqual(['ZoneFull', 'All layers of the zone are full; found: 1 layer', 5_000])
    expect(remoteError('NoSuchCode', 'text', 'Unreachable').code).toBe('Unreachable')
    expect(remoteError('toString', 'text', 'Unreachable').code).toBe('Unreachable')
    for (const [code, { title }] of Object.entries(catalogue)) expect(remoteError(code, title, 'Internal').message).toBe(title)
  })

  it.each([
    [
      { place: 3, length: 7 },
      { place: 3, length: 7 },
    ],
    [{ length: 7 }, { length: 7 }],
    [{ place: 'third', length: 7 }, { length: 7 }],
    [{ place: 3 }, undefined],
    [null, undefined],
  ])('the place in the queue %j → %j', async (queue, read) => {
    const problem = JSON.stringify({ code: 'NoCapacity', detail: 'place 3 of 7', queue })
    const error = await problemOf(new Response(problem, { status: 503, headers: { 'retry-after': '4' } }), 'POST join')
    expect([error.code, error.retryAfterMs, error.queue]).toEqual(['NoCapacity', 4_000, read])
  })

  it.each([
    [null, undefined],
    ['2', 2_000],
    ['0', 0],
    ['-1', undefined],
    ['Wed, 21 Oct 2015 07:28:00 GMT', undefined],
    ['99999999999', undefined],
  ])('Retry-After %s → %s ms', (header, ms) => {
    expect(readRetryAfter(header)).toBe(ms)
  })
})

function welcome(parts: Partial<Pick<Welcome, 'layer' | 'epoch' | 'tick' | 'entity'>> = {}): Welcome {
  const value = { layer: 'game/meadow/0', epoch: 3, tick: 10, entity: 1, name: 'Ada', ...parts }
  const { body } = decodeServerMessage(encodeServerMessage({ body: { case: 'welcome', value } }))
  if (body.case !== 'welcome') throw new Error('not a welcome')
  return body.value
}

describe('ZoneView', () => {
  const record = (id: number, name: string, x = id * 1_000) => ({ id, kind: 'avatar', name, x, y: 0, heading: 0 })
  const empty = { acknowledged: 0, fresh: false, column: 0, row: 0, left: [], full: [], updates: [], messages: [] }
  const at = (epoch: number, tick: number, change: Partial<StateFrame>): StateFrame => ({ ...empty, epoch, tick, ...change })
  const names = (entities: readonly { readonly name: string }[] | undefined) => entities?.map(({ name }) => name)

  function seeing(...full: StateFrame['full']): ZoneView {
    const view = new ZoneView()
    view.welcomed(welcome())
    expect(names(view.state(at(3, 10, { fresh: true, full }))?.appeared)).toEqual(names(full))
    return view
  }

  it('keeps entities until they leave, moved by updates', () => {
    const view = seeing(record(1, 'Ada'), record(2, 'Ben'))
    expect(view.me).toEqual({ id: 1, kind: 'avatar', name: 'Ada', x: 1_000, y: 0, heading: 0 })
    expect(view.state(at(3, 11, { updates: [{ id: 1, x: 1_500, y: 0, heading: 64 }] }))).toEqual({ appeared: [], vanished: [] })
    expect(view.me).toMatchObject({ x: 1_500, heading: 64 })
    expect(names(view.state(at(3, 12, { left: [2, 9] }))?.vanished)).toEqual(['Ben'])
    expect([...view.entities.keys()]).toEqual([1])
  })

  it('drops what lies outside the nine cells, after it was moved', () => {
    const view = seeing(record(1, 'Ada'), record(2, 'Ben'), record(3, 'Cid', -32_000))
    const change = view.state(at(3, 11, { column: 1, updates: [{ id: 2, x: 70_000, y: 0, heading: 0 }] }))
    expect(names(change?.vanished)).toEqual(['Cid'])
    expect([...view.entities.keys()]).toEqual([1, 2])
  })

  it('a fresh frame is all there is; who was seen before and is told again has not vanished', () => {
    const view = seeing(record(1, 'Ada'), record(2, 'Ben'), record(3, 'Cid'))
    const change = view.state(at(3, 11, { fresh: true, full: [record(1, 'Ada', 5_000), record(3, 'Dan'), record(4, 'Eve')] }))
    expect([names(change?.appeared), names(change?.vanished)]).toEqual([
      ['Dan', 'Eve'],
      ['Ben', 'Cid'],
    ])
    expect(names([...view.entities.values()])).toEqual(['Ada', 'Dan', 'Eve'])
  })

  it.each([
    ['a lower tick', 3, 9, false],
    ['the same tick', 3, 10, true],
    ['a higher tick', 3, 11, true],
    ['a lower epoch, whatever its tick', 2, 99, false],
    ['a higher epoch, whatever its tick', 4, 1, true],
  ])('takes %s over: %s.%s %s', (_, epoch, tick, taken) => {
    const view = seeing(record(1, 'Ada'))
    expect(view.state(at(epoch, tick, { updates: [{ id: 1, x: 7_000, y: 0, heading: 64 }] })) !== undefined).toBe(taken)
    expect(view.me?.x).toBe(taken ? 7_000 : 1_000)
  })

  it('does not believe an older owner of the same layer, but any owner of another', () => {
    const view = new ZoneView()
    expect(view.welcomed(welcome({ epoch: 3 }))).toBe(true)
    expect(view.welcomed(welcome({ epoch: 2 }))).toBe(false)
    expect(view.welcomed(welcome({ epoch: 4, tick: 1 }))).toBe(true)
    expect(view.tick).toBe(1)
    expect(view.welcomed(welcome({ layer: 'game/forest/0', epoch: 1 }))).toBe(true)
    expect(view.entities.size).toBe(0)
  })
})

describe('length-prefixed frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(withLength))
        const reader = new LengthPrefixReader(50)
        const received: Uint8Array[] = []
        for (let from = 0, k = 0; from < stream.byteLength; k++) {
          const size = cuts[k % cuts.length] ?? 1
          received.push(...reader.push(stream.subarray(from, from + size)))
          from += size
        }
        expect(received.map((frame) => Buffer.from(frame).toString('hex'))).toEqual(sent.map((frame) => Buffer.from(frame).toString('hex')))
      }),
    )
  })

  it('refuses a length above the limit before its bytes come', () => {
    expect(() => new LengthPrefixReader(50).push(new Uint8Array([0, 0, 0, 51]))).toThrow(expect.objectContaining({ code: 'FrameTooLarge' }))
  })
})
