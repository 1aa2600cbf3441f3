import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { LineSplitter } from '../../../platform/kubernetes/lines.ts'
import type { ApiProxy, Asked } from './proxy.ts'
import type { Strikes } from './strikes.ts'

/** So many of the last events may come once more. */
const REMEMBERED = 5
/** A connection whose other end is gone is found by the kernel's probes; here after this, ms. */
const PROBED = 3_000

/** Passes a watch on line by line. A line that a fault comes with is late, lost, doubled or followed by an end. */
export async function forwardWatch(
  upstream: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
  strikes: Strikes,
  proxy: ApiProxy,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  response.on('close', () => upstream.destroy())
  const lines = new LineSplitter()
  const last: string[] = []
  const say = (line: string): boolean => response.write(`${line}\n`)
  try {
    for await (const chunk of upstream) {
      for (const line of lines.push(chunk)) {
        if (isBookmark(line)) {
          say(line)
          continue
        }
        last.push(line)
        if (last.length > REMEMBERED) last.shift()
        const strike = strikes.next('event', `${asked.plural} ${line.slice(0, 20)}`)
        switch (strike?.what) {
          case undefined:
            say(line)
            break
          case 'late':
            await delay(strike.ms)
            say(line)
            break
          case 'rewind':
            for (const each of [line, ...last]) say(each)
            break
          case 'crash':
            return proxy.crash()
          case 'gone-status':
            proxy.gone += 1
            return void response.socket?.resetAndDestroy()
          case 'gone-event':
            say(failure(410, 'Expired'))
            return void response.end()
          case 'error-event':
            say(failure(500, 'InternalError'))
            return void response.end()
          case 'lost':
            return void response.socket?.resetAndDestroy()
          case 'cut':
            response.write(line.slice(0, line.length >> 1), () => response.destroy())
            return
          case 'ended':
            return void response.end()
          case 'hang':
            await delay(PROBED, undefined, { signal: proxy.signal })
            return void response.socket?.resetAndDestroy()
        }
      }
    }
    response.end()
  } catch {
    // One of both sides has gone; so does the other.
    response.destroy()
  } finally {
    upstream.destroy()
  }
}

function failure(code: number, reason: string): string {
  return JSON.stringify({ type: 'ERROR', object: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason } })
}

function isBookmark(line: string): boolean {
  return line.startsWith('{"type":"BOOKMARK"')
}
