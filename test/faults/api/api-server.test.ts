import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseManifests } from '../../../platform/yaml/index.ts'
import { zones } from '../../api-server/objects.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { badManifests, goodManifests } from '../../zone-manifests.ts'

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
