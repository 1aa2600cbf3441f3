import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClient, memorySessionStore } from '../../../client/index.ts'
import { ManualClock } from '../../../core/clock.ts'
import { CLIENT_REFRESH_BEFORE } from '../../../core/timing.ts'
import { AuthDouble } from './doubles/auth-double.ts'
import { startWorld } from './doubles/world.ts'

async function stage() {
  const auth = await AuthDouble.start()
  onTestFinished(() => auth.stop())
  const clock = new ManualClock()
  const sessions = memorySessionStore()
  const options = { authUrl: `${auth.url}/`, charactersUrl: auth.url, allocatorUrl: auth.url, clock, sessions }
  return { auth, clock, sessions, client: createClient(options) }
}

describe('account', () => {
  it('registers, logs in, works with characters, logs out', async () => {
    const { auth, client } = await stage()
    expect(await client.register('ada', 'secret')).toEqual({ id: 'id-ada', name: 'ada' })
    await expect(client.characters.list()).rejects.toMatchObject({ code: 'Unauthenticated' })
    await expect(client.login('ada', 'wrong')).rejects.toMatchObject({ code: 'WrongCredentials' })
    await client.login('ada', 'secret')
    expect(await client.account()).toEqual({ id: 'id-ada', name: 'ada' })
    expect((await client.characters.create('Ada')).id).toBe('c1')
    expect((await client.characters.list()).map((character) => character.name)).toEqual(['Ada'])
    expect((await client.characters.get('c1')).location.state).toBe('Offline')
    expect((await client.characters.delete('c1')).deletesAt).toBe('2026-01-01T00:00:00.000Z')
    expect((await client.characters.restore('c1')).deletesAt).toBeUndefined()
    expect((await client.characters.rename('c1', 'Ada', 3)).name).toBe('Ada')
    await expect(client.characters.get('no such')).rejects.toMatchObject({ code: 'NotFound' })
    await client.logout()
    expect(await client.account()).toBeUndefined()
    expect(auth.refreshes).toBe(0)
  })

  it('renews the token before it expires', async () => {
    const { auth, clock, client } = await stage()
    await client.login('ada', 'secret')
    await client.characters.list()
    clock.advance(auth.expiresInMs - CLIENT_REFRESH_BEFORE)
    await client.characters.list()
    expect(auth.refreshes).toBe(0)
    clock.advance(1)
    await client.characters.list()
    expect(auth.refreshes).toBe(1)
  })

  it('renews the token once when it is refused, however many requests find out', async () => {
    const { auth, client } = await stage()
    await client.login('ada', 'secret')
    auth.expireAll()
    const lists = await Promise.all(Array.from({ length: 10 }, () => client.characters.list()))
    expect(lists.length).toBe(10)
    expect(auth.refreshes).toBe(1)
  })

  it('two clients that share a session do not use a refresh token twice', async () => {
    const { auth, clock, sessions, client } = await stage()
    const urls = { authUrl: auth.url, charactersUrl: auth.url, allocatorUrl: auth.url }
    const other = createClient({ ...urls, clock, sessions })
    await client.login('ada', 'secret')
    auth.expireAll()
    await client.characters.list()
    await other.characters.list()
    expect(auth.refreshes).toBe(1)
  })

  it('when the session has ended it says so, and is logged out', async () => {
    const { auth, client } = await stage()
    await client.login('ada', 'secret')
    auth.expireAll()
    auth.endSessions()
    await expect(client.characters.list()).rejects.toMatchObject({ code: 'RefreshReused' })
    expect(await client.account()).toBeUndefined()
    await client.logout()
  })

  it('a join uses a renewed token, too', async () => {
    const world = await startWorld()
    await world.startHost('host-1')
    world.auth.expiresInMs = 1_000
    const client = await world.client('ada')
    const session = client.joinZone('game/meadow', 'Ada')
    await session.ready()
    expect(world.auth.refreshes).toBe(1)
    expect(await client.zones.list()).toEqual([{ namespace: 'game', name: 'meadow', state: 'Serving', players: 0, layers: 1 }])
    expect((await client.zones.resolve('game/meadow')).layers[0]).toMatchObject({ index: 0, state: 'Serving', epoch: 1 })
    await expect(client.zones.resolve('game/nowhere')).rejects.toMatchObject({ code: 'ZoneUnknown' })
    await session.close()
  })
})

describe('services that are not what they should be', () => {
  const table: readonly (readonly [string, number, string, string])[] = [
    ['another page', 200, '<html>hello</html>', 'Unreachable'],
    ['JSON of something else', 200, '{"hello":1}', 'Unreachable'],
    ['an error page of a proxy', 502, 'Bad gateway', 'Unreachable'],
    ['a 404 of a proxy', 404, 'not here', 'NotFound'],
    ['a code that we do not know', 418, '{"code":"Teapot"}', 'InvalidInput'],
  ]
  it.each(table)('%s', async (_, status, body, code) => {
    const server = createServer((_request, response) => response.writeHead(status).end(body))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = createClient({ authUrl: url, charactersUrl: url, allocatorUrl: url })
    await expect(client.zones.list()).rejects.toMatchObject({ name: 'BailiwickError', code })
    await expect(client.login('a', 'b')).rejects.toMatchObject({ name: 'BailiwickError', code })
  })

  it('nobody listens', async () => {
    const url = 'http://127.0.0.1:1'
    const client = createClient({ authUrl: url, charactersUrl: url, allocatorUrl: url })
    await expect(client.zones.list()).rejects.toMatchObject({ code: 'Unreachable', message: expect.stringContaining('/v1/zones') })
  })
})
