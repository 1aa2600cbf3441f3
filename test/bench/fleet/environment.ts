import { readFileSync } from 'node:fs'
import https from 'node:https'
import type { Endpoint } from '../../../platform/kubernetes/plain-endpoint.ts'

/** What the children are told by their environment, as programs are. */
export interface Environment {
  readonly redisUrl: string
  endpoint(): Endpoint
}

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }]
  readonly users: readonly [{ readonly user: { readonly token: string } }]
}

/** KUBECONFIG names the file that test/api-server/ writes. */
export function loadEnvironment(): Environment {
  const { KUBECONFIG = '', REDIS_URL = '' } = process.env
  const { clusters, users } = JSON.parse(readFileSync(KUBECONFIG, 'utf8')) as Kubeconfig
  const [{ cluster }, { user }] = [clusters[0], users[0]]
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64')
  return {
    redisUrl: REDIS_URL,
    endpoint() {
      const agent = new https.Agent({ keepAlive: true, ca })
      const headers = { authorization: `Bearer ${user.token}` }
      return { base: new URL(cluster.server), options: async () => ({ agent, headers }), close: () => agent.destroy() }
    },
  }
}
