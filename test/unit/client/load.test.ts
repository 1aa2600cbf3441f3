import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { bailiwickDialect, encodeMove, helloFrame } from '../../../client/load/bailiwick-dialect.ts'
import { Crowd } from '../../../client/load/crowd.ts'
import { Gaps } from '../../../client/load/gaps.ts'
import { ServerFrames } from '../../../client/load/server-frames.ts'
import { startPlaces, Walk } from '../../../client/load/walk.ts'
import { decodeClientFrame, encodeClientMessage, encodeServerMessage } from '../../../core/protocol/frame.ts'
import { encodeStateFrame, type StateFrame } from '../../../core/protocol/state-frame.ts'

const bounds = { min: { x: 0, y: 0 }, max: { x: 100_000, y: 60_000 } }

/** An unmasked, final frame of a server. */
function serverFrame(first: number, payload: Uint8Array): Uint8Array {
  const length = payload.byteLength
  const header =
    length < 126
      ? [first, length]
      : length < 65_536
        ? [first, 126, length >> 8, length & 255]
        : [first, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]
  return Uint8Array.from([...header, ...payload])
}

describe('load generator', () => {
  it('encodes a move as the protocol library does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.integer({ min: -6_000, max: 6_000 }),
        fc.integer({ min: -6_000, max: 6_000 }),
        fc.nat(2 ** 31),
        (sequence, vx, vy, seen) => {
          expect(Buffer.from(encodeMove(sequence, vx, vy, seen))).toEqual(
            Buffer.from(encodeClientMessage({ sequence, seen, body: { case: 'move', value: { vx, vy } } })),
          )
        },
      ),
    )
  })

  it('reads the same messages however the bytes are cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.flatMap((message) => [serverFrame(0x89, message.subarray(0, 3)), serverFrame(0x82, message)]))
        const heard: Buffer[] = []
        let pings = 0
        const frames = new ServerFrames({
          message: (payload) => heard.push(Buffer.from(payload)),
          ping: () => pings++,
          end: (reason) => expect.unreachable(reason),
        })
        for (let at = 0, i = 0; at < bytes.byteLength; i++) {
          const to = at + (cuts[i % cuts.length] ?? 1)
          // The memory is used again for the next read: nothing may hold on to it.
          const chunk = Uint8Array.from(bytes.subarray(at, to))
          frames.push(chunk)
          chunk.fill(0xff)
          at = to
        }
        expect(heard).toEqual(messages.map((message) => Buffer.from(message)))
        expect(pings).toBe(messages.length)
      }),
    )
  })

  it('ends at what no server sends', () => {
    for (const first of [0x02, 0x00, 0x81, 0xf2]) {
      let ended = ''
      const frames = new ServerFrames({ message: () => expect.unreachable(), ping: () => undefined, end: (reason) => (ended = reason) })
      frames.push(serverFrame(first, Uint8Array.of(1)))
      frames.push(serverFrame(0x82, Uint8Array.of(1)))
      expect(ended).toContain(String(first))
    }
  })

  it('walks within bounds, the same walk for the same seed', () => {
    const walks = [new Walk(5, 40, bounds), new Walk(5, 40, bounds)]
    for (const walk of walks) for (let move = 0; move < 400; move++) for (let i = 0; i < 40; i++) walk.turn(i, 0.1)
    const [one, other] = walks
    expect(one?.x).toEqual(other?.x)
    for (let i = 0; i < 40; i++) {
      expect(one?.x[i]).toBeGreaterThanOrEqual(bounds.min.x)
      expect(one?.x[i]).toBeLessThanOrEqual(bounds.max.x)
      expect(one?.y[i]).toBeGreaterThanOrEqual(bounds.min.y)
      expect(one?.y[i]).toBeLessThanOrEqual(bounds.max.y)
    }
    expect(startPlaces(5, 40, bounds)).not.toEqual(startPlaces(6, 40, bounds))
  })

  it('counts others in view: all of them when all stand in one cell', () => {
    expect(new Walk(1, 30, { min: { x: 1, y: 1 }, max: { x: 9, y: 9 } }).meanInView(32_000)).toBe(29)
  })

  it('measures gaps', () => {
    const gaps = new Gaps(2)
    for (let i = 0; i <= 100; i++) gaps.frame(0, 1_000 + i * 50.05)
    gaps.frame(1, 1_000)
    gaps.frame(1, 1_200.5)
    const { p50, p99, max, worstClientP99, count } = gaps.report()
    expect({ p50: p50.toFixed(1), p99: p99.toFixed(1), max, worstClientP99, count }).toEqual({
      p50: '50.1',
      p99: '50.1',
      max: 200.5,
      worstClientP99: 201,
      count: 101,
    })
    gaps.reset()
    expect(gaps.report().count).toBe(0)
  })
})

const nothing: StateFrame = {
  ...{ epoch: 1, tick: 0, acknowledged: 0, fresh: false, column: 0, row: 0 },
  ...{ left: [], full: [], updates: [], messages: [] },
}

describe('a crowd', () => {
  const CLIENTS = 12
  let server: WebSocketServer
  const heard = new Map<string, number>()

  beforeAll(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => server.once('listening', resolve))
    server.on('connection', (socket) => {
      let ticket = ''
      // Of two bytes as it is sent, however long the test takes.
      let tick = 1_000
      const timer = setInterval(() => {
        // Every tenth tick is left out.
        if (++tick % 10 !== 0) socket.send(encodeStateFrame({ ...nothing, tick, updates: [{ id: 1, x: 0, y: 0, heading: 0 }] }))
      }, 20)
      socket.on('close', () => clearInterval(timer))
      socket.on('message', (data: Buffer) => {
        const message = decodeClientFrame(new Uint8Array(data))
        if (message.body.case === 'hello') {
          ticket = message.body.value.ticket
          socket.send(encodeServerMessage({ body: { case: 'welcome', value: { layer: 'a/b/0' } } }))
        } else if (message.body.case === 'move') heard.set(ticket, Math.max(heard.get(ticket) ?? 0, message.sequence))
      })
    })
  })
  afterAll(() => server.close())

  const crowd = (): Crowd => {
    const { port } = server.address() as { port: number }
    return new Crowd({
      ...{ count: CLIENTS, bounds, seed: 3, frameRateHz: 50, cell: 32_000 },
      dialect: bailiwickDialect,
      door: async (i) => ({ host: '127.0.0.1', port, path: '/', hello: helloFrame('a/b/0', `ticket-${i}`) }),
    })
  }

  it('enters, moves and counts what came', async () => {
    const walkers = crowd()
    await walkers.join(10_000)
    // As often as it takes on a machine that is busy: enough frames that some were sampled and a tick was left out for each.
    let report = await walkers.measure(700)
    while (report.arrived < CLIENTS * 20) report = await walkers.measure(700)
    walkers.close()
    expect(heard.size).toBe(CLIENTS)
    expect(Math.min(...heard.values())).toBeGreaterThan(0)
    expect(report).toMatchObject({ clients: CLIENTS, lost: 0 })
    expect(report.missedTicks).toBeGreaterThanOrEqual(CLIENTS)
    expect(report.gaps.count).toBeGreaterThanOrEqual(report.arrived - CLIENTS)
    expect(report.bytesPerClientSecond).toBeGreaterThan(0)
    expect(report.bytesPerUpdate).toBe(17)
    expect(report.headroom.cpu).toBeGreaterThan(0)
  })

  it('says why a client did not get in', async () => {
    server.once('connection', (socket) =>
      socket.send(encodeServerMessage({ body: { case: 'refused', value: { code: 'ZoneFull', message: 'full' } } })),
    )
    const walkers = crowd()
    await expect(walkers.join(10_000)).rejects.toMatchObject({ code: 'Unreachable', message: expect.stringContaining('ZoneFull: full') })
    walkers.close()
  })
})
