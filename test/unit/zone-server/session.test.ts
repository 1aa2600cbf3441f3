import { describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import {
  decodeServerMessage,
  decodeServerPayload,
  encodeClientMessage,
  FRAME_STATE,
  PROTOCOL_VERSION,
} from '../../../core/protocol/frame.ts'
import { decodeStateFrame } from '../../../core/protocol/state-frame.ts'
import { MESSAGE_WAIT } from '../../../core/timing.ts'
import { Audience } from '../../../zone-server/audience.ts'
import { Session } from '../../../zone-server/session.ts'
import type { Input } from '../../../zone-server/simulation/input.ts'
import { step } from '../../../zone-server/simulation/step.ts'
import type { Connection } from '../../../zone-server/transport/connection.ts'
import { freshState, joins } from './simulation-kit.ts'
import { CheckedClient } from './view-checker.ts'

/** Notes what is written, each write as the messages and states that it holds. */
class NotedConnection implements Connection {
  readonly kind = 'websocket'
  readonly address = '127.0.0.1'
  readonly writes: string[] = []
  ready = true
  closed: number | undefined
  kept = false

  keep(): void {
    this.kept = true
  }

  send(frames: readonly Uint8Array[]): void {
    if (frames.length > 0) this.writes.push(frames.map((frame) => decodeServerMessage(frame).body.case).join(' '))
  }

  sendInPlace(buffer: Buffer, from: number, to: number): boolean {
    expect(buffer[from]).toBe(FRAME_STATE)
    const { tick, messages } = decodeStateFrame(buffer.subarray(from, to))
    this.writes.push([...messages.map((message) => decodeServerPayload(message).body.case), `state ${tick}`].join(' '))
    return false
  }

  close(code: number): void {
    this.closed = code
  }
}

type Message = Parameters<typeof encodeClientMessage>[0]

/** `second`: somebody else is sent to first, so that what is released is due a millisecond later. */
async function seated(second = false): Promise<{
  connection: NotedConnection
  says: (message: Message) => void
  tick: () => void
  clock: ManualClock
  audience: Audience
}> {
  const clock = new ManualClock()
  const state = freshState()
  const audience = new Audience(clock)
  const inputs: Input[] = [joins('ada')]
  if (second) {
    inputs.push(joins('bob'))
    audience.seat('bob', new CheckedClient())
  }
  const connection = new NotedConnection()
  const session = new Session(connection, {
    timers: clock,
    log: silentLog,
    admit: async (_layer, _ticket, spectator) => {
      audience.seat('ada', spectator)
      return { input: (sequence, body) => void inputs.push({ source: 'ada', sequence, body }), leave: () => undefined }
    },
  })
  const says = (message: Message): void => {
    const bytes = encodeClientMessage(message)
    session.frame(bytes, 0, bytes.byteLength)
  }
  const tick = (): void => {
    const output = step(state, inputs.splice(0))
    audience.release(audience.encode(state, output), 1)
  }
  says({ body: { case: 'hello', value: { layer: 'a/b/0', ticket: 't', protocol: PROTOCOL_VERSION } } })
  await Promise.resolve()
  return { connection, says, tick, clock, audience }
}

/** From one tick to the next, ms. */
const PERIOD = 50

describe('a session', () => {
  it('is written to once a tick: what it is told goes with the state', async () => {
    const { connection, says, tick, clock } = await seated()
    tick()
    clock.advance(PERIOD)
    says({ body: { case: 'ping', value: { nonce: 1 } } })
    says({ sequence: 1, body: { case: 'say', value: { text: '' } } })
    says({ sequence: 2, body: { case: 'say', value: { text: 'hello' } } })
    tick()
    clock.advance(PERIOD)
    tick()
    clock.advance(PERIOD)
    expect(connection.writes).toEqual(['welcome state 1', 'pong refused said state 2', 'state 3'])
  })

  it('is answered without a tick after a while, once', async () => {
    const { connection, says, tick, clock } = await seated()
    tick()
    says({ body: { case: 'ping', value: { nonce: 1 } } })
    clock.advance(MESSAGE_WAIT - 1)
    says({ body: { case: 'ping', value: { nonce: 2 } } })
    expect(connection.writes).toHaveLength(1)
    clock.advance(1)
    expect(connection.writes.slice(1)).toEqual(['pong pong'])
    clock.advance(MESSAGE_WAIT * 3)
    expect(connection.writes).toHaveLength(2)
  })

  it('gets what is due to it before its last words', async () => {
    const { connection, says, tick, audience, clock } = await seated(true)
    tick()
    clock.advance(10)
    says({ body: { case: 'ping', value: { nonce: 1 } } })
    tick()
    expect(connection.writes).toEqual(['welcome state 1'])
    audience.take('ada')?.goodbye('Left')
    expect(connection.writes.at(-2)).toBe('pong state 2')
    expect(connection.writes.at(-1)).toBe('goodbye')
    expect(connection.closed).toBe(1000)
    says({ sequence: 1, body: { case: 'look', value: {} } })
    clock.advance(1_000)
    expect(connection.writes.at(-1)).toBe('goodbye')
  })

  it.each([
    { fails: 'because of that', found: undefined, counted: [], logged: 0 },
    { fails: 'with a refusal', found: new BailiwickError('Banned'), counted: ['Banned'], logged: 0 },
    { fails: 'by a mistake of the program', found: new Error('a bug'), counted: ['Internal'], logged: 1 },
  ])(
    'whose client is gone before it is let in says so, and tells the client nothing; the admission fails $fails',
    async ({ found, counted, logged }) => {
      const connection = new NotedConnection()
      const refused: string[] = []
      const error = vi.fn()
      let told: AbortSignal | undefined
      const session = new Session(connection, {
        timers: new ManualClock(),
        log: { ...silentLog, error },
        meters: { refused: (code) => refused.push(code), ended: (reason) => refused.push(reason) },
        admit: (_layer, _ticket, _spectator, signal) => {
          told = signal
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(found ?? signal.reason)))
        },
      })
      const hello = encodeClientMessage({ body: { case: 'hello', value: { layer: 'a/b/0', ticket: 't', protocol: PROTOCOL_VERSION } } })
      session.frame(hello, 0, hello.byteLength)
      expect(told?.aborted).toBe(false)
      session.closed()
      expect(told?.aborted).toBe(true)
      await new Promise((resolve) => setImmediate(resolve))
      expect(refused).toEqual(counted)
      expect(error).toHaveBeenCalledTimes(logged)
      expect([connection.writes, connection.closed]).toEqual([[], undefined])
    },
  )

  it('of another version of the protocol is refused by name, at once', async () => {
    const connection = new NotedConnection()
    const session = new Session(connection, {
      timers: new ManualClock(),
      log: silentLog,
      admit: () => Promise.reject(new Error('nobody is let in')),
    })
    const hello = encodeClientMessage({ body: { case: 'hello', value: { layer: 'a/b/0', ticket: 't', protocol: 1 } } })
    connection.send = (frames) => {
      for (const frame of frames) {
        const { body } = decodeServerMessage(frame)
        connection.writes.push(body.case === 'refused' ? body.value.code : (body.case ?? ''))
      }
    }
    session.frame(hello, 0, hello.byteLength)
    expect([connection.writes, connection.closed]).toEqual([['ProtocolUnsupported', 'goodbye'], 1008])
  })
})
