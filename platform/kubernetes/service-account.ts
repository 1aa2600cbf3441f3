import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import https from 'node:https'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { SERVICE_ACCOUNT_REREAD } from '../../core/timing.ts'
import { type Endpoint, KEEP_ALIVE_MS } from './plain-endpoint.ts'

/** Where the kubelet puts a pod's service account. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface PodEnvironment {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT of the pod. */
  readonly host: string | undefined
  readonly port: string | undefined
  readonly folder: string
  /** Monotonic. */
  readonly clock: Clock
}

/**
 * The cluster that the process runs in, with the rights of its pod. Undefined: it runs in no pod, or in one without a service account. Token and authority are read again every
 * SERVICE_ACCOUNT_REREAD, since the kubelet renews them.
 */
export function serviceAccountEndpoint({ host, port, folder, clock }: PodEnvironment): Endpoint | undefined {
  const [tokenFile, authorityFile] = [join(folder, 'token'), join(folder, 'ca.crt')]
  if (host === undefined || port === undefined || !existsSync(tokenFile) || !existsSync(authorityFile)) return undefined
  let token = readFileSync(tokenFile, 'utf8').trim()
  let authority = readFileSync(authorityFile, 'utf8')
  let readAt = clock.now()
  let agent = agentFor(authority)
  const renew = async (): Promise<void> => {
    readAt = clock.now()
    token = (await readFile(tokenFile, 'utf8')).trim()
    const next = await readFile(authorityFile, 'utf8')
    if (next === authority) return
    authority = next
    agent.destroy()
    agent = agentFor(authority)
  }
  return {
    // An IPv6 address stands in brackets.
    base: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    async options() {
      if (clock.now() - readAt >= SERVICE_ACCOUNT_REREAD) await renew()
      return { agent, headers: { authorization: `Bearer ${token}` } }
    },
    close: () => agent.destroy(),
  }
}

function agentFor(ca: string): https.Agent {
  return new https.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, ca })
}
