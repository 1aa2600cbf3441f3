import { silentLog } from '../../../core/ports/log-port.ts'
import { z } from '../../../core/validate/index.ts'
import type { HttpApp } from '../../../platform/http/index.ts'
import { serve } from '../../../platform/http/index.ts'
import { createLog } from '../../../platform/log/index.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface Served {
  readonly url: string
  ask(method: string, path: string, body?: unknown, token?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  close(): Promise<void>
}

/** The real algorithm at a cost that lets a test ask a thousand times. */
export const cheap = createPasswordHasher({ memoryKib: 64, passes: 1, waiting: 1_000 })

/** What a login answers. */
export const session = z.object({
  account: z.strictObject({ id: z.string(), name: z.string() }),
  accessToken: z.string(),
  expiresInMs: z.literal(600_000),
  refreshToken: z.string(),
})

/** The application on a free port, or that which is given, and a client for its JSON. */
export async function serveApp(app: HttpApp, port = 0): Promise<Served> {
  const serving = await serve(app, { port, host: '127.0.0.1', log: silentLog, drainMs: 0 })
  const url = `http://127.0.0.1:${serving.port}`
  return {
    url,
    close: () => serving.close(),
    async ask(method, path, body, token, more) {
      const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...more }
      const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const text = await response.text()
      const { status, headers: answered } = response
      return {
        status,
        headers: answered,
        type: answered.get('content-type') ?? '',
        body: text === '' ? {} : record.parse(JSON.parse(text)),
      }
    },
  }
}

const record = z.record(z.string(), z.unknown())

/** A log whose lines are kept. */
export function collectLog() {
  const lines: string[] = []
  return { lines, log: createLog({ name: 'test', level: 'debug', destination: { write: (line) => lines.push(line) } }) }
}
