import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { SERVICE_ACCOUNT_REREAD } from '../../../core/timing.ts'
import { serviceAccountEndpoint } from '../../../platform/kubernetes/service-account.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bailiwick-account-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)

test.each([
  ['10.96.0.1', 'https://10.96.0.1/'],
  ['fd00::1', 'https://[fd00::1]/'],
])('a pod asks the API server that its environment names: %s', (host, base) => {
  write('token', 'first')
  write('ca.crt', 'authority')
  expect(serviceAccountEndpoint({ host, port: '443', folder, clock: new ManualClock() })?.base.href).toBe(base)
})

test('outside of a pod, and in one without a service account, there is none', () => {
  const clock = new ManualClock()
  expect(serviceAccountEndpoint({ host: '10.96.0.1', port: '443', folder, clock })).toBeUndefined()
  write('token', 'first')
  write('ca.crt', 'authority')
  expect(serviceAccountEndpoint({ host: undefined, port: undefined, folder, clock })).toBeUndefined()
})

test('a token that was renewed is used before the one before it ends, and connections are kept until the authority changes', async () => {
  const clock = new ManualClock()
  write('token', 'first\n')
  write('ca.crt', 'authority')
  const endpoint = serviceAccountEndpoint({ host: '10.96.0.1', port: '443', folder, clock })
  const first = await endpoint?.options()
  expect(first?.headers).toEqual({ authorization: 'Bearer first' })
  write('token', 'second\n')
  expect((await endpoint?.options())?.headers).toEqual({ authorization: 'Bearer first' })
  clock.advance(SERVICE_ACCOUNT_REREAD)
  const second = await endpoint?.options()
  expect(second?.headers).toEqual({ authorization: 'Bearer second' })
  expect(second?.agent).toBe(first?.agent)
  write('ca.crt', 'another')
  clock.advance(SERVICE_ACCOUNT_REREAD)
  expect((await endpoint?.options())?.agent).not.toBe(first?.agent)
  endpoint?.close()
})
