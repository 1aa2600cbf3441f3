import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kubeconfigPath, kubernetesServiceIp, node, stateDir } from './paths.ts'
import { run } from './run.ts'

const folder = join(stateDir, 'pki')

/** The file of a certificate or key that createPki has made. */
export const pki = (name: string) => join(folder, name)

/** Certificates for a cluster that lives for a run: two authorities, one leaf for each part, the key of service account tokens. */
export async function createPki(): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(pki('openssl.cnf'), '[req]\ndistinguished_name = none\n[none]\n')
  const serviceAccounts = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  writeFileSync(pki('sa.key'), serviceAccounts.privateKey, { mode: 0o600 })
  writeFileSync(pki('sa.pub'), serviceAccounts.publicKey)
  await Promise.all(['ca', 'front-ca'].map((name) => certificate(name, `/CN=${name}`, ['basicConstraints=critical,CA:TRUE'])))
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'].map((name) => `DNS:${name}`)
  const addresses = ['127.0.0.1', node.ip, kubernetesServiceIp].map((ip) => `IP:${ip}`)
  await Promise.all([
    leaf('apiserver', '/CN=kube-apiserver', [...names, ...addresses], 'ca'),
    leaf('admin', '/O=system:masters/CN=admin', ['DNS:admin'], 'ca'),
    leaf('kubelet', `/O=system:nodes/CN=system:node:${node.name}`, [`DNS:${node.name}`, `IP:${node.ip}`], 'ca'),
    // Aggregated APIs accept a request from the API server by this certificate.
    leaf('front', '/CN=front-proxy-client', ['DNS:front'], 'front-ca'),
  ])
  writeKubeconfig('admin', kubeconfigPath)
  writeKubeconfig('kubelet', join(stateDir, 'kubelet.kubeconfig'))
}

function leaf(name: string, subject: string, alternatives: string[], authority: string): Promise<void> {
  const extensions = [`subjectAltName=${alternatives.join(',')}`, 'extendedKeyUsage=serverAuth,clientAuth', 'basicConstraints=CA:FALSE']
  return certificate(name, subject, extensions, ['-CA', pki(`${authority}.crt`), '-CAkey', pki(`${authority}.key`)])
}

async function certificate(name: string, subject: string, extensions: string[], signer: string[] = []): Promise<void> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', pki(`${name}.key`), '-out', pki(`${name}.crt`), '-days', '30']
  const added = extensions.flatMap((each) => ['-addext', each])
  await run('openssl', ['req', '-x509', '-config', pki('openssl.cnf'), '-subj', subject, ...curve, ...files, ...added, ...signer])
}

function writeKubeconfig(name: string, file: string): void {
  const base64 = (each: string) => readFileSync(pki(each)).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bailiwick', cluster: { server: `https://${node.ip}:6443`, 'certificate-authority-data': base64('ca.crt') } }],
    users: [{ name, user: { 'client-certificate-data': base64(`${name}.crt`), 'client-key-data': base64(`${name}.key`) } }],
    contexts: [{ name: 'bailiwick', context: { cluster: 'bailiwick', user: name } }],
    'current-context': 'bailiwick',
  }
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 })
}
