import { once } from 'node:events'
import { request, Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { silentLog } from '../../../core/ports/log-port.ts'
import { INPUT_RATE } from '../../../core/protocol/frame.ts'
import { LengthPrefixReader, withLength } from '../../../core/protocol/length-prefix.ts'
import { HELLO_DEADLINE, PING_EVERY } from '../../../core/timing.ts'
import type { Connection } from '../../../zone-server/transport/connection.ts'
import { type Listener, type ListenerOptions, listen } from '../../../zone-server/transport/listener.ts'

let listener: Listener | undefined
const sockets: Socket[] = []
const webSockets: WebSocket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const socket of webSockets.splice(0)) socket.terminate()
  await listener?.close()
})

interface Served {
  readonly log: string[]
  readonly connections: Connection[]
}

/** A listener that answers every frame with itself. */
async function echo(options: Partial<ListenerOptions> = {}): Promise<Served> {
  const served: Served = { log: [], connections: [] }
  listener = await listen({
    port: 0,
    host: '127.0.0.1',
    log: silentLog,
    onConnection: (connection) => {
      served.connections.push(connection)
      return {
        frame: (bytes, from, to) => connection.send([bytes.slice(from, to)]),
        late: () => connection.close(1008, 'late'),
        broken: (reason) => {
          served.log.push(reason)
          connection.send([new TextEncoder().encode(reason)])
        },
        closed: () => served.log.push('closed'),
      }
    },
    ...options,
  })
  return served
}

async function openWebSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${listener?.port}/any/path`)
  webSockets.push(socket)
  await once(socket, 'open')
  return socket
}

async function openTcp(from = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: listener?.port ?? 0, host: '127.0.0.1', localAddress: from })
  socket.on('error', () => socket.destroy())
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** It is closed, with a reset or without. */
function over(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function message(socket: WebSocket): Promise<Uint8Array> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  return new Uint8Array(data)
}

describe('WebSocket', () => {
  it('whole, fragmented, large, empty and pinged: the same frames come back', async () => {
    await echo()
    const socket = await openWebSocket()
    for (const length of [0, 1, 125, 126, 16_384]) {
      const payload = Uint8Array.from({ length }, (_, i) => i)
      socket.send(payload)
      expect(await message(socket)).toEqual(payload)
    }
    socket.send(Uint8Array.of(1, 2), { fin: false })
    const pong = once(socket, 'pong')
    socket.ping('here')
    socket.send(Uint8Array.of(3), { fin: false })
    socket.send(Uint8Array.of(4, 5))
    expect(await message(socket)).toEqual(Uint8Array.of(1, 2, 3, 4, 5))
    expect(String((await pong)[0])).toBe('here')
  })

  it('several frames in one write arrive as several', async () => {
    const { connections } = await echo()
    const socket = await openWebSocket()
    const got: number[] = []
    socket.on('message', (data: Buffer) => got.push(data.byteLength))
    connections[0]?.send([new Uint8Array(3), new Uint8Array(70_000), new Uint8Array(0)])
    socket.send(Uint8Array.of(9))
    while (got.length < 4) await once(socket, 'message')
    expect(got).toEqual([3, 70_000, 0, 1])
  })

  it('a close is answered with its code', async () => {
    const { log } = await echo()
    const socket = await openWebSocket()
    socket.close(4_321, 'enough')
    expect((await once(socket, 'close'))[0]).toBe(4_321)
    while (log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(log).toEqual(['closed'])
  })

  const faults = [
    { name: 'too large', send: (socket: WebSocket) => socket.send(new Uint8Array(16_385)), code: 1009, reason: 'FrameTooLarge' },
    { name: 'text', send: (socket: WebSocket) => socket.send('hello'), code: 1003, reason: 'FrameInvalid' },
    { name: 'no mask', send: (socket: WebSocket) => socket.send(Uint8Array.of(1), { mask: false }), code: 1002, reason: 'FrameInvalid' },
  ]
  for (const { name, send, code, reason } of faults) {
    it(`${name}: told so, closed with ${code}, and nobody else notices`, async () => {
      const { log } = await echo()
      const other = await openWebSocket()
      const socket = await openWebSocket()
      const closed = once(socket, 'close')
      send(socket)
      expect(new TextDecoder().decode(await message(socket))).toBe(reason)
      expect((await closed)[0]).toBe(code)
      expect(log[0]).toBe(reason)
      other.send(Uint8Array.of(7))
      expect(await message(other)).toEqual(Uint8Array.of(7))
    })
  }

  it('a plain GET is told what this port is', async () => {
    await echo()
    const answer = await new Promise<{ status: number | undefined; version: unknown }>((resolve, reject) => {
      const asked = request({ port: listener?.port, host: '127.0.0.1', path: '/' }, (response) => {
        response.resume()
        resolve({ status: response.statusCode, version: response.headers['sec-websocket-version'] })
      })
      asked.on('error', reject)
      asked.end()
    })
    expect(answer).toEqual({ status: 426, version: '13' })
  })

  it('an upgrade without a key is refused', async () => {
    await echo()
    const socket = await openTcp()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('plain TCP', () => {
  it('frames come back, in whatever pieces they were sent', async () => {
    await echo()
    const socket = await openTcp()
    const reader = new LengthPrefixReader(100_000)
    const bytes = Buffer.concat([Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(16_384)].map(withLength))
    socket.write(bytes.subarray(0, 1))
    await new Promise((resolve) => setTimeout(resolve, 5))
    socket.write(bytes.subarray(1, 9))
    socket.write(bytes.subarray(9))
    const lengths: number[] = []
    while (lengths.length < 3) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      for (const frame of reader.push(chunk)) lengths.push(frame.byteLength)
    }
    expect(lengths).toEqual([3, 0, 16_384])
  })

  it('random bytes are told so and closed', async () => {
    const { log } = await echo()
    const socket = await openTcp()
    const ended = once(socket, 'end')
    socket.write(Uint8Array.from({ length: 64 }, (_, i) => 0x80 + i))
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect(String(chunk)).toContain('FrameTooLarge')
    await ended
    expect(log[0]).toBe('FrameTooLarge')
  })
})

describe('silence', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('who says nothing within the deadline is told so, or cut before it has said what it speaks', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await echo()
    const mute = await openTcp()
    const socket = await openWebSocket()
    const spoke = await openWebSocket()
    spoke.send(Uint8Array.of(1))
    await message(spoke)
    const ends = Promise.all([once(mute, 'close'), once(socket, 'close')])
    await vi.advanceTimersByTimeAsync(HELLO_DEADLINE)
    const [, [code]] = await ends
    expect(code).toBe(1008)
    spoke.send(Uint8Array.of(2))
    expect(await message(spoke)).toEqual(Uint8Array.of(2))
  })

  it('who answers no ping is cut; who answers stays', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { log } = await echo()
    const deaf = new WebSocket(`ws://127.0.0.1:${listener?.port}`, { autoPong: false })
    webSockets.push(deaf)
    await once(deaf, 'open')
    const alive = await openWebSocket()
    const cut = once(deaf, 'close')
    for (let i = 0; i < 4; i++) {
      await vi.advanceTimersByTimeAsync(PING_EVERY)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await cut
    expect(log).toEqual(['closed'])
    alive.send(Uint8Array.of(1))
    expect(await message(alive)).toEqual(Uint8Array.of(1))
  })
})

describe('limits', () => {
  it('those of one address that were let in are so many; who comes then is refused', async () => {
    const { connections } = await echo({ limits: { perAddress: 2 } })
    const first = await openWebSocket()
    await openWebSocket()
    for (const each of connections) each.keep()
    await over(await openTcp())
    first.send(Uint8Array.of(1))
    expect(await message(first)).toEqual(Uint8Array.of(1))
    first.terminate()
    await expect.poll(() => listener?.connections()).toBe(1)
    await openWebSocket()
  })

  it('addresses that fill it and say nothing, or are refused, keep nobody out, and cut none who was let in', async () => {
    let dropped = 0
    const warnings: unknown[] = []
    const log = { ...silentLog, warn: (fields: object) => warnings.push(fields) }
    const { connections } = await echo({ limits: { connections: 40, coming: 24 }, log, onDropped: () => dropped++ })
    const player = await openWebSocket()
    player.send(Uint8Array.of(1))
    expect(await message(player)).toEqual(Uint8Array.of(1))
    connections[0]?.keep()
    let ended = 0
    for (let k = 0; k < 64; k++) {
      const silent = await openTcp(`127.0.0.${2 + (k % 8)}`)
      silent.once('close', () => ended++)
      // Some are refused, and do not go.
      if (k % 4 === 0) silent.write(Buffer.alloc(8, 0xff))
    }
    for (let k = 0; k < 5; k++) {
      const honest = await openTcp()
      honest.write(withLength(Uint8Array.of(9)))
      expect([...((await once(honest, 'data')) as [Buffer])[0]]).toEqual([0, 0, 0, 1, 9])
      for (const each of connections) if (each.address === '127.0.0.1') each.keep()
    }
    expect(listener?.connections()).toBeLessThanOrEqual(40)
    expect(dropped).toBeGreaterThanOrEqual(64 - 24 - 16)
    await expect.poll(() => ended).toBeGreaterThanOrEqual(64 - 24 - 16)
    expect(warnings[0]).toMatchObject({ app: 'game port', dropped: 1 })
    player.send(Uint8Array.of(2))
    expect(await message(player)).toEqual(Uint8Array.of(2))
  })

  const mask = [0, 0, 0, 0]
  const floods: readonly [string, 'websocket' | 'tcp', readonly number[]][] = [
    ['pings', 'websocket', [0x89, 0x80, ...mask]],
    ['messages', 'websocket', [0x82, 0x80, ...mask]],
    ['parts of a message that never ends', 'websocket', [0x00, 0x80, ...mask]],
    ['frames over TCP', 'tcp', [0, 0, 0, 0]],
  ]
  it.each(floods)('who sends %s faster than anybody plays is told so and cut', async (_, kind, each) => {
    const { log } = await echo()
    const socket = await openTcp()
    const closed = over(socket)
    if (kind === 'websocket') {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n')
      socket.write(`Sec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`)
      await once(socket, 'data')
      // A message in parts has begun.
      if (each[0] === 0) socket.write(Uint8Array.of(0x02, 0x81, ...mask, 7))
    }
    socket.resume()
    socket.write(Buffer.concat(Array<Buffer>(20_000).fill(Buffer.from(each))))
    await closed
    await expect.poll(() => log).toEqual(['TooManyRequests', 'closed'])
  })

  it('who was let in may send what a host finds that was frozen for minutes', async () => {
    const { connections, log } = await echo()
    const socket = await openTcp()
    socket.write(withLength(Uint8Array.of(1)))
    await once(socket, 'data')
    connections[0]?.keep()
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      received += chunk.byteLength
    })
    const minutes = 3 * 60 * INPUT_RATE
    socket.write(Buffer.concat(Array<Uint8Array>(minutes).fill(withLength(Uint8Array.of(1)))))
    await expect.poll(() => received).toBe(5 * minutes)
    expect(log).toEqual([])
  })

  it('requests behind one another are one: the others are not even read', async () => {
    await echo()
    const emit = vi.spyOn(Server.prototype, 'emit')
    onTestFinished(() => emit.mockRestore())
    const socket = await openTcp()
    const closed = over(socket)
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2_000))
    await closed
    expect(emit.mock.calls.filter(([event]) => String(event) === 'request')).toHaveLength(1)
  })

  it('a request that comes byte by byte, and frames right behind it, are read; one without end is refused', async () => {
    await echo()
    const asked = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`
    const heard = async (parts: readonly (string | Uint8Array)[], until: string): Promise<void> => {
      const socket = await openTcp()
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      for (const part of parts) {
        socket.write(part)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(() => text).toContain(until)
    }
    const frame = Uint8Array.of(0x82, 0x83, ...mask, 0x61, 0x62, 0x63)
    await heard([...asked, frame], '\x82\x03abc')
    await heard([Buffer.concat([Buffer.from(asked), frame, frame])], '\x82\x03abc\x82\x03abc')
    const endless = await openTcp()
    const closed = over(endless)
    endless.resume()
    endless.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(9_000)}`)
    await closed
    expect(listener?.connections()).toBeLessThanOrEqual(2)
  })

  it('a client that does not read is cut', async () => {
    const { connections, log } = await echo()
    const socket = await openTcp()
    socket.write(withLength(Uint8Array.of(1)))
    await once(socket, 'data')
    socket.pause()
    const frame = new Uint8Array(64 * 1024)
    for (let i = 0; i < 2_000 && log.length === 0; i++) {
      connections[0]?.send([frame])
      await new Promise((resolve) => setImmediate(resolve))
    }
    while (log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(log).toEqual(['closed'])
  })

  it('a port that is taken is a clear error', async () => {
    await echo()
    await expect(
      listen({
        port: listener?.port ?? 0,
        host: '127.0.0.1',
        log: silentLog,
        onConnection: () => ({ frame() {}, late() {}, broken() {}, closed() {} }),
      }),
    ).rejects.toMatchObject({
      code: 'ConfigInvalid',
    })
  })
})
