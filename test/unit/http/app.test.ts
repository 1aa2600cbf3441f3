import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { z } from '../../../core/validate/index.ts'
import type { HttpApp, Serving } from '../../../platform/http/index.ts'
import { createHttpApp, files, route, serve } from '../../../platform/http/index.ts'
import { createLog } from '../../../platform/log/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'

const lines: string[] = []
let ready: () => Promise<void> = async () => {}
let app: HttpApp
let serving: Serving
let url: string

const thing = z.object({ id: z.string(), size: z.number() })

beforeAll(async () => {
  const log = createLog({ name: 'test', level: 'debug', destination: { write: (line) => lines.push(line) } })
  app = createHttpApp({ name: 'test', log, metrics: createMetrics('test'), ready: () => ready() })
  const things: Record<string, { id: string; size: number; hidden: string }> = {}
  route(
    app,
    'post',
    '/v1/things',
    { summary: 'Makes a thing', body: z.strictObject({ id: z.string().max(10), size: z.int() }), answer: { status: 201, body: thing } },
    async ({ body }) => {
      things[body.id] = { ...body, hidden: 'INNER' }
      return { ...body, hidden: 'INNER' }
    },
  )
  const params = z.strictObject({ id: z.string().max(10) })
  route(
    app,
    'get',
    '/v1/things/:id',
    { summary: 'A thing', params, answer: { status: 200, body: thing }, errors: ['NotFound'] },
    async ({ params }) => {
      if (params.id === 'crash') throw new Error('INNER TEXT')
      if (params.id === 'store') throw new BailiwickError('StoreUnavailable', { found: 'INNER address', todo: 'try again' })
      if (params.id === 'waking') throw new BailiwickError('ZoneWaking', { asked: 'zone a/b', retryAfterMs: 1_001 })
      const found = things[params.id]
      if (found === undefined) throw new BailiwickError('NotFound', { asked: params.id })
      return found
    },
  )
  route(app, 'delete', '/v1/things/:id', { summary: 'Gone', params, answer: { status: 204 } }, async () => {})
  const auth = async (header: string | undefined) => {
    if (header !== 'Bearer good') throw new BailiwickError('Unauthenticated', { todo: 'log in' })
    return { account: 'a' }
  }
  const query = z.strictObject({ limit: z.coerce.number().int().max(5).default(1) })
  const answer = { status: 200, body: z.object({ account: z.string(), limit: z.number() }) } as const
  route(app, 'get', '/v1/me', { summary: 'Me', auth, query, answer }, async ({ caller, query }) => ({
    account: caller.account,
    limit: query.limit,
  }))
  files(app, '/page', import.meta.dirname, "default-src 'self'")
  serving = await serve(app, { port: 0, host: '127.0.0.1', log, drainMs: 0 })
  url = `http://127.0.0.1:${serving.port}`
})

afterAll(() => serving.close())

const post = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  fetch(`${url}/v1/things`, { method: 'POST', headers, body })

const json = JSON.stringify
const bodyOf = async (response: Response): Promise<Record<string, unknown>> =>
  z.record(z.string(), z.unknown()).parse(await response.json())
describe('problems', () => {
  test.each<[string, () => Promise<Response>, number, string, string]>([
    ['no JSON', () => post('{"id":'), 400, 'InvalidInput', 'no JSON'],
    ['a JSON number', () => post('7'), 400, 'InvalidInput', ''],
    ['an array', () => post('[]'), 400, 'InvalidInput', 'body'],
    ['no content type', () => post(Buffer.from('{}'), {}), 400, 'InvalidInput', 'application/json'],
    ['form', () => post('id=1', { 'content-type': 'application/x-www-form-urlencoded' }), 400, 'InvalidInput', 'application/json'],
    [
      'compressed',
      () => post('{}', { 'content-type': 'application/json', 'content-encoding': 'gzip' }),
      400,
      'InvalidInput',
      'uncompressed',
    ],
    ['other charset', () => post('{}', { 'content-type': 'application/json; charset=latin9' }), 400, 'InvalidInput', 'UTF-8'],
    ['missing field', () => post(json({ id: 'a' })), 400, 'InvalidInput', 'size'],
    ['unknown field', () => post(json({ id: 'a', size: 1, color: 'red' })), 400, 'InvalidInput', 'color'],
    ['prototype field', () => post('{"id":"a","size":1,"__proto__":{"x":1}}'), 400, 'InvalidInput', ''],
    ['object in a string field', () => post(json({ id: { $gt: '' }, size: 1 })), 400, 'InvalidInput', 'id'],
    ['too large', () => post(json({ id: 'a'.repeat(70_000), size: 1 })), 413, 'PayloadTooLarge', '64 KiB'],
    ['bad query', () => fetch(`${url}/v1/me?limit=6`, { headers: { authorization: 'Bearer good' } }), 400, 'InvalidInput', 'limit'],
    [
      'doubled query',
      () => fetch(`${url}/v1/me?limit=1&limit=2`, { headers: { authorization: 'Bearer good' } }),
      400,
      'InvalidInput',
      'limit',
    ],
    ['unknown query', () => fetch(`${url}/v1/me?x=6`, { headers: { authorization: 'Bearer good' } }), 400, 'InvalidInput', 'x'],
    ['no token', () => fetch(`${url}/v1/me`), 401, 'Unauthenticated', 'log in'],
    ['long path part', () => fetch(`${url}/v1/things/abcdefghijkl`), 400, 'InvalidInput', 'id'],
    ['bad encoding', () => fetch(`${url}/v1/things/%ff`), 400, 'InvalidInput', 'address'],
    ['unknown address', () => fetch(`${url}/v2`), 404, 'NotFound', 'GET /v2'],
    ['climbing out of files', () => fetch(`${url}/page/..%2f..%2f..%2fpackage.json`), 404, 'NotFound', ''],
    ['other method', () => fetch(`${url}/v1/things/a`, { method: 'PUT' }), 405, 'MethodNotAllowed', 'GET or HEAD or DELETE'],
    ['error of the catalogue', () => fetch(`${url}/v1/things/waking`), 503, 'ZoneWaking', 'zone a/b'],
  ])('%s', async (_, ask, status, code, detail) => {
    const response = await ask()
    const body = await bodyOf(response)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(body).toMatchObject({ status, code, type: `urn:bailiwick:error:${code}` })
    expect(response.status).toBe(status)
    expect(String(body['detail'] ?? '')).toContain(detail)
    expect(body['requestId']).toBe(response.headers.get('x-request-id'))
  })

  test.each(['crash', 'store'])('inner text of %s is logged and not sent', async (id) => {
    const text = await (await fetch(`${url}/v1/things/${id}`)).text()
    expect(text).not.toContain('INNER')
    expect(lines.join('')).toContain('INNER')
  })

  test('headers: Retry-After rounded up, Allow, WWW-Authenticate', async () => {
    expect((await fetch(`${url}/v1/things/waking`)).headers.get('retry-after')).toBe('2')
    expect((await fetch(`${url}/v1/things/a`, { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD, DELETE')
    expect((await fetch(`${url}/v1/me`)).headers.get('www-authenticate')).toBe('Bearer')
  })

  test('any body is answered with 201 or a problem', async () => {
    const check = async (body: unknown) => {
      const response = await post(json(body) ?? 'null')
      expect([201, 400]).toContain(response.status)
      expect(await response.json()).toBeTypeOf('object')
    }
    await fc.assert(fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.record({ id: fc.string(), size: fc.jsonValue() })), check), {
      numRuns: 300,
    })
  })
})

test('answers hold what their schema names, nothing else', async () => {
  const response = await post(json({ id: 'a', size: 1 }))
  expect(response.status).toBe(201)
  expect(await response.json()).toEqual({ id: 'a', size: 1 })
  expect((await fetch(`${url}/v1/things/a`, { method: 'DELETE' })).status).toBe(204)
})

test('request ids: a sane one is kept, another replaced; logged', async () => {
  const ask = async (id: string) => (await fetch(`${url}/livez`, { headers: { 'x-request-id': id } })).headers.get('x-request-id')
  expect(await ask('abc-123')).toBe('abc-123')
  expect(await ask('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/)
  expect(await ask('a b<script>')).toMatch(/^[0-9a-f-]{36}$/)
  await expect.poll(() => lines.join('')).toContain('"requestId":"abc-123"')
})

test('security headers, and a policy of their own for files', async () => {
  const { headers } = await fetch(`${url}/livez`)
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(headers.get('x-powered-by')).toBeNull()
  const page = await fetch(`${url}/page/app.test.ts`)
  expect(page.status).toBe(200)
  expect(page.headers.get('content-security-policy')).toBe("default-src 'self'")
})

test('OPTIONS says which methods there are, with what every answer says', async () => {
  const answer = await fetch(`${url}/v1/things/a`, { method: 'OPTIONS', headers: { 'x-request-id': 'abc' } })
  expect([answer.status, answer.headers.get('allow'), answer.headers.get('x-request-id')]).toEqual([204, 'GET, HEAD, DELETE', 'abc'])
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
})

test('a fixed path goes before a pattern that it fits, for every method and in any order', async () => {
  const fixed = createHttpApp({ name: 'fixed', log: silentLog, metrics: createMetrics('fixed'), ready: async () => {} })
  const params = z.strictObject({ id: z.string() })
  route(fixed, 'delete', '/v1/things/:id', { summary: 'Gone', params, answer: { status: 204 } }, async () => {})
  route(fixed, 'post', '/v1/things/all', { summary: 'All', answer: { status: 204 } }, async () => {})
  await using served = disposable(await serve(fixed, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 }))
  const ask = async (method: string, path: string) => {
    const { status, headers } = await fetch(`http://127.0.0.1:${served.port}${path}`, { method })
    return [status, headers.get('allow')]
  }
  expect(await ask('DELETE', '/v1/things/all')).toEqual([405, 'POST'])
  expect(await ask('OPTIONS', '/v1/things/all')).toEqual([204, 'POST'])
  expect(await ask('POST', '/v1/things/all')).toEqual([204, null])
  expect(await ask('DELETE', '/v1/things/one')).toEqual([204, null])
  expect(await ask('OPTIONS', '/v1/things/one')).toEqual([204, 'DELETE'])
})

test('/readyz follows the service, /metrics counts by route', async () => {
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  ready = () => Promise.reject(new BailiwickError('StoreUnavailable'))
  const response = await fetch(`${url}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'StoreUnavailable' })
  ready = async () => {}
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  await fetch(`${url}/v1/things/nothing`)
  const text = () => fetch(`${url}/metrics`).then((answer) => answer.text())
  await expect.poll(text).toContain('http_requests_total{method="GET",route="/v1/things/:id",status="404",program="test"}')
})

test('the OpenAPI document is made of the schemas that check', async () => {
  const document = await bodyOf(await fetch(`${url}/openapi.json`))
  const things = {
    type: 'object',
    required: ['id', 'size'],
    additionalProperties: false,
    properties: { id: { type: 'string', maxLength: 10 }, size: { type: 'integer' } },
  }
  expect(document).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/v1/things': { post: { requestBody: { content: { 'application/json': { schema: things } } } } },
      '/v1/things/{id}': {
        get: {
          parameters: [{ name: 'id', in: 'path', required: true }],
          responses: { 404: { description: expect.stringContaining('NotFound') } },
        },
      },
      '/v1/me': { get: { security: [{ accessToken: [] }], parameters: [{ name: 'limit', in: 'query', required: false }] } },
    },
  })
})

test('links of an answer lead to routes of the document, and to no other', async () => {
  const make = async (to: `get /${string}`) => {
    const linked = createHttpApp({ name: 'linked', log: silentLog, metrics: createMetrics('linked'), ready: async () => {} })
    const parameters = { id: '$response.body#/id' }
    const links = { read: { summary: 'Read it', to, parameters } }
    route(linked, 'post', '/v1/things', { summary: 'Makes one', answer: { status: 201, body: thing, links } }, async () => ({
      id: 'a',
      size: 1,
    }))
    const params = z.strictObject({ id: z.string() })
    route(linked, 'get', '/v1/things/:id', { summary: 'A thing', params, answer: { status: 204 } }, async () => {})
    await using served = disposable(await serve(linked, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 }))
    return await (await fetch(`http://127.0.0.1:${served.port}/openapi.json`)).json()
  }
  const operationRef = '#/paths/~1v1~1things~1{id}/get'
  const link = { description: 'Read it', operationRef, parameters: { id: '$response.body#/id' } }
  expect(await make('get /v1/things/:id')).toMatchObject({
    paths: { '/v1/things': { post: { responses: { 201: { links: { read: link } } } } } },
  })
  expect(await make('get /v1/nothing')).toMatchObject({ code: 'ConfigInvalid' })
})

test('a schema that would drop unknown fields silently is refused when the route is made', () => {
  const make = () => route(app, 'post', '/v1/loose', { summary: 'x', body: z.object({}), answer: { status: 204 } }, async () => {})
  expect(make).toThrow('strictObject')
})

test('rate: beyond the burst an address is refused with Retry-After; probes are not', async () => {
  const narrow = createHttpApp({
    name: 'narrow',
    log: silentLog,
    metrics: createMetrics('narrow'),
    ready: async () => {},
    rate: { perSecond: 0.5, burst: 2, addresses: 10 },
  })
  await using served = disposable(await serve(narrow, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 }))
  const ask = (path: string) => fetch(`http://127.0.0.1:${served.port}${path}`)
  expect([(await ask('/a')).status, (await ask('/a')).status]).toEqual([404, 404])
  const third = await ask('/a')
  expect(third.status).toBe(429)
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await ask('/livez')).status).toBe(200)
})

test('a request that takes too long, in the handler or in the sending, is answered with Timeout and aborted', async () => {
  const slow = createHttpApp({ name: 'slow', log: silentLog, metrics: createMetrics('slow'), ready: async () => {}, deadlineMs: 100 })
  const aborted = Promise.withResolvers<unknown>()
  const body = z.strictObject({})
  route(slow, 'post', '/never', { summary: 'never', body, answer: { status: 204 } }, ({ signal }) => {
    return new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted.resolve(signal.reason)
        reject(signal.reason)
      })
    })
  })
  await using served = disposable(await serve(slow, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 }))
  const response = await fetch(`http://127.0.0.1:${served.port}/never`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'Timeout' })
  expect(await aborted.promise).toMatchObject({ code: 'Timeout' })
  const socket = connect(served.port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString()
  })
  socket.write('POST /never HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":')
  await once(socket, 'close')
  expect(answer).toContain('HTTP/1.1 503')
  expect(answer).toContain('"code":"Timeout"')
})

/** What a socket is answered to this request line. */
async function answerTo(line: string): Promise<string> {
  const socket = connect(serving.port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString()
  })
  socket.write(`${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
  await once(socket, 'close')
  return answer
}

// Node's parser lets all of them through, and URL parsers throw.
test.each(['http://[%]/', 'http://a:b:c/', 'http://[::1/', 'http://'])('a target that is no address is refused: %s', async (target) => {
  for (const method of ['GET', 'OPTIONS', 'DELETE']) {
    const answer = await answerTo(`${method} ${target}`)
    expect(answer).toContain('HTTP/1.1 400')
    expect(answer).toContain('"code":"InvalidInput"')
  }
  expect((await fetch(`${url}/livez`)).status).toBe(200)
})

test('a target may name the whole address', async () => {
  expect(await answerTo('GET http://elsewhere.example/livez?a=b')).toContain('HTTP/1.1 200')
  expect(await answerTo('GET http://elsewhere.example')).toContain('HTTP/1.1 404')
})

test('a taken port is said by its number', async () => {
  const again = serve(app, { port: serving.port, host: '127.0.0.1', log: silentLog })
  await expect(again).rejects.toMatchObject({ code: 'ConfigInvalid', asked: `port ${serving.port} on 127.0.0.1` })
})

test('close lets a running request finish, closes idle connections, refuses new ones', async () => {
  const stopping = createHttpApp({ name: 'stopping', log: silentLog, metrics: createMetrics('stopping'), ready: async () => {} })
  const entered = Promise.withResolvers<void>()
  const leave = Promise.withResolvers<void>()
  route(stopping, 'get', '/slow', { summary: 'slow', answer: { status: 200, body: z.object({ done: z.boolean() }) } }, async () => {
    entered.resolve()
    await leave.promise
    return { done: true }
  })
  const served = await serve(stopping, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 })
  const idle = connect(served.port, '127.0.0.1')
  await once(idle, 'connect')
  const ended = once(idle, 'close')
  idle.resume()
  idle.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(idle, 'data')
  const slow = fetch(`http://127.0.0.1:${served.port}/slow`)
  await entered.promise
  const closed = served.close()
  await ended
  await expect(fetch(`http://127.0.0.1:${served.port}/livez`)).rejects.toThrow()
  leave.resolve()
  expect(await (await slow).json()).toEqual({ done: true })
  await closed
})

function disposable(served: Serving): Serving & AsyncDisposable {
  return Object.assign(served, { [Symbol.asyncDispose]: () => served.close() })
}
