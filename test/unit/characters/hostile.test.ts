import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askRaw } from '../../raw-request.ts'
import { idOf, problem, Stage } from './stage.ts'

let stage: Stage
let ann: Awaited<ReturnType<Stage['player']>>
let id: string
beforeAll(async () => {
  stage = await Stage.open()
  ann = await stage.player()
  id = idOf(await ann.make('Hostile'))
})
afterAll(() => stage.close())

/** What a database or a template would take for something else than a text. */
const injections: readonly unknown[] = [
  { $ne: null },
  { $gt: '' },
  { $where: 'sleep(1000)' },
  { $regex: '.*' },
  [{ $ne: null }],
  { toString: 'x' },
  ['Name'],
  null,
  true,
  7,
  '$where',
  "'; DROP TABLE records; --",
  '../../etc/passwd',
  '{{7*7}}',
  '<script>',
  'a\u0000b',
  'a\u202eb',
  'a\u200bbc',
  '',
  'ab',
  'x'.repeat(21),
  'x'.repeat(70_000),
]

describe('what is no name', () => {
  test.each(injections.map((name) => [JSON.stringify(name).slice(0, 40), name]))('%s is refused, made or renamed', async (_, name) => {
    for (const answer of [await ann.make(name), await ann.rename(id, name)]) {
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(answer).toMatchObject({ type: expect.stringContaining('application/problem+json'), body: { code: expect.any(String) } })
    }
    expect((await ann.get(id)).body).toMatchObject({ character: { name: 'Hostile' } })
  })
})

const additions: readonly (readonly [string, object])[] = [
  ['account', { account: 'other' }],
  ['id', { id: 'mine' }],
  ['inventory', { inventory: [{ id: 'i', kind: 'sword' }] }],
  ['stats', { stats: { health: 100, energy: 100 } }],
  ['position', { position: { x: 0, y: 0 } }],
  ['roles', { roles: ['admin'] }],
  ['kind', { kind: 'held' }],
  ['createdAt', { createdAt: 0 }],
  ['constructor', { constructor: { prototype: { admin: true } } }],
]

test.each(additions)('a body that says more than a name is refused: %s', async (_, more) => {
  for (const answer of [
    await ann.ask('POST', '', { name: 'Moreso', ...more }),
    await ann.ask('PATCH', `/${id}`, { name: 'Moreso', ...more }, { 'if-match': '*' }),
  ]) {
    expect(problem(answer)).toEqual({ status: 400, code: 'InvalidInput' })
  }
})

test.each(['..', '%2e%2e', '%2F', 'a%2Fb', '%00', 'a%00', '%ff', 'x'.repeat(65), 'a;b', 'a%20b', '$ne', 'a.b', '__proto__%2e'])(
  'the path %s is none of a character',
  async (path) => {
    const asked = [
      ['GET', undefined],
      ['PATCH', '{"name":"Path"}'],
      ['DELETE', undefined],
    ] as const
    for (const [method, body] of asked) {
      expect([400, 404, 405]).toContain(await askRaw(stage.served.url, method, `/v1/characters/${path}`, ann.accessToken, body))
    }
  },
)

test.each([
  ['if-match', '"'],
  ['if-match', '$ne'],
  ['if-match', `${'"1", '.repeat(17)}"1"`],
  ['if-match', '"1" "2"'],
])('the header %s: %s is refused', async (name, value) => {
  expect(problem(await ann.ask('DELETE', `/${id}`, undefined, { [name]: value }))).toEqual({ status: 400, code: 'InvalidInput' })
  expect(problem(await ann.ask('POST', `/${id}/restore`, undefined, { [name]: value }))).toEqual({ status: 400, code: 'InvalidInput' })
})

test.each([
  ['x-http-method-override', 'DELETE'],
  ['x-original-url', '/v1/characters/other'],
  ['x-forwarded-user', 'admin'],
  ['x-account', 'other'],
])('the header %s changes nothing', async (name, value) => {
  expect((await ann.ask('GET', `/${id}`, undefined, { [name]: value })).body).toMatchObject({
    character: { name: 'Hostile', deletesAt: null },
  })
})

test('the key of a request is that of its account', async () => {
  const bob = await stage.player()
  const mine = await ann.make('Keyholder', 'same-key')
  const theirs = await bob.make('Keyholdes', 'same-key')
  expect([mine.status, theirs.status]).toEqual([201, 201])
  expect(idOf(mine)).not.toBe(idOf(theirs))
  expect(idOf(await ann.make('Keyholder', 'same-key'))).toBe(idOf(mine))
  expect(problem(await bob.make('Keyholder', 'same-key'))).toEqual({ status: 422, code: 'IdempotencyKeyReused' })
})

test('a hundred random bodies: no 5xx, always a problem with a code, no token in the log', async () => {
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({ name: fc.jsonValue() }),
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record({ name: fc.string() }),
  )
  const check = async (bodies: readonly unknown[]) => {
    // Else the limit of the rate would answer instead of what is tested.
    stage.clock.advance(1_000)
    for (const answer of await Promise.all(bodies.map((random) => ann.ask('POST', '', random)))) {
      expect(answer.status === 201 || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)).toBe(true)
      if (answer.status === 201) continue
      expect(answer).toMatchObject({ type: expect.stringContaining('application/problem+json'), body: { code: expect.any(String) } })
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(body, { minLength: 25, maxLength: 25 }), check), { numRuns: 4 })
  expect(stage.lines.join('')).not.toContain('eyJ')
}, 60_000)
