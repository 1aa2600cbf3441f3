import http from 'node:http'
import type https from 'node:https'

/** An API server and how to be let in: asked before each request, since tokens are renewed on disk. */
export interface Endpoint {
  readonly base: URL
  options(): Promise<https.RequestOptions>
  /** Ends the connections that are kept open. */
  close(): void
}

/** A connection that is kept open is probed so often, ms. */
export const KEEP_ALIVE_MS = 30_000

/** An API server without TLS or credentials: `kubectl proxy`, a test. */
export function plainEndpoint(server: string): Endpoint {
  const agent = new http.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS })
  return { base: new URL(server), options: async () => ({ agent }), close: () => agent.destroy() }
}
