import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { plainEndpoint } from '../../../platform/kubernetes/plain-endpoint.ts'
import { type WatchedResource, watchResource } from '../../../platform/kubernetes/watch-resource.ts'
import { event, events, json, MisbehavingServer, object, page } from './misbehaving-server.ts'

const resource = { group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones' }
const gone = { kind: 'Status', code: 410, message: 'too old resource version' }

let server: MisbehavingServer
let client: KubernetesClient
let stop: AbortController
let seen: string[]
let watched: WatchedResource

beforeEach(async () => {
  server = new MisbehavingServer()
  client = new KubernetesClient(plainEndpoint(await server.start()))
  stop = new AbortController()
  seen = []
})

afterEach(async () => {
  stop.abort()
  await watched.ended
  client.close()
  await server.stop()
})

function begin(silenceMs = 60_000): WatchedResource {
  watched = watchResource({
    client,
    resource,
    onChange: ({ object: one, removed }) => seen.push(`${removed ? '-' : '+'}${one.metadata.name}@${one.metadata.resourceVersion}`),
    log: silentLog,
    signal: stop.signal,
    random: () => 0,
    silenceMs,
  })
  return watched
}

const lists = (): readonly URL[] => server.requests.filter((url) => url.searchParams.has('limit'))
const watches = (): readonly URL[] => server.requests.filter((url) => url.searchParams.has('watch'))
const versionOf = (url: URL | undefined): string | null | undefined => url?.searchParams.get('resourceVersion')

describe('list/watch over a server that misbehaves', () => {
  test('lists in pages, then watches from the version of the list with bookmarks and a timeout', async () => {
    server.lists = [page([object('a', 1)], 10, 'token'), page([object('b', 2)], 10)]
    server.watches = [events([event('ADDED', object('c', 11)), event('DELETED', object('a', 12))])]
    await begin().synced
    await vi.waitFor(() => expect(seen).toEqual(['+a@1', '+b@2', '+c@11', '-a@12']), { timeout: 15_000 })
    expect(lists().map((url) => url.searchParams.get('continue'))).toEqual([null, 'token'])
    expect(lists()[0]?.searchParams.get('limit')).toBe('500')
    expect(versionOf(watches()[0])).toBe('10')
    expect(watches()[0]?.searchParams.get('allowWatchBookmarks')).toBe('true')
    expect(Number(watches()[0]?.searchParams.get('timeoutSeconds'))).toBeGreaterThanOrEqual(225)
  })

  test('a page token that expired: the list starts again, and nothing of the torn one is kept', async () => {
    server.lists = [page([object('old', 1)], 5, 'token'), json(410, gone), page([object('new', 2)], 20)]
    server.watches = [events([])]
    await begin().synced
    expect(seen).toEqual(['+new@2'])
  })

  test.each([
    ['the list is refused', json(403, { message: 'forbidden' })],
    ['the list fails', json(500, { message: 'etcd is away' })],
    ['the list is no JSON', (response: import('node:http').ServerResponse) => response.end('<html>')],
    ['the list is no list', json(200, { kind: 'Status' })],
  ])('%s: tried again', async (_name, first) => {
    server.lists = [first, page([object('a', 1)], 10)]
    server.watches = [events([])]
    await begin().synced
    expect(seen).toEqual(['+a@1'])
  })

  test.each([
    ['ended in good order', events([event('ADDED', object('b', 11))], 'end')],
    ['broke', events([event('ADDED', object('b', 11))], 'break')],
    ['ended in the middle of a line', events([event('ADDED', object('b', 11)), '{"type":"MODIF'], 'end')],
    ['said that it failed', events([event('ADDED', object('b', 11)), event('ERROR', { kind: 'Status', code: 500 })])],
  ])('a watch that %s is resumed from the last version heard', async (_name, first) => {
    server.lists = [page([object('a', 1)], 10)]
    server.watches = [first, events([event('ADDED', object('c', 12))])]
    begin()
    await vi.waitFor(() => expect(seen).toEqual(['+a@1', '+b@11', '+c@12']), { timeout: 15_000 })
    expect(versionOf(watches()[1])).toBe('11')
    expect(lists()).toHaveLength(1)
  })

  test('a bookmark moves the version on', async () => {
    server.lists = [page([], 10)]
    server.watches = [events([event('BOOKMARK', { metadata: { resourceVersion: '99' } })], 'end'), events([])]
    begin()
    await vi.waitFor(() => expect(versionOf(watches()[1])).toBe('99'), { timeout: 15_000 })
  })

  test.each<[string, (response: import('node:http').ServerResponse) => void]>([
    ['answers 410', json(410, gone)],
    ['sends an ERROR event with 410', events([event('ERROR', gone)])],
    ['sends a line that is no JSON', events(['what?\n'])],
    ['sends an event of an unknown type', events([event('EXPLODED', object('b', 11))])],
    ['sends an object without metadata', events([event('ADDED', { spec: {} })])],
    ['sends an object without version', events([event('ADDED', { metadata: { name: 'b', namespace: 'game' } })])],
    ['sends a bookmark without version', events([event('BOOKMARK', { metadata: {} })])],
  ])('a watch that %s: everything is listed anew, and what is gone is told', async (_name, first) => {
    server.lists = [page([object('a', 1), object('b', 2)], 10), page([object('b', 7)], 20)]
    server.watches = [first, events([])]
    begin()
    await vi.waitFor(() => expect(seen).toEqual(['+a@1', '+b@2', '-a@1', '+b@7']), { timeout: 15_000 })
    await vi.waitFor(() => expect(versionOf(watches().at(-1))).toBe('20'), { timeout: 15_000 })
  })

  test('watches that fail at once again and again: listed anew after the third', async () => {
    server.lists = [page([object('a', 1)], 10), page([object('a', 1)], 30)]
    server.watches = [json(503, {}), json(503, {}), json(503, {}), events([])]
    begin()
    await vi.waitFor(() => expect(versionOf(watches().at(-1))).toBe('30'), { timeout: 15_000 })
    expect(watches().map(versionOf)).toEqual(['10', '10', '10', '30'])
  })

  test('a half-open watch that says nothing is given up and resumed', async () => {
    server.lists = [page([], 10)]
    server.watches = [events([event('ADDED', object('a', 11))]), events([event('ADDED', object('b', 12))])]
    begin(400)
    await vi.waitFor(() => expect(seen).toEqual(['+a@11', '+b@12']), { timeout: 15_000 })
    expect(versionOf(watches()[1])).toBe('11')
  })

  test('lines come whole out of chunks that end anywhere, also within a character', async () => {
    const bytes = Buffer.from(
      `${event('ADDED', object('a', 11, { note: 'Wiese – Øst 🌱' }))}\n${event('MODIFIED', object('a', 12, { note: '🌳' }))}`,
    )
    const parts = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, index) => bytes.subarray(index * 7, index * 7 + 7))
    server.lists = [page([], 10)]
    server.watches = [events(parts)]
    const { cache } = begin()
    await vi.waitFor(() => expect(seen).toEqual(['+a@11', '+a@12']), { timeout: 15_000 })
    expect((cache.get('game/a') as KubernetesObject)['note']).toBe('🌳')
  })

  test('stopped before the first list: synced rejects and nothing goes on', async () => {
    server.lists = [() => {}]
    const { synced, ended } = begin()
    const rejected = expect(synced).rejects.toThrow('enough')
    stop.abort(new Error('enough'))
    await rejected
    await ended
  })
})
