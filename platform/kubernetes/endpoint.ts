import http from 'node:http'
import https from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { BailiwickError, describeError } from '../../core/errors.ts'

/** An API server and how to be let in: asked before each request, since tokens are renewed on disk. */
export interface Endpoint {
  readonly base: URL
  options(): Promise<https.RequestOptions>
  /** Ends the connections that are kept open. */
  close(): void
}

const KEEP_ALIVE_MS = 30_000

/** The cluster of $KUBECONFIG or ~/.kube/config, else the one that the process runs in. Throws ConfigInvalid. */
export function defaultEndpoint(): Endpoint {
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
  return endpointOf(config)
}

/** The current context of a KubeConfig. Throws ConfigInvalid when there is none. */
export function endpointOf(config: KubeConfig): Endpoint {
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

/** An API server without TLS or credentials: `kubectl proxy`, a test. */
export function plainEndpoint(server: string): Endpoint {
  const agent = new http.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS })
  return { base: new URL(server), options: async () => ({ agent }), close: () => agent.destroy() }
}
