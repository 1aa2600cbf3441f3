import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The repository. */
export const root = dirname(dirname(import.meta.dirname))

/** Where everything lives that the harness makes: outside the repository, and never more than a cache. */
export const cacheDir = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bailiwick')

/** Clusters of different names can run side by side: nothing of one is seen by another. */
export const clusterName = process.env['BAILIWICK_CLUSTER'] ?? 'bailiwick'
if (!/^[a-z][a-z0-9-]{0,30}$/.test(clusterName)) {
  throw new Error(`BAILIWICK_CLUSTER is "${clusterName}"; it must be 1 to 31 lower-case letters, digits and hyphens, a letter first`)
}

/** The state of the cluster, removed when it is taken down. */
export const stateDir = join(cacheDir, 'clusters', clusterName)
export const logDir = join(stateDir, 'log')
export const kubeconfigPath = join(stateDir, 'admin.kubeconfig')
/** Images and the root file systems of containers. */
export const containerdFolder = join(stateDir, 'containerd')
export const containerdSocket = join(stateDir, 'containerd.sock')

/** Logs of clusters that failed, which outlive them. */
export const keptLogsDir = join(cacheDir, 'logs')

export const netnsName = clusterName
export const netnsPath = `/run/netns/${netnsName}`

export const node = { name: 'node1', ip: '10.77.0.1', interface: 'node0' }
export const serviceCidr = '10.96.0.0/24'
export const kubernetesServiceIp = '10.96.0.1'
export const dnsServiceIp = '10.96.0.10'
export const podCidr = '10.244.0.0/16'
export const nodePodCidr = '10.244.0.0/24'
