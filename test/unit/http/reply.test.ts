import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Response } from 'express'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { CONNECTION_END_LIMIT, ZONE_STREAM_HEARTBEAT, ZONE_STREAM_LIMIT } from '../../../core/timing.ts'
import { type EventSink, EventStream } from '../../../platform/http/index.ts'
import { sendStream } from '../../../platform/http/reply.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
})

const event = { event: 'zone', id: '1', data: '{}' }

/** A stream whose answer waits behind another one of its connection: nothing of it is taken, and it does not close. */
function waiting(stopping = new AbortController()) {
  const socket = new Socket()
  const response = new ServerResponse(new IncomingMessage(socket))
  const errors: Error[] = []
  response.on('error', (error) => errors.push(error))
  const stop = vi.fn()
  let sink: EventSink | undefined
  const stream = new EventStream((given) => {
    sink = given
    return stop
  })
  sendStream(response as Response, stream, stopping.signal)
  if (sink === undefined) throw new Error('the stream did not begin')
  return { socket, response, errors, stop, sink }
}

/** Until what node does on its next ticks is done. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a stream', () => {
  it.each(['told to', 'at its limit', 'stopping'] as const)(
    'that ended (%s) and is not taken is written to no more, and is cut',
    async (why) => {
      const stopping = new AbortController()
      const { response, errors, stop, sink } = waiting(stopping)
      if (why === 'told to') sink.end()
      else if (why === 'stopping') stopping.abort()
      else vi.advanceTimersByTime(ZONE_STREAM_LIMIT)
      expect(response.writableEnded).toBe(true)
      sink.send(event)
      sink.end()
      vi.advanceTimersByTime(CONNECTION_END_LIMIT)
      expect([response.destroyed, stop.mock.calls.length]).toEqual([true, 1])
      sink.send(event)
      vi.advanceTimersByTime(ZONE_STREAM_HEARTBEAT)
      await settled()
      expect([errors, stop.mock.calls.length, vi.getTimerCount()]).toEqual([[], 1, 0])
    },
  )

  it('is over with its connection, also when the answer never had it', async () => {
    const { socket, stop, errors } = waiting()
    socket.destroy()
    await settled()
    expect([errors, stop.mock.calls.length, vi.getTimerCount()]).toEqual([[], 1, 0])
  })

  it('of a connection that is closed already is over at once, and leaves nothing on one that goes on', async () => {
    const { socket, response, stop } = waiting()
    response.emit('close')
    expect([stop.mock.calls.length, socket.listenerCount('close'), vi.getTimerCount()]).toEqual([1, 0, 0])
    socket.destroy()
    await settled()
    const closed = new ServerResponse(new IncomingMessage(socket))
    const leave = vi.fn()
    sendStream(closed as Response, new EventStream(() => leave), new AbortController().signal)
    expect([leave.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
  })
})
