import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLog } from '../../../platform/log/index.ts'
import { extent } from '../../faults/extent.ts'
import { fleet, IndexHost, zoneSettings } from '../client/doubles/index-host.ts'
import { allocatorStage } from './stage.ts'

const BODIES = extent({ quick: 300, usual: 1_000, full: 10_000 })
/** Nearly right is worse than random: bodies of the right shape with something odd in one place. */
const odd = fc.oneof(fc.constant(null), fc.integer(), fc.string(), fc.array(fc.integer(), { maxLength: 3 }), fc.constant({}), fc.double())
const joinLike = fc.record({ character: fc.oneof(odd, fc.string({ maxLength: 100 })), extra: odd }, { requiredKeys: [] })
const status = fc.record({ replicas: odd, readyReplicas: odd, reservedReplicas: odd, allocatedReplicas: odd }, { requiredKeys: [] })
const autoscaleLike = fc.record({
  request: fc.record(
    { uid: odd, name: fc.oneof(odd, fc.constant('zone-servers')), namespace: fc.oneof(odd, fc.constant('game')), status, annotations: odd },
    { requiredKeys: [] },
  ),
  response: odd,
})

async function postAll(url: string, headers: Record<string, string>, bodies: readonly string[]): Promise<readonly [Response, unknown][]> {
  const answers: [Response, unknown][] = []
  for (let at = 0; at < bodies.length; at += 50) {
    const batch = bodies.slice(at, at + 50).map(async (body): Promise<[Response, unknown]> => {
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
      return [answer, await answer.json()]
    })
    answers.push(...(await Promise.all(batch)))
  }
  return answers
}

describe('bad input', () => {
  it(`${BODIES} random bodies to join and to the webhook get a clear problem, and nobody notices`, {
    timeout: 60_000 + BODIES * 10,
  }, async () => {
    const lines: string[] = []
    const log = createLog({ name: 'allocator', level: 'debug', destination: { write: (line) => lines.push(line) } })
    const stage = await allocatorStage({ log })
    await stage.index.putZone(zoneSettings())
    const host = new IndexHost(stage.index, { name: 'host-1', endpoints: ['127.0.0.1:7000'] })
    await host.start()
    const token = await stage.token()
    const before = await stage.index.fleetView(fleet)
    const json = fc.json({ maxDepth: 3 })
    // Random text half of the time: not all of it is JSON.
    const bodies = fc.sample(
      fc.oneof(
        json,
        fc.string({ maxLength: 200 }),
        joinLike.map((body) => JSON.stringify(body)),
      ),
      BODIES / 2,
    )
    const reviews = fc.sample(
      fc.oneof(
        json,
        fc.string({ maxLength: 200 }),
        autoscaleLike.map((body) => JSON.stringify(body)),
      ),
      BODIES / 2,
    )
    const joins = await postAll(`${stage.url}/v1/zones/game/nowhere/join`, { authorization: `Bearer ${token}` }, bodies)
    const autoscales = await postAll(`${stage.internalUrl}/autoscale`, {}, reviews)
    for (const [answer, body] of [...joins, ...autoscales]) {
      expect(answer.status).toBeLessThan(500)
      if (answer.ok) continue
      expect(answer.headers.get('content-type')).toMatch('application/problem+json')
      expect(body).toMatchObject({ code: expect.any(String), status: answer.status, title: expect.any(String) })
    }
    expect(joins.filter(([answer]) => answer.status === 400).length).toBeGreaterThan(BODIES / 4)
    expect(autoscales.filter(([answer]) => answer.status === 400).length).toBeGreaterThan(BODIES / 4)
    const after = await stage.index.fleetView(fleet)
    expect(after.layers).toEqual(before.layers)
    expect(lines.length).toBeGreaterThan(BODIES)
    expect(lines.filter((line) => line.includes(token))).toEqual([])
    await host.die()
  })

  it.each([
    ['a body that is too large', { body: JSON.stringify({ character: 'x'.repeat(70_000) }) }, 413, 'PayloadTooLarge'],
    ['no body', {}, 400, 'InvalidInput'],
    ['an array', { body: '[]' }, 400, 'InvalidInput'],
    ['another type', { body: 'character=c', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 400, 'InvalidInput'],
    ['no token', { body: '{"character":"c"}', headers: { authorization: '' } }, 401, 'Unauthenticated'],
  ])('%s', async (_, parts, status, code) => {
    const stage = await allocatorStage()
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${await stage.token()}`,
      ...('headers' in parts ? parts.headers : {}),
    }
    const answer = await fetch(`${stage.url}/v1/zones/game/meadow/join`, {
      method: 'POST',
      ...('body' in parts ? { body: parts.body } : {}),
      headers,
    })
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ code })
  })
})
