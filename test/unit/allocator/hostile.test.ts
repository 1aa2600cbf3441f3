import { describe, expect, it, onTestFinished, test } from 'vitest'
import { readJoin } from '../../../client/answers.ts'
import { readTicket } from '../../../core/ticket.ts'
import { z } from '../../../core/validate/index.ts'
import { askRaw } from '../../raw-request.ts'
import { fleet, IndexHost, meadow, zoneSettings } from '../client/doubles/index-host.ts'
import { allocatorStage, type Stage } from './stage.ts'

async function served(): Promise<Stage> {
  const stage = await allocatorStage()
  await stage.index.putZone(zoneSettings())
  const host = new IndexHost(stage.index, { name: 'host-1', endpoints: ['127.0.0.1:7000'] })
  onTestFinished(() => host.die())
  await host.start()
  return stage
}

function post(stage: Stage, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Response> {
  const all = { 'content-type': 'application/json', ...headers }
  return fetch(`${stage.url}${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })
}

const codeOf = async (answer: Response): Promise<unknown> => z.object({ code: z.string().optional() }).parse(await answer.json()).code

const path = `/v1/zones/${meadow}/join`

test('a banned account wakes no zone and gets no ticket; lifted, it is let in', async () => {
  const stage = await served()
  await stage.index.barAccount('account-1', 3_600_000)
  // Heard of within a second.
  await expect.poll(async () => codeOf(await stage.join(meadow, 'ada'))).toBe('Banned')
  // What was woken before that has to settle.
  const [{ layers }] = [await stage.index.fleetView(fleet)]
  await stage.index.putZone(zoneSettings({ zone: 'game/forest', uid: 'forest' }))
  const refused = await stage.join('game/forest', 'ada')
  expect([refused.status, await codeOf(refused)]).toEqual([403, 'Banned'])
  expect((await stage.index.fleetView(fleet)).layers.length).toBe(layers.length)
  expect((await stage.join(meadow, 'bea', await stage.token('account-2'))).status).toBe(200)
  await stage.index.unbarAccount('account-1')
  await expect.poll(async () => (await stage.join(meadow, 'ada')).status).toBe(200)
})

describe('a join with a key', () => {
  const ticketOf = async (answer: Response): Promise<string> => readJoin(await answer.json(), 'join').ticket

  it('that is repeated gets the same ticket; with another key, of another token is another, and of another character', async () => {
    const stage = await served()
    const token = await stage.token()
    const ask = (more: { readonly key?: string; readonly token?: string; readonly character?: string } = {}) => {
      const headers = { authorization: `Bearer ${more.token ?? token}`, 'idempotency-key': more.key ?? 'k' }
      return post(stage, path, { character: more.character ?? 'ada' }, headers)
    }
    const first = await ticketOf(await ask())
    expect(await ticketOf(await ask())).toBe(first)
    const others = [await ask({ key: 'x' }), await ask({ token: await stage.token('account-2') }), await ask({ character: 'bea' })]
    const tickets = await Promise.all(others.map(ticketOf))
    expect(new Set([first, ...tickets]).size).toBe(4)
    // Once it was used there is another.
    const { ok } = await stage.index.redeemTicket(fleet, 'game/meadow/0', 'host-1', 1, readTicket(first).id)
    expect(ok).toBe(true)
    const next = await ticketOf(await ask())
    expect(next).not.toBe(first)
    expect(await stage.index.redeemTicket(fleet, 'game/meadow/0', 'host-1', 1, readTicket(next).id)).toMatchObject({
      ok: true,
      character: 'ada',
    })
  })

  it.each(['a key of 1', 'x'.repeat(201)])('that is none is refused: %s', async (key) => {
    const stage = await served()
    const answer = await post(stage, path, { character: 'ada' }, { authorization: `Bearer ${await stage.token()}`, 'idempotency-key': key })
    expect([answer.status, await codeOf(answer)]).toEqual([400, 'InvalidInput'])
  })
})

const bodies: readonly (readonly [string, unknown])[] = [
  ['another account', { character: 'ada', account: 'account-2' }],
  ['roles', { character: 'ada', roles: ['admin'] }],
  ['a layer', { character: 'ada', layer: 'game/meadow/7' }],
  ['a ticket', { character: 'ada', ticket: 'AAAAAAAAAAAAAAAAAAAAAA' }],
  ['an object for a character', { character: { $ne: null } }],
  ['a list for a character', { character: ['ada'] }],
  ['a path for a character', { character: '../ada' }],
  ['a field of the prototype', JSON.parse('{"character":"ada","__proto__":{"x":1}}')],
  ['an object for a layer', { character: 'ada', unreached: { layer: { $gt: '' }, epoch: 1 } }],
]

it.each(bodies)('a body that says more, or something else, is refused: %s', async (_, body) => {
  const stage = await served()
  const answer = await post(stage, path, body, { authorization: `Bearer ${await stage.token()}` })
  expect([answer.status, await codeOf(answer)]).toEqual([400, 'InvalidInput'])
})

it.each([
  '/v1/zones/game/../game/meadow/join',
  '/v1/zones/game%2Fmeadow/join',
  '/v1/zones/game/%2e%2e/join',
  '/v1/zones/game/meadow%00/join',
  '/v1/zones/game/meadow;x=1/join',
  '/v1/zones/GAME/MEADOW/join',
  '/v1/zones/game/meadow/join/..',
  '//v1/zones/game/meadow/join',
  '/v1/zones/game/meadow/join?account=account-2',
  '/v1/zones/game/$ne/join',
  '/v1/zones/game/%/join',
  `/v1/zones/game/${'a'.repeat(64)}/join`,
])('the path %s leads nowhere', async (written) => {
  const stage = await served()
  expect([400, 404, 405]).toContain(await askRaw(stage.url, 'POST', written, await stage.token(), '{"character":"ada"}'))
})

it.each([
  ['x-http-method-override', 'DELETE'],
  ['x-original-url', '/v1/zones/game/other/join'],
  ['x-rewrite-url', '/v1/zones/game/other/join'],
  ['x-forwarded-user', 'account-2'],
  ['x-account', 'account-2'],
  ['x-forwarded-host', 'evil.example'],
])('the header %s changes nothing', async (name, value) => {
  const stage = await served()
  const answer = await post(stage, path, { character: 'ada' }, { authorization: `Bearer ${await stage.token()}`, [name]: value })
  const { layer, ticket } = readJoin(await answer.json(), 'join')
  expect(layer).toBe('game/meadow/0')
  expect(await stage.index.redeemTicket(fleet, 'game/meadow/0', 'host-1', 1, readTicket(ticket).id)).toMatchObject({ account: 'account-1' })
})

it.each(['Basic YTpi', 'bearer', 'Bearer', 'Bearer a b', 'Bearer ..', 'Bearer  x', 'Digest x'])(
  'the authorization %j is none',
  async (authorization) => {
    const stage = await served()
    const answer = await post(stage, path, { character: 'ada' }, { authorization })
    expect([answer.status, await codeOf(answer)]).toEqual([401, 'Unauthenticated'])
  },
)
