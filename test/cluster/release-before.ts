import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { root } from './paths.ts'

/*
 * The release before, as an upgrade meets it. Replaced at each release: values-before.yaml by that release's values without their comments, these lists by what its programs were given.
 */

/** The environment of each program, in that release. */
const environment: Readonly<Record<string, readonly string[]>> = {
  operator: ['REDIS_URL', 'MONGODB_URL', 'MONGODB_DATABASE', 'INTERNAL_PORT', 'WATCH_NAMESPACES', 'WATCH_NODES', 'DEFAULT_FLEET'],
  allocator: ['REDIS_URL', 'JWKS_URL', 'TRUSTED_PROXIES', 'PORT', 'INTERNAL_PORT'],
  auth: ['REDIS_URL', 'MONGODB_URL', 'MONGODB_DATABASE', 'TRUSTED_PROXIES', 'PORT', 'SIGNING_KEY_FILE'],
  characters: ['REDIS_URL', 'MONGODB_URL', 'MONGODB_DATABASE', 'JWKS_URL', 'TRUSTED_PROXIES', 'PORT'],
}
const ofEveryPod = ['LOG_LEVEL', 'POD_NAME', 'POD_NAMESPACE']
/** They had no metrics of their own. */
const withoutInternalPort: ReadonlySet<string> = new Set(['auth', 'characters'])

interface Deployment {
  readonly kind: string
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } }
}
interface Container {
  env: readonly { readonly name: string }[]
  ports: readonly { readonly name: string }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
}
interface Probe {
  readonly httpGet: { port: string }
}

/**
 * Writes the chart of the release before into a folder: its values, and what it rendered, which is what this chart renders less what is new since.
 * @param rendered by this chart, for the release that is to be installed
 */
export function writeChartBefore(folder: string, rendered: string): void {
  mkdirSync(join(folder, 'templates'), { recursive: true })
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: bailiwick\nversion: 0.0.1\nappVersion: 0.0.1\n')
  writeFileSync(join(folder, 'values.yaml'), readFileSync(join(root, 'test', 'cluster', 'values-before.yaml')))
  writeFileSync(join(folder, 'rendered.yaml'), rendered.split(/^---$/m).map(asBefore).join('\n---\n'))
  writeFileSync(join(folder, 'templates', 'all.yaml'), '{{ .Files.Get "rendered.yaml" }}\n')
}

/** One manifest. Only those that differ are read and written anew: a coordinate named y in the CRD would not survive it. */
function asBefore(text: string): string {
  if (!/^kind: Deployment$/m.test(text)) return text
  const deployment = parse(text) as Deployment
  const program = deployment.metadata.labels['app.kubernetes.io/component'] ?? ''
  const known = new Set([...(environment[program] ?? []), ...ofEveryPod])
  for (const container of deployment.spec.template.spec.containers) {
    container.env = container.env.filter(({ name }) => known.has(name))
    if (withoutInternalPort.has(program)) container.ports = container.ports.filter(({ name }) => name !== 'internal')
    // Whoever had a public port was asked for its health there.
    const asked = container.ports.some(({ name }) => name === 'http') ? 'http' : 'internal'
    for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe]) httpGet.port = asked
  }
  return stringify(deployment)
}
