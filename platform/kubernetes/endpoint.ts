import { monotonicClock } from '../../core/clock.ts'
import type { Endpoint } from './plain-endpoint.ts'
import { SERVICE_ACCOUNT_FOLDER, serviceAccountEndpoint } from './service-account.ts'

/**
 * The cluster of $KUBECONFIG, else the one that the process runs in, else that of ~/.kube/config. Throws ConfigInvalid. What reads kubeconfigs is loaded only when there is one to read:
 * it brings the whole generated API with it, tens of megabytes that a pod has no use for.
 */
export async function defaultEndpoint(folder = SERVICE_ACCOUNT_FOLDER): Promise<Endpoint> {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  const own = KUBECONFIG === undefined ? serviceAccountEndpoint({ host, port, folder, clock: monotonicClock }) : undefined
  return own ?? (await import('./kubeconfig.ts')).kubeconfigEndpoint()
}
