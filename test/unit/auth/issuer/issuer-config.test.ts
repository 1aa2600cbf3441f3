import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readIssuers } from '../../../../services/auth/issuer-config.ts'

const PUBLIC_URL = 'https://play.example.com'
const studio = { id: 'studio', name: 'Studio account', url: 'https://accounts.example.com', clientId: 'game' }

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'bailiwick-issuers-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

test('nothing set: no issuers, and no address is needed', () => {
  expect(readIssuers({})).toEqual([])
  expect(readIssuers({ OIDC_ISSUERS: '[]' })).toEqual([])
})

test('what is set is read, the secret from its file without the line end, and the rest as is usual', () => {
  const secretFile = join(folder(), 'secret')
  writeFileSync(secretFile, 'hush-hush\n')
  expect(readIssuers({ PUBLIC_URL: `${PUBLIC_URL}/`, OIDC_ISSUERS: JSON.stringify([{ ...studio, secretFile }]) })).toEqual([
    {
      ...studio,
      ...{ clientSecret: 'hush-hush', scopes: ['profile'], nameClaim: 'preferred_username' },
      redirectUri: 'https://play.example.com/v1/oidc/studio/callback',
    },
  ])
})

test.each<[string, unknown, string]>([
  ['no JSON', '[', 'no JSON'],
  ['no list', {}, 'expected array'],
  ['an id that is no part of an address', [{ ...studio, id: 'a/b' }], '0.id'],
  ['plain HTTP', [{ ...studio, url: 'http://accounts.example.com' }], '0.url'],
  ['the address of a description', [{ ...studio, url: 'https://a.example/.well-known/openid-configuration' }], '0.url'],
  ['a query', [{ ...studio, url: 'https://a.example/?x=y' }], '0.url'],
  ['a secret in the list', [{ ...studio, clientSecret: 'x' }], 'clientSecret'],
  ['two of one id', [studio, studio], 'two issuers of the id studio'],
  ['too many', Array.from({ length: 9 }, (_, at) => ({ ...studio, id: `i${at}` })), 'array'],
  ['a secret that is not there', [{ ...studio, secretFile: '/nowhere/secret' }], 'no file that can be read'],
])('%s is refused', (_, issuers, said) => {
  const text = typeof issuers === 'string' ? issuers : JSON.stringify(issuers)
  expect(() => readIssuers({ PUBLIC_URL, OIDC_ISSUERS: text })).toThrow(said)
})

test('an empty secret is refused: it would be none', () => {
  const secretFile = join(folder(), 'secret')
  writeFileSync(secretFile, '\n')
  expect(() => readIssuers({ PUBLIC_URL, OIDC_ISSUERS: JSON.stringify([{ ...studio, secretFile }]) })).toThrow('an empty file')
})

test.each([
  undefined,
  'http://play.example.com',
  'https://play.example.com/game',
  'https://play.example.com/?x',
  'https://u@play.example.com',
])('issuers with the public address %s are refused', (url) => {
  expect(() => readIssuers({ PUBLIC_URL: url, OIDC_ISSUERS: JSON.stringify([studio]) })).toThrow('PUBLIC_URL')
})

test.each(['http://127.0.0.1:8080', 'http://localhost:8080'])('%s is one on this machine', (url) => {
  const [issuer] = readIssuers({ PUBLIC_URL: url, OIDC_ISSUERS: JSON.stringify([{ ...studio, url: 'http://127.0.0.1:9000' }]) })
  expect(issuer?.redirectUri).toBe(`${url}/v1/oidc/studio/callback`)
})
