import https from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { BailiwickError, describeError } from '../../core/errors.ts'
import { type Endpoint, KEEP_ALIVE_MS, plainEndpoint } from './plain-endpoint.ts'

/** The current context of $KUBECONFIG or ~/.kube/config. Throws ConfigInvalid. */
export function kubeconfigEndpoint(): Endpoint {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (error) {
    throw new BailiwickError('ConfigInvalid', {
      asked: 'access to Kubernetes',
      found: describeError(error),
      todo: 'check KUBECONFIG',
      cause: error,
    })
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null)
    throw new BailiwickError('ConfigInvalid', { asked: 'access to Kubernetes', found: 'no current cluster', todo: 'set a current context' })
  const base = new URL(cluster.server)
  if (base.protocol === 'http:') return plainEndpoint(cluster.server)
  const agent = new https.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS })
  return {
    base,
    async options() {
      const options: https.RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      // The client's own agent opens a connection for each request; with a proxy it is needed all the same.
      return cluster.proxyUrl === undefined ? { ...options, agent } : options
    },
    close: () => agent.destroy(),
  }
}
