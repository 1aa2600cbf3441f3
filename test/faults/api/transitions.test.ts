import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { extent } from '../extent.ts'
import { fieldsOfSpec } from './field-values.ts'
import { inTurns } from './in-turns.ts'
import { walk } from './transitions.ts'

/** Of each field's way through all its transitions, so many. */
const MOST = extent({ quick: 6, usual: 16, full: 10_000 })
const only = process.env['BAILIWICK_FIELD']

let server: ApiServer
let api: KubernetesClient
beforeAll(async () => {
  server = await startApiServer()
  api = server.client()
}, BUILD_LIMIT)
afterAll(async () => {
  api?.close()
  await server?.stop()
})

test('every field from every value to every other and back: converges, says why not, or is refused with a sentence', {
  timeout: 3_600_000,
}, async () => {
  const fields = fieldsOfSpec().filter(({ path }) => only === undefined || path === only)
  expect(fields.length).toBeGreaterThan(only === undefined ? 20 : 0)
  const walked = await inTurns(fields.map((field) => () => walk({ server, api }, field, MOST)))
  const sum = (of: 'transitions' | 'refused' | 'unhosted'): number => walked.reduce((total, one) => total + one[of], 0)
  console.log(
    `${fields.length} fields, ${sum('transitions')} transitions: ${sum('refused')} refused, ${sum('unhosted')} not as asked with a reason`,
  )
  expect(walked.flatMap(({ wrong }) => wrong)).toEqual([])
  if (only === undefined) {
    expect(sum('refused')).toBeGreaterThan(20)
    expect(sum('transitions') - sum('refused')).toBeGreaterThan(20)
  }
})
