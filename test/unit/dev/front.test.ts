import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import { frontListener, passUpgrades } from '../../../dev/front.ts'
import { createHttpApp } from '../../../platform/http/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'

let server: Server

beforeAll(async () => {
  const app = (name: 'auth' | 'characters' | 'allocator') =>
    createHttpApp({ name, log: silentLog, metrics: createMetrics(name), ready: async () => {} })
  const routes = { auth: app('auth'), characters: app('characters'), allocator: app('allocator') }
  server = createServer(frontListener({ ...routes, contentOf: async () => undefined }))
  passUpgrades({ server, keep: () => undefined }, () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** The status of the answer to a request whose target is sent as it stands; 0: the connection was closed without one. */
async function ask(target: string, headers: readonly string[] = []): Promise<number> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (part) => {
    answer += String(part)
  })
  // A reset is an end as well.
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  socket.write([`GET ${target} HTTP/1.1`, 'host: a', ...headers, 'connection: close', '', ''].join('\r\n'), 'latin1')
  await closed
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
}

/** Targets that Node's HTTP parser lets through and a URL parser throws at, or that leave a folder. */
const hostileTargets = [
  'http://[%]/',
  '//[%]/',
  '//[',
  'http://a:99999/',
  '/page/%',
  '/page/%00',
  '/page/..%2f..%2fpackage.json',
  '/client/../../package.json',
  '/core/%2e%2e/package.json',
  '*',
  '/content/[/%5b',
]

describe('the front of the embedded world', () => {
  test.each(hostileTargets)('a request for %s is refused, and the next one is served', async (target) => {
    const status = await ask(target)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(await ask('/')).toBe(200)
  })

  test.each(hostileTargets)('an upgrade for %s is refused, and the next request is served', async (target) => {
    expect(await ask(target, ['upgrade: websocket', 'connection: upgrade'])).toBe(404)
    expect(await ask('/')).toBe(200)
  })

  test('upgrades that are reset at once do not end the process', async () => {
    for (let n = 0; n < 50; n++) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`GET /hosts/none HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n${'x'.repeat(n * 1_000)}`)
      socket.resetAndDestroy()
    }
    expect(await ask('/')).toBe(200)
  })

  test('no target ends the process', async () => {
    const part = fc.constantFrom('/', '//', '[', ']', '%', '%zz', ':', '@', 'http://', 'page', '..', '%2e', 'a', '?', '#', '\\', '\u00ff')
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 8 }), async (parts) => {
        const status = await ask(parts.join(''))
        expect(status === 0 || (status >= 200 && status < 500)).toBe(true)
      }),
      { numRuns: 150 },
    )
    expect(await ask('/')).toBe(200)
  })

  test('the page is served, and nothing beside its folders', async () => {
    expect(await ask('/page/index.html')).toBe(200)
    expect(await ask('/client/answers.ts')).toBe(200)
    expect(await ask('/client/nothing.ts')).toBe(404)
    expect(await ask('/dev/main.ts')).toBe(404)
  })
})
