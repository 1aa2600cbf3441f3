import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { KubernetesContents } from '../../../platform/kubernetes/contents.ts'
import { plainEndpoint } from '../../../platform/kubernetes/plain-endpoint.ts'
import { event, events, json, MisbehavingServer, object, page } from './misbehaving-server.ts'

let server: MisbehavingServer
let client: KubernetesClient
let stop: AbortController

beforeEach(async () => {
  server = new MisbehavingServer()
  client = new KubernetesClient(plainEndpoint(await server.start()))
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  client.close()
  await server.stop()
})

test('who may not list ConfigMaps is told so at once, and sees them as soon as it may', async () => {
  const forbidden = json(403, { message: 'configmaps is forbidden' })
  server.lists = [forbidden, forbidden, page([object('meadow.content', 5)], 10)]
  server.watches = [events([])]
  const contents = new KubernetesContents({ client, namespaces: ['game'], clock: new ManualClock(), log: silentLog })
  await contents.watch(() => {}, stop.signal)
  expect(contents.versionOf('game/meadow.content')).toBeUndefined()
  expect(contents.refusalOf('game/meadow.content')).toMatch(/configmaps is forbidden/)
  expect(contents.refusalOf('other/meadow.content')).toBeUndefined()
  await vi.waitFor(() => expect(contents.versionOf('game/meadow.content')).toBe('uid-meadow.content/5'), { timeout: 15_000 })
  expect(contents.refusalOf('game/meadow.content')).toBeUndefined()
})

test('ConfigMaps are watched by their metadata, and read whole one by one', async () => {
  server.lists = [page([object('meadow.content', 5), object('other', 6)], 10)]
  server.watches = [events([event('MODIFIED', object('meadow.content', 11)), event('DELETED', object('other', 12))])]
  server.other = (request, response) => {
    const found = object('meadow.content', 11, { data: { 'content.yaml': 'spawns: []' }, binaryData: { picture: 'aGk=' } })
    if (request.url === '/api/v1/namespaces/game/configmaps/meadow.content') json(200, found)(response)
    else json(404, { reason: 'NotFound' })(response)
  }
  const contents = new KubernetesContents({ client, namespaces: ['game'], clock: new ManualClock(), log: silentLog })
  const changed: string[] = []
  await contents.watch((id) => changed.push(id), stop.signal)
  await vi.waitFor(() => expect(changed).toHaveLength(4), { timeout: 15_000 })
  expect(changed).toEqual(['game/meadow.content', 'game/other', 'game/meadow.content', 'game/other'])
  expect(contents.versionOf('game/meadow.content')).toBe('uid-meadow.content/11')
  expect(contents.versionOf('game/other')).toBeUndefined()
  const partial = 'application/json;as=PartialObjectMetadata'
  expect(server.accepts.slice(0, 2)).toEqual([`${partial}List;g=meta.k8s.io;v=v1`, `${partial};g=meta.k8s.io;v=v1`])
  expect(await contents.read('game/meadow.content')).toEqual({
    version: 'uid-meadow.content/11',
    files: { picture: '', 'content.yaml': 'spawns: []' },
  })
  expect(await contents.read('game/other')).toBeUndefined()
  expect(server.accepts.at(-1)).toBe('application/json')
})
