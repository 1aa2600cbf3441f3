import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { resourcePath } from '../../../platform/kubernetes/objects.ts'
import { plainEndpoint } from '../../../platform/kubernetes/plain-endpoint.ts'
import { json, MisbehavingServer, object } from './misbehaving-server.ts'

const zones = { group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones', namespace: 'game' }
let server: MisbehavingServer
let client: KubernetesClient
let seen: { method: string; url: string; type: string | undefined; body: unknown }[]

beforeEach(async () => {
  server = new MisbehavingServer()
  client = new KubernetesClient(plainEndpoint(await server.start()))
  seen = []
})
afterEach(async () => {
  client.close()
  await server.stop()
})

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  server.other = (request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        type: request.headers['content-type'],
        body: text === '' ? undefined : JSON.parse(text),
      })
      json(status, body, headers)(response)
    })
  }
}

describe('the Kubernetes client', () => {
  test.each([
    [404, 'NotFound'],
    [409, 'KubernetesConflict'],
    [410, 'KubernetesGone'],
    [403, 'KubernetesRefused'],
    [422, 'KubernetesRefused'],
    [429, 'KubernetesUnavailable'],
    [500, 'KubernetesUnavailable'],
    [503, 'KubernetesUnavailable'],
  ])('%d becomes %s, in the words of the server', async (status, code) => {
    answer(status, { kind: 'Status', message: 'it is so' }, { 'retry-after': '2' })
    await expect(client.create(zones, {})).rejects.toMatchObject({
      code,
      found: `${status} it is so`,
      asked: 'POST /apis/bailiwick.dev/v1alpha1/namespaces/game/zones',
      retryAfterMs: 2_000,
    })
  })

  test('what is not there is undefined, and deleting it is no error', async () => {
    answer(404, { kind: 'Status' })
    expect(await client.get(zones, 'meadow')).toBeUndefined()
    await client.delete(zones, 'meadow')
  })

  test('no answer within the deadline, no server, no object: KubernetesUnavailable', async () => {
    server.other = () => {}
    await expect(client.withDeadline(50).get(zones, 'meadow')).rejects.toMatchObject({ code: 'KubernetesUnavailable' })
    answer(200, { kind: 'Status' })
    await expect(client.get(zones, 'meadow')).rejects.toMatchObject({ code: 'KubernetesUnavailable' })
    server.other = (_request, response) => response.socket?.resetAndDestroy()
    await expect(client.get(zones, 'meadow')).rejects.toMatchObject({ code: 'KubernetesUnavailable' })
    const nobody = new KubernetesClient(plainEndpoint('http://127.0.0.1:9'))
    await expect(nobody.get(zones, 'meadow')).rejects.toMatchObject({ code: 'KubernetesUnavailable' })
  })

  test('each kind of write says what it is', async () => {
    answer(200, object('meadow', 1))
    await client.mergePatch(zones, 'meadow', { a: 1 }, { subresource: 'status' })
    await client.jsonPatch(zones, 'meadow', [{ op: 'add' }])
    await client.apply(zones, 'meadow', { b: 2 })
    await client.replace(zones, 'meadow', { c: 3 })
    await client.delete(zones, 'meadow', 'uid-1')
    await client.delete(zones, 'meadow', 'uid-1', '7')
    const path = '/apis/bailiwick.dev/v1alpha1/namespaces/game/zones/meadow'
    expect(seen).toEqual([
      { method: 'PATCH', url: `${path}/status`, type: 'application/merge-patch+json', body: { a: 1 } },
      { method: 'PATCH', url: path, type: 'application/json-patch+json', body: [{ op: 'add' }] },
      { method: 'PATCH', url: `${path}?fieldManager=bailiwick-operator&force=true`, type: 'application/apply-patch+yaml', body: { b: 2 } },
      { method: 'PUT', url: path, type: 'application/json', body: { c: 3 } },
      { method: 'DELETE', url: path, type: 'application/json', body: { propagationPolicy: 'Background', preconditions: { uid: 'uid-1' } } },
      {
        ...{ method: 'DELETE', url: path, type: 'application/json' },
        body: { propagationPolicy: 'Background', preconditions: { uid: 'uid-1', resourceVersion: '7' } },
      },
    ])
  })

  test('paths of core, cluster-wide and odd names', () => {
    expect(resourcePath({ group: '', version: 'v1', plural: 'events', namespace: 'game' }, 'a/b')).toBe(
      '/api/v1/namespaces/game/events/a%2Fb',
    )
    expect(resourcePath({ group: 'agones.dev', version: 'v1', plural: 'fleets' })).toBe('/apis/agones.dev/v1/fleets')
  })
})
