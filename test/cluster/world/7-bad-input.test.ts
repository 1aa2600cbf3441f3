import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  decodeServerMessage,
  decodeServerPayload,
  encodeClientMessage,
  FRAME_STATE,
  MAX_CLIENT_FRAME,
  PROTOCOL_VERSION,
  type ServerMessage,
} from '../../../core/protocol/frame.ts'
import { decodeStateFrame } from '../../../core/protocol/state-frame.ts'
import { TICKET_TTL } from '../../../core/timing.ts'
import { newPlayer, type Player, sees, usedPasswords } from './player.ts'
import { game, inPhase, releaseNamespace, square, useWorld, type World } from './release.ts'

let world: World
let ann: Player
let token: string
const secrets: string[] = []
/** Taken at the beginning and brought at the end. */
let stale: { layer: string; ticket: string; endpoint: string; at: number }

beforeAll(async () => {
  world = await useWorld()
  await world.applyZone('meadow', { activation: 'Always', bounds: square(500), snapshotEvery: '1s' })
  await world.applyZone('cave', { activation: 'OnDemand', idleAfter: '3s', bounds: square(200), snapshotEvery: '1s' })
  await inPhase(world, 'meadow', 'Running')
  ann = await newPlayer(world, 'ann')
  await ann.join(`${game}/meadow`)
  const session = await post(`${world.authUrl}/v1/sessions`, { name: (await ann.client.account())?.name, password: ann.password })
  token = String(session.body['accessToken'])
  secrets.push(token, String(session.body['refreshToken']))
  const { layer, ticket, endpoints } = (await join(`${game}/meadow`, ann.character)).body as {
    layer: string
    ticket: string
    endpoints: string[]
  }
  stale = { layer, ticket, endpoint: endpoints[0] ?? '', at: Date.now() }
})

afterAll(async () => {
  await ann.leave()
})

async function post(url: string, body: unknown, authorization?: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const join = (zone: string, character: string, authorization = `Bearer ${token}`) =>
  post(`${world.allocatorUrl}/v1/zones/${zone}/join`, { character }, authorization)

/** Messages come in frames of their own, and with state frames. */
function messagesOf(frame: Uint8Array): readonly ServerMessage[] {
  if (frame[0] !== FRAME_STATE) return [decodeServerMessage(frame)]
  return decodeStateFrame(frame).messages.map(decodeServerPayload)
}

/** Sends frames to a host, more of them once it is welcome, and gathers what it answers until it ends the connection (or 5 s have passed). */
async function talk(
  endpoint: string,
  frames: readonly Uint8Array[],
  onceWelcome: readonly Uint8Array[] = [],
): Promise<{ refused: string[]; ended: boolean }> {
  const socket = new WebSocket(`ws://${endpoint}`)
  const refused: string[] = []
  const closed = new Promise<boolean>((resolve) => {
    socket.on('close', () => resolve(true))
    setTimeout(resolve, 5_000, false)
  })
  socket.on('error', (error) => refused.push(error.message))
  socket.on('message', (data: Buffer) => {
    for (const { body } of messagesOf(data)) {
      if (body.case === 'refused') refused.push(body.value.code)
      if (body.case !== 'welcome') continue
      refused.push('welcomed')
      for (const frame of onceWelcome) socket.send(frame)
    }
  })
  await new Promise((resolve) => socket.on('open', resolve).on('close', resolve))
  for (const frame of frames) socket.send(frame)
  const ended = await closed
  socket.terminate()
  return { refused, ended }
}

const hello = (layer: string, ticket: string) =>
  encodeClientMessage({ sequence: 0, body: { case: 'hello', value: { layer, ticket, protocol: PROTOCOL_VERSION } } })

describe('8. bad input', () => {
  it('a wrong token is refused by every service', async () => {
    const [head = '', payload = ''] = token.split('.')
    for (const bad of [
      'Bearer nonsense',
      `Bearer ${head}.${payload}.${randomBytes(64).toString('base64url')}`,
      `Basic ${token}`,
      'Bearer ',
    ]) {
      const answers = await Promise.all([
        join(`${game}/meadow`, ann.character, bad),
        post(`${world.charactersUrl}/v1/characters`, { name: 'whoever' }, bad),
        fetch(`${world.authUrl}/v1/sessions/current`, { method: 'DELETE', headers: { authorization: bad } }).then(async (response) => ({
          status: response.status,
          body: (await response.json()) as Record<string, unknown>,
        })),
      ])
      expect(answers.map(({ status, body }) => [status, body['code']])).toEqual(Array(3).fill([401, 'Unauthenticated']))
    }
  })

  it("a used ticket, a ticket for another layer, none, another's character: refused with the code", async () => {
    const ben = await newPlayer(world, 'ben')
    const session = await post(`${world.authUrl}/v1/sessions`, { name: (await ben.client.account())?.name, password: ben.password })
    const his = `Bearer ${String(session.body['accessToken'])}`
    const place = async (zone: string) => {
      const answer = (await join(zone, ben.character, his)).body as { layer: string; ticket: string; endpoints: string[] }
      secrets.push(answer.ticket)
      return { ...answer, endpoint: answer.endpoints[0] ?? '' }
    }
    const meadow = await place(`${game}/meadow`)
    expect((await talk(meadow.endpoint, [hello(`${game}/cave/0`, meadow.ticket)])).refused).toEqual(['TicketForOtherLayer'])
    const again = await place(`${game}/meadow`)
    expect((await talk(again.endpoint, [hello(again.layer, randomBytes(16).toString('base64url'))])).refused).toEqual(['TicketUnknown'])
    const used = await place(`${game}/meadow`)
    const leave = encodeClientMessage({ sequence: 1, body: { case: 'leave', value: {} } })
    expect((await talk(used.endpoint, [hello(used.layer, used.ticket)], [leave])).refused).toEqual(['welcomed'])
    expect((await talk(used.endpoint, [hello(used.layer, used.ticket)])).refused).toEqual(['TicketUsed'])
    const theirs = await join(`${game}/meadow`, ann.character, his)
    const stolen = theirs.body as { layer: string; ticket: string; endpoints: string[] }
    expect((await talk(stolen.endpoints[0] ?? '', [hello(stolen.layer, stolen.ticket)])).refused).toEqual(['CharacterNotYours'])
    expect(await join(`${game}/nowhere`, ben.character, his)).toMatchObject({ status: 404, body: { code: 'ZoneUnknown' } })
  })

  it('oversized and random frames end that connection alone', async () => {
    const endpoint = (await world.zone('meadow')).status?.layers?.[0]?.endpoints?.[0] ?? ''
    const before = ann.welcomes.length
    const results = await Promise.all([
      talk(endpoint, [new Uint8Array(MAX_CLIENT_FRAME + 1).fill(1)]),
      talk(endpoint, [new Uint8Array(5_000_000)]),
      ...Array.from({ length: 40 }, () => talk(endpoint, [new Uint8Array(randomBytes(1 + Math.floor(Math.random() * 200)))])),
    ])
    expect(results.filter(({ ended }) => !ended)).toEqual([])
    expect(results.slice(2).every(({ refused }) => refused.length === 1 && /^(FrameInvalid|HelloExpected)$/.test(refused[0] ?? ''))).toBe(
      true,
    )
    expect(ann.welcomes.length).toBe(before)
    expect(ann.session?.playing).toBe(true)
    expect(sees(ann, ann.name)).toBeDefined()
  })

  it('1,000 random JSON bodies to each service: a clear error each', async () => {
    const targets = [
      `${world.authUrl}/v1/accounts`,
      `${world.authUrl}/v1/sessions`,
      `${world.authUrl}/v1/sessions/refresh`,
      `${world.charactersUrl}/v1/characters`,
      `${world.allocatorUrl}/v1/zones/${game}/meadow/join`,
    ]
    const bodies = fc.sample(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.json().map((text) => `{"name":${text},"password":${text},"character":${text}}`),
      ),
      1_000,
    )
    const seen = new Map<string, number>()
    for (const target of targets) {
      for (let from = 0; from < bodies.length; from += 20) {
        const answers = await Promise.all(bodies.slice(from, from + 20).map((body) => post(target, body, `Bearer ${token}`)))
        for (const { status, body } of answers) {
          expect(status, JSON.stringify(body)).toBeGreaterThanOrEqual(400)
          expect(status, JSON.stringify(body)).toBeLessThan(500)
          expect(body).toMatchObject({ code: expect.stringMatching(/^[A-Z][A-Za-z]+$/), title: expect.any(String), status })
          seen.set(String(body['code']), (seen.get(String(body['code'])) ?? 0) + 1)
        }
      }
    }
    console.log(`answers to random bodies: ${JSON.stringify(Object.fromEntries(seen))}`)
    expect([...seen.keys()]).toContain('InvalidInput')
    expect(ann.session?.playing).toBe(true)
  })

  it('an expired ticket is refused with the code', async () => {
    const { layer, ticket, endpoint, at } = stale
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, at + TICKET_TTL + 500 - Date.now())))
    expect((await talk(endpoint, [hello(layer, ticket)])).refused).toEqual(['TicketExpired'])
  })

  it('no log holds a password, token or ticket', async () => {
    const logs: string[] = []
    for (const namespace of [releaseNamespace, game]) {
      const pods = (await world.cluster.kubectl('-n', namespace, 'get', 'pods', '-o', 'name')).trim().split('\n')
      for (const pod of pods) logs.push(await world.cluster.kubectl('-n', namespace, 'logs', pod, '--all-containers', '--tail=-1'))
    }
    const all = logs.join('\n')
    expect(all.length).toBeGreaterThan(1_000)
    expect([...usedPasswords(), ...secrets].filter((secret) => all.includes(secret))).toEqual([])
  })
})
