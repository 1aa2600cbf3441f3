import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import { createLog } from '../../../platform/log/index.ts'

function collect(level?: 'debug' | 'warn') {
  const lines: string[] = []
  const log = createLog({ name: 'test', ...(level === undefined ? {} : { level }), destination: { write: (line) => lines.push(line) } })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') }
}

test('a line is one JSON object with time, level, name, event and the fields', () => {
  const { log, lines, last } = collect()
  log.child({ zone: 'game/meadow' }).info({ players: 3 }, 'zone woken')
  expect(lines).toHaveLength(1)
  expect(last()).toMatchObject({ level: 'info', name: 'test', event: 'zone woken', zone: 'game/meadow', players: 3 })
  expect(new Date(last().time).getTime()).toBeGreaterThan(0)
})

test('lines below the level are not written', () => {
  const { log, lines } = collect('warn')
  log.info({}, 'quiet')
  log.warn({}, 'loud')
  expect(lines).toHaveLength(1)
})

test.each([
  ['authorization', { headers: { authorization: 'Bearer SECRET-VALUE' } }],
  ['cookie', { headers: { Cookie: 'SECRET-VALUE' } }],
  ['set-cookie', { 'set-cookie': ['SECRET-VALUE'] }],
  ['password', { body: { name: 'ann', password: 'SECRET-VALUE' } }],
  ['tokens', { accessToken: 'SECRET-VALUE', refresh_token: 'SECRET-VALUE', token: 'SECRET-VALUE' }],
  ['ticket', { ticket: { id: 'SECRET-VALUE' } }],
  ['deep', { a: { b: [{ c: { refreshToken: 'SECRET-VALUE' } }] } }],
  ['URL in text', { url: 'mongodb://user:SECRET-VALUE@db:27017/x' }],
  ['URL object', { url: new URL('redis://user:SECRET-VALUE@redis:6379') }],
  ['error message', { error: new Error('cannot reach redis://:SECRET-VALUE@redis:6379') }],
  ['error cause', { error: new BailiwickError('StoreUnavailable', { cause: new Error('mongodb://u:SECRET-VALUE@h failed') }) }],
  ['fields of a foreign error', { error: Object.assign(new Error('x'), { options: { pass: 'SECRET-VALUE' } }) }],
  ['bearer in text', { text: 'sent Bearer SECRET-VALUE to it' }],
  ['JSON web token in text', { text: 'got eyJhbGciOiJub25lIn0.SECRET-VALUE.SECRET-VALUE' }],
  ['bytes', { key: Buffer.from('SECRET-VALUE') }],
])('no secret is logged: %s', (_, fields) => {
  const { log, lines } = collect()
  log.error(fields, 'event with Bearer SECRET-VALUE')
  log.child(fields).error({}, 'as child')
  expect(lines).toHaveLength(2)
  expect(lines.join('')).not.toContain('SECRET-VALUE')
})

test('whatever is logged makes one line of JSON', () => {
  const { log, lines } = collect()
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  log.info({ loop, big: 1n, when: new Date(Number.NaN), f: () => 1 }, 'odd')
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.anything()), (fields) => log.info(fields, 'any')),
    { numRuns: 300 },
  )
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
})
