import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { JoinAnswer } from '../../../client/answers.ts'
import { FLEET_ANNOTATIONS } from '../../../core/capacity.ts'
import type { ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { readTicket } from '../../../core/ticket.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createTokenSigner, type TokenSigner } from '../../../platform/tokens/index.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { fleet, IndexHost, zoneSettings } from '../../unit/client/doubles/index-host.ts'
import { extent } from '../extent.ts'
import { type AllocatorProcess, startAllocatorProcess } from './allocator-process.ts'
import { PATIENT } from './patient.ts'

/**
 * Two allocators over one Redis, and one of them is killed: whoever asked it asks the other and goes on from where it was. What is in the dead one's memory (its copy, who waits, who was
 * sent where) is missed by nobody.
 */
const ROUNDS = extent({ quick: 1, usual: 3, full: 100 })
const CHARACTERS = 12
const WAITING = 6
const PATIENCE = { timeout: 30_000, interval: 10 }
const LIMIT = 120_000

let redis: RedisServer
let index: ZoneIndex
let keys: Server
let signer: TokenSigner
let urls: { readonly redis: string; readonly jwks: string }
let survivor: AllocatorProcess
let victim: AllocatorProcess
const hosts: IndexHost[] = []
let zones = 0

beforeAll(async () => {
  redis = await startRedisServer()
  index = createRedisIndex({ url: redis.url, log: silentLog, timing: PATIENT })
  signer = await createTokenSigner()
  keys = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(signer.publicJwks()))
  })
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  urls = { redis: redis.url, jwks: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/` }
  survivor = await startAllocatorProcess(urls)
}, LIMIT)

afterAll(async () => {
  await survivor?.kill()
  keys?.close()
  await index?.close()
  await redis?.stop()
}, LIMIT)

beforeEach(async () => {
  victim = await startAllocatorProcess(urls)
}, LIMIT)

afterEach(async () => {
  await victim.kill()
  for (const host of hosts.splice(0)) {
    await host.die()
    await index.removeHost(fleet, host.name)
  }
}, LIMIT)

async function newZone(): Promise<ZoneId> {
  zones += 1
  const zone: ZoneId = `game/zone-${zones}`
  await index.putZone(zoneSettings({ zone, uid: zone }))
  // Both know it by the index's own news.
  for (const { url } of [victim, survivor])
    await expect.poll(async () => (await fetch(`${url}/v1/zones/${zone}`)).status, PATIENCE).toBe(200)
  return zone
}

/** With room for what earlier hosts left as well. */
async function startHost(claimMs = 0): Promise<IndexHost> {
  const host = new IndexHost(index, { name: `host-${zones}-${hosts.length}`, endpoints: ['127.0.0.1:7000'], claimMs, capacity: 256 })
  hosts.push(host)
  await host.start()
  return host
}

async function join({ url }: AllocatorProcess, zone: ZoneId, character: string): Promise<Response> {
  const { accessToken } = await signer.sign({ account: `account-of-${character}`, name: character, session: 's', roles: ['player'] })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` }
  return fetch(`${url}/v1/zones/${zone}/join`, { method: 'POST', headers, body: JSON.stringify({ character }) })
}

/** As a client does: asks one, and the other when there is no answer, or none yet. */
async function joinAtEither(first: AllocatorProcess, zone: ZoneId, character: string): Promise<JoinAnswer> {
  const until = performance.now() + PATIENCE.timeout
  const other = first === victim ? survivor : victim
  for (let at = first; ; at = at === first ? other : first) {
    const answer = await join(at, zone, character).catch(() => undefined)
    if (answer?.ok === true) return (await answer.json()) as JoinAnswer
    if (performance.now() > until) throw new Error(`${character} found no way into ${zone}: ${answer?.status}`)
    await delay(20)
  }
}

/** Asks again for as long as it is only told that nothing came (`inVain`); 'cut' when its connection breaks, else the status of the answer. */
async function untilCut(inVain: number, ask: () => Promise<Response>): Promise<string> {
  for (;;) {
    const status = await ask().then(
      (answer) => answer.status,
      () => undefined,
    )
    if (status !== inVain) return status === undefined ? 'cut' : `answered with ${status}`
    await delay(20)
  }
}

const waiting = async ({ internalUrl }: AllocatorProcess): Promise<number> =>
  Number(/^bailiwick_joins_waiting\S* (\d+)/m.exec(await (await fetch(`${internalUrl}/metrics`)).text())?.[1])
const watching = async ({ internalUrl }: AllocatorProcess): Promise<number> =>
  Number(/^bailiwick_zone_watchers\S* (\d+)/m.exec(await (await fetch(`${internalUrl}/metrics`)).text())?.[1])

describe('an allocator is killed', () => {
  it('and joins that waited there are answered by the other: what they asked for was not asked in vain', { timeout: LIMIT }, async () => {
    const zone = await newZone()
    // It has the keys: then all that come wait at the same time.
    expect((await join(victim, 'game/nowhere', 'nobody')).status).toBe(404)
    const characters = Array.from({ length: WAITING }, (_, k) => `waiting-${k}`)
    const cut = Promise.all(characters.map((character) => untilCut(503, () => join(victim, zone, character))))
    await expect.poll(() => waiting(victim), PATIENCE).toBe(WAITING)
    await victim.kill()
    expect(await cut).toEqual(Array(WAITING).fill('cut'))
    // The wish stands, though nobody who made it lives: the next host takes it as it registers.
    expect((await index.getLayer(fleet, `${zone}/0`)).state).toBe('Wished')
    const host = await startHost()
    await expect.poll(() => host.served.has(`${zone}/0`), PATIENCE).toBe(true)
    const answers = await Promise.all(characters.map((character) => joinAtEither(survivor, zone, character)))
    expect(new Set(answers.map(({ layer }) => layer))).toEqual(new Set([`${zone}/0`]))
    expect(host.claims.filter(({ layer }) => layer === `${zone}/0`)).toHaveLength(1)
  })

  it('and a ticket that it gave is good', { timeout: LIMIT }, async () => {
    const zone = await newZone()
    const { name } = await startHost()
    const { ticket } = await joinAtEither(victim, zone, 'with-a-ticket')
    await victim.kill()
    const answer = await index.redeemTicket(fleet, `${zone}/0`, name, 1, readTicket(ticket).id)
    expect(answer).toMatchObject({ ok: true, character: 'with-a-ticket' })
  })

  it('and a stream of changes goes on at the other, where it was', { timeout: LIMIT }, async () => {
    const zone = await newZone()
    const stream = await openStream(victim, zone)
    await expect.poll(() => stream.events, PATIENCE).toHaveLength(1)
    const [{ id } = { id: '' }] = stream.events
    await victim.kill()
    await stream.ended
    // Both name the same content alike.
    const same = await fetch(`${survivor.url}/v1/zones/${zone}`, { headers: { 'if-none-match': id } })
    expect(same.status).toBe(304)
    const resumed = await openStream(survivor, zone, id)
    await index.putZone(zoneSettings({ zone, uid: zone, generation: 2, suspended: true }))
    await expect.poll(() => resumed.events, PATIENCE).toHaveLength(1)
    expect(resumed.events).toMatchObject([{ data: { state: 'Suspended' } }])
    resumed.close()
    await resumed.ended
  })

  it('and a change that nobody was told of is told to who asks with the old ETag', { timeout: LIMIT }, async () => {
    const zone = await newZone()
    const etag = (await fetch(`${victim.url}/v1/zones/${zone}`)).headers.get('etag') ?? ''
    const wait = (at: AllocatorProcess) => fetch(`${at.url}/v1/zones/${zone}?wait=10000`, { headers: { 'if-none-match': etag } })
    const cut = untilCut(304, () => wait(victim))
    await expect.poll(() => watching(victim), PATIENCE).toBe(1)
    await victim.kill()
    expect(await cut).toBe('cut')
    await index.putZone(zoneSettings({ zone, uid: zone, generation: 2, suspended: true }))
    await expect
      .poll(async () => {
        const answer = await wait(survivor)
        return answer.status === 200 ? ((await answer.json()) as { state: string }).state : answer.status
      }, PATIENCE)
      .toBe('Suspended')
  })

  it('and layers of a host that dies after it are placed again all the same', { timeout: LIMIT }, async () => {
    const zone = await newZone()
    const first = await startHost()
    expect((await joinAtEither(victim, zone, 'left-behind')).generation).toBe(1)
    await victim.kill()
    const second = await startHost()
    await first.die()
    // As the operator does when the pod is gone. When a host is dead without that is for the index's own tests to say.
    await index.removeHost(fleet, first.name)
    await expect.poll(() => second.served.has(`${zone}/0`), PATIENCE).toBe(true)
    expect((await joinAtEither(survivor, zone, 'left-behind')).layer).toBe(`${zone}/0`)
  })

  it('and who is asked for the size of the fleet says the same as it did', { timeout: LIMIT }, async () => {
    await startHost()
    const sizeBy = async ({ internalUrl }: AllocatorProcess): Promise<unknown> => {
      const [namespace, name] = fleet.split('/')
      const status = { replicas: 1, readyReplicas: 0, reservedReplicas: 0, allocatedReplicas: 1 }
      // Nothing shall become due between the two.
      const annotations = { [FLEET_ANNOTATIONS.retireAfter]: '10m', [FLEET_ANNOTATIONS.spare]: '3' }
      const body = JSON.stringify({ request: { uid: 'u', name, namespace, status, annotations } })
      const answer = await fetch(`${internalUrl}/autoscale`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      expect(answer.status).toBe(200)
      return answer.json()
    }
    // What earlier hosts left is placed: until then there is more that waits, or comes, at each call.
    await expect.poll(async () => (await index.fleetView(fleet)).layers.filter(({ state }) => state === 'Wished'), PATIENCE).toEqual([])
    const before = await sizeBy(victim)
    await victim.kill()
    expect(await sizeBy(survivor)).toEqual(before)
  })
})

it.each(Array.from({ length: ROUNDS }, (_, round) => round))(
  'killed at some moment while a crowd comes: everybody is let in, and the zone was woken once (%i)',
  { timeout: LIMIT },
  async () => {
    const zone = await newZone()
    const host = await startHost(100)
    const crowd = Array.from({ length: CHARACTERS }, (_, k) => joinAtEither(k % 2 === 0 ? victim : survivor, zone, `crowd-${zones}-${k}`))
    const afterMs = Math.random() * 250
    await delay(afterMs)
    await victim.kill()
    const answers = await Promise.all(crowd)
    const places = new Set(answers.map(({ layer, generation }) => `${layer} ${generation}`))
    expect(places, `killed after ${afterMs} ms`).toEqual(new Set([`${zone}/0 1`]))
    expect(new Set(answers.map(({ ticket }) => ticket)).size).toBe(CHARACTERS)
    expect(host.claims.filter(({ layer }) => layer === `${zone}/0`)).toHaveLength(1)
  },
)

interface ZoneEvent {
  readonly id: string
  readonly data: { readonly state: string }
}

/** The zone's events, as they come. */
async function openStream({ url }: AllocatorProcess, zone: ZoneId, after?: string) {
  const stop = new AbortController()
  const headers = { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) }
  const answer = await fetch(`${url}/v1/zones/${zone}`, { headers, signal: stop.signal })
  const events: ZoneEvent[] = []
  const read = async (): Promise<void> => {
    let rest = ''
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + part).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const [, id] = /^id: (.*)$/m.exec(block) ?? []
        const [, data] = /^data: (.*)$/m.exec(block) ?? []
        if (id !== undefined && data !== undefined) events.push({ id, data: JSON.parse(data) })
      }
    }
  }
  // A connection that breaks, and one that we end, are both its end.
  const ended = read().catch(() => undefined)
  return { events, ended, close: () => stop.abort() }
}
