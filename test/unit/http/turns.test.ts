import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import { z } from '../../../core/validate/index.ts'
import { createHttpApp, route, serve } from '../../../platform/http/index.ts'
import { WAITING_BYTES, WAITING_MAX } from '../../../platform/http/turns.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'

/** A service that answers when it is told to, and keeps the numbers of the requests that it began to answer. */
async function served() {
  const app = createHttpApp({ name: 'test', log: silentLog, metrics: createMetrics('test'), ready: async () => {} })
  const begun: string[] = []
  const answers: (() => void)[] = []
  const body = z.object({ n: z.string() })
  const params = z.strictObject({ n: z.string() })
  route(app, 'get', '/v1/things/:n', { summary: 'x', params, answer: { status: 200, body } }, async ({ params: { n } }) => {
    begun.push(n)
    await new Promise<void>((resolve) => answers.push(resolve))
    return { n }
  })
  const serving = await serve(app, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 })
  onTestFinished(() => serving.close())
  const ask = async (
    count: number,
    more = (_: number) => '\r\n',
  ): Promise<{ readonly socket: Socket; readonly text: () => string; readonly got: () => string[]; readonly closed: Promise<unknown> }> => {
    const socket = connect({ port: serving.port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    await once(socket, 'connect')
    socket.write(Array.from({ length: count }, (_, n) => `GET /v1/things/${n} HTTP/1.1\r\nhost: x\r\n${more(n)}`).join(''))
    return { socket, text: () => text, got: () => [...text.matchAll(/\{"n":"(\d+)"\}/g)].map(([, n = '']) => n), closed }
  }
  const connections = () => promisify(serving.server.getConnections.bind(serving.server))()
  return { serving, begun, answers, ask, connections, url: `http://127.0.0.1:${serving.port}` }
}

test('requests that are sent ahead are answered one after another, each when the one before it was', async () => {
  const { begun, answers, ask } = await served()
  const { got, socket } = await ask(1 + WAITING_MAX)
  const all = Array.from({ length: 1 + WAITING_MAX }, (_, n) => String(n))
  for (const n of all) {
    await expect.poll(() => answers.length, { timeout: 15_000 }).toBe(1)
    expect(begun.at(-1)).toBe(n)
    answers.pop()?.()
    await expect.poll(() => got().at(-1), { timeout: 15_000 }).toBe(n)
  }
  expect([begun, got()]).toEqual([all, all])
  // It goes on as any other.
  socket.write('GET /v1/things/99 HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(() => answers.length, { timeout: 15_000 }).toBe(1)
  answers.pop()?.()
  await expect.poll(() => got().at(-1), { timeout: 15_000 }).toBe('99')
})

test('a connection that sends too many ahead is cut, and what waited is not begun; others are served', async () => {
  const { begun, answers, ask, url } = await served()
  const { closed, got } = await ask(2 + WAITING_MAX)
  await closed
  for (const answer of answers.splice(0)) answer()
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  expect([begun, got()]).toEqual([['0'], []])
})

test('what waits when its client goes is not begun', async () => {
  const { begun, answers, ask, connections, url } = await served()
  const { socket } = await ask(3)
  await expect.poll(() => answers.length, { timeout: 15_000 }).toBe(1)
  socket.destroy()
  await expect.poll(connections, { timeout: 15_000 }).toBe(0)
  for (const answer of answers.splice(0)) answer()
  for (let k = 0; k < 3; k++) expect((await fetch(`${url}/livez`)).status).toBe(200)
  expect(begun).toEqual(['0'])
})

test('a connection that sends too much ahead is cut: nothing reads the bodies of what waits', async () => {
  const { begun, ask } = await served()
  const { closed, text } = await ask(4, (n) => (n === 0 ? '\r\n' : `content-length: ${WAITING_BYTES}\r\n\r\n${'x'.repeat(WAITING_BYTES)}`))
  await closed
  // Not by the end of the time that the first one has for its answer.
  expect([begun, text()]).toEqual([['0'], ''])
})

test('what waits behind an answer that is the last one of its connection is not begun', async () => {
  const { serving, begun, answers, ask } = await served()
  const { closed, got } = await ask(3)
  await expect.poll(() => answers.length, { timeout: 15_000 }).toBe(1)
  const stopped = serving.close()
  for (const answer of answers.splice(0)) answer()
  await Promise.all([closed, stopped])
  expect([begun, got()]).toEqual([['0'], ['0']])
})

test('what Node would refuse at once waits as any other: a packet of it is not answered in one go', async () => {
  const { answers, ask, serving } = await served()
  const { socket, got, text } = await ask(1)
  await expect.poll(() => answers.length, { timeout: 15_000 }).toBe(1)
  socket.write('GET /v1/things/1 HTTP/1.1\r\nhost: x\r\nexpect: much\r\n\r\nGET /livez HTTP/1.1\r\n\r\n')
  answers.pop()?.()
  // An expectation that nobody knows is ignored (RFC 9110, 10.1.1).
  await expect.poll(() => answers.length, { timeout: 15_000 }).toBe(1)
  answers.pop()?.()
  await expect.poll(text, { timeout: 15_000 }).toContain('no Host')
  expect([got(), text().match(/HTTP\/1\.1 \d+/g)]).toEqual([
    ['0', '1'],
    ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400'],
  ])
  const many = (line: string) => ask(1, () => `\r\n${`GET /v1/things/1 HTTP/1.1\r\n${line}\r\n`.repeat(2 + WAITING_MAX)}`)
  for (const line of ['', 'host: x\r\nexpect: much\r\n']) await (await many(line)).closed
  await serving.close()
})
