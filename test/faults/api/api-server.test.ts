import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { KubernetesContents } from '../../../platform/kubernetes/index.ts'
import { parseManifests } from '../../../platform/yaml/index.ts'
import { zones } from '../../api-server/objects.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { badManifests, goodManifests } from '../../zone-manifests.ts'

/** More than all that is waited for below together. */
vi.setConfig({ testTimeout: 180_000 })

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
}, BUILD_LIMIT)
afterAll(() => server?.stop())

test('the real API server takes what the embedded world takes, and refuses what it refuses with a sentence that names the field', async () => {
  const client = server.client()
  try {
    await server.makeNamespace('manifests')
    for (const { name, manifest } of goodManifests) {
      const [zone] = parseManifests(manifest, name)
      const made = await client.create(zones('manifests'), zone)
      expect({ name, made: made.metadata.name }).toEqual({ name, made: 'meadow' })
      await client.delete(zones('manifests'), 'meadow')
    }
    // An unknown field is refused only for those who ask for it, as kubectl does.
    for (const { name, manifest, field } of badManifests.filter((one) => one.field !== 'activaton')) {
      const [zone] = parseManifests(manifest, name)
      const refused = await client.create(zones('manifests'), zone).then(
        () => 'accepted',
        (error: Error) => error.message,
      )
      expect({ name, refused }).toEqual({ name, refused: expect.stringMatching(/found: 4\d\d /) })
      const last = field.split('.').at(-1) ?? ''
      expect({ name, refused }).toEqual({ name, refused: expect.stringContaining(last === 'true' ? 'bounds.min' : last) })
    }
  } finally {
    client.close()
  }
})

test('the real API server answers ConfigMaps by their metadata alone to who watches content, and whole to who reads', async () => {
  const client = server.client()
  const stop = new AbortController()
  try {
    await server.makeNamespace('contents')
    const configMaps = { group: '', version: 'v1', plural: 'configmaps', namespace: 'contents' }
    const made = (text: string) => ({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'meadow.content' } },
      data: { 'content.yaml': text },
    })
    await client.create(configMaps, made('spawns: []'))
    const contents = new KubernetesContents({ client, namespaces: ['contents'], clock: systemClock, log: silentLog })
    const changed: string[] = []
    await contents.watch((id) => changed.push(id), stop.signal)
    const first = await contents.read('contents/meadow.content')
    expect(first).toEqual({ version: contents.versionOf('contents/meadow.content'), files: { 'content.yaml': 'spawns: []' } })
    await client.mergePatch(configMaps, 'meadow.content', made('props: []'))
    await vi.waitFor(() => expect(contents.versionOf('contents/meadow.content')).not.toBe(first?.version), { timeout: 30_000 })
    expect((await contents.read('contents/meadow.content'))?.files).toEqual({ 'content.yaml': 'props: []' })
    await client.delete(configMaps, 'meadow.content')
    await vi.waitFor(() => expect(contents.versionOf('contents/meadow.content')).toBeUndefined(), { timeout: 30_000 })
    expect(new Set(changed)).toEqual(new Set(['contents/meadow.content']))
  } finally {
    stop.abort()
    client.close()
  }
})
