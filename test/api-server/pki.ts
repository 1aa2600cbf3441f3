import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../cluster/run.ts'

/** Files. */
export interface Pki {
  /** Of the API server, signed by itself: who trusts it trusts the server. */
  readonly certificate: string
  readonly key: string
  readonly accounts: string
  readonly accountsPublic: string
}

/** What a kube-apiserver needs to start: a certificate for the loopback address, and a key for the tokens of service accounts. */
export async function createPki(folder: string): Promise<Pki> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = (name: string): string => join(folder, name)
  const pki = { certificate: file('server.crt'), key: file('server.key'), accounts: file('sa.key'), accountsPublic: file('sa.pub') }
  const accounts = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  writeFileSync(pki.accounts, accounts.privateKey, { mode: 0o600 })
  writeFileSync(pki.accountsPublic, accounts.publicKey)
  writeFileSync(file('openssl.cnf'), '[req]\ndistinguished_name = none\n[none]\n')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const subject = ['-subj', '/CN=kube-apiserver', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const files = ['-keyout', pki.key, '-out', pki.certificate, '-days', '2']
  await run('openssl', ['req', '-x509', '-config', file('openssl.cnf'), ...subject, ...curve, ...files])
  return pki
}
