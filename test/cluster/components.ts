import { mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { inCluster } from './namespace.ts'
import {
  clusterName,
  containerdFolder,
  containerdSocket,
  dnsServiceIp,
  kubeconfigPath,
  logDir,
  node,
  nodePodCidr,
  podCidr,
  serviceCidr,
  stateDir,
} from './paths.ts'
import { pki } from './pki.ts'
import { waitFor } from './run.ts'
import type { Tools } from './tools.ts'

export const componentNames = ['etcd', 'apiserver', 'controller-manager', 'scheduler', 'containerd', 'kubelet', 'kube-proxy'] as const
export type ComponentName = (typeof componentNames)[number]

export const sandboxImage = 'docker.io/library/bailiwick-pause:dev'

const file = (...parts: string[]) => join(stateDir, ...parts)
const flags = (values: Record<string, string | number | boolean>) => Object.entries(values).map(([name, value]) => `--${name}=${value}`)

/** The command line of each part. The same state folder gives the same answer, so that a part can be started again. */
export function commandOf(name: ComponentName, tools: Tools): string[] {
  switch (name) {
    case 'etcd': {
      const client = 'http://127.0.0.1:2379'
      const urls = { 'listen-client-urls': client, 'advertise-client-urls': client, 'listen-peer-urls': 'http://127.0.0.1:2380' }
      return [tools.file('etcd'), ...flags({ 'data-dir': file('etcd'), ...urls, 'unsafe-no-fsync': true })]
    }
    case 'apiserver':
      return [tools.file('kube-apiserver'), ...flags(apiserverFlags())]
    case 'controller-manager':
      return [tools.file('kube-controller-manager'), ...flags(controllerManagerFlags())]
    case 'scheduler':
      return [tools.file('kube-scheduler'), ...flags({ kubeconfig: kubeconfigPath, 'leader-elect': false })]
    case 'containerd':
      return ['containerd', '--config', file('containerd.toml')]
    case 'kubelet':
      return [
        tools.file('kubelet'),
        ...flags({
          config: file('kubelet.yaml'),
          kubeconfig: file('kubelet.kubeconfig'),
          'hostname-override': node.name,
          'node-ip': node.ip,
          'root-dir': file('kubelet'),
          v: 2,
        }),
      ]
    case 'kube-proxy':
      return [tools.file('kube-proxy'), ...flags({ config: file('kube-proxy.yaml') })]
  }
}

function apiserverFlags(): Record<string, string | number | boolean> {
  return {
    'etcd-servers': 'http://127.0.0.1:2379',
    'secure-port': 6443,
    'bind-address': '0.0.0.0',
    'advertise-address': node.ip,
    'client-ca-file': pki('ca.crt'),
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
    'service-account-key-file': pki('sa.pub'),
    'service-account-signing-key-file': pki('sa.key'),
    'service-account-issuer': 'https://kubernetes.default.svc',
    'authorization-mode': 'Node,RBAC',
    'service-cluster-ip-range': serviceCidr,
    'allow-privileged': true,
    'kubelet-client-certificate': pki('admin.crt'),
    'kubelet-client-key': pki('admin.key'),
    // The node's name resolves nowhere.
    'kubelet-preferred-address-types': 'InternalIP',
    // Without these, aggregated APIs refuse every request.
    'requestheader-client-ca-file': pki('front-ca.crt'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'proxy-client-cert-file': pki('front.crt'),
    'proxy-client-key-file': pki('front.key'),
  }
}

function controllerManagerFlags(): Record<string, string | number | boolean> {
  return {
    kubeconfig: kubeconfigPath,
    'service-account-private-key-file': pki('sa.key'),
    'root-ca-file': pki('ca.crt'),
    'cluster-signing-cert-file': pki('ca.crt'),
    'cluster-signing-key-file': pki('ca.key'),
    'use-service-account-credentials': true,
    'allocate-node-cidrs': true,
    'cluster-cidr': podCidr,
    'leader-elect': false,
  }
}

/** Writes the configuration files of the parts that have one. */
export function writeConfigurations(imagesInMemory: boolean): void {
  for (const folder of ['etcd', 'cni', 'manifests', 'kubelet', 'log/pods', 'pids']) mkdirSync(file(folder), { recursive: true })
  writeFileSync(file('containerd.toml'), containerdConfiguration(imagesInMemory))
  writeFileSync(file('kubelet.yaml'), stringify(kubeletConfiguration()))
  writeFileSync(file('kube-proxy.yaml'), stringify(proxyConfiguration()))
  writeFileSync(file('cni', '10-pods.conflist'), JSON.stringify(podNetwork(), null, 2))
}

const overlayMagic = 0x794c7630

function containerdConfiguration(imagesInMemory: boolean): string {
  // An overlay can't lie on another one, as when this machine is itself a container.
  const snapshotter = !imagesInMemory && statfsSync(stateDir).type === overlayMagic ? 'native' : 'overlayfs'
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = "${containerdFolder}"
state = "/run/containerd-state"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(containerdFolder, 'opt')}"
[${cri}]
  sandbox_image = "${sandboxImage}"
  # Where root may not lower a score, no container would start without this.
  restrict_oom_score_adj = true
  [${cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${file('cni')}"
  [${cri}.containerd]
    snapshotter = "${snapshotter}"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`
}

function kubeletConfiguration(): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${clusterName}`,
    cgroupsPerQOS: true,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    authentication: { x509: { clientCAFile: pki('ca.crt') }, webhook: { enabled: true }, anonymous: { enabled: false } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: pki('kubelet.crt'),
    tlsPrivateKeyFile: pki('kubelet.key'),
    clusterDNS: [dnsServiceIp],
    clusterDomain: 'cluster.local',
    resolvConf: '/dev/null',
    staticPodPath: file('manifests'),
    podLogsDir: file('log', 'pods'),
    volumePluginDir: file('kubelet', 'volume-plugins'),
    maxPods: 200,
    // Tests kill containers often; the usual back-off grows to minutes.
    featureGates: { KubeletCrashLoopBackOffMax: true },
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
    oomScoreAdj: 0,
    // A developer's disk is often nearly full; the cluster's own images must not be collected for it either.
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
    serializeImagePulls: false,
    nodeStatusUpdateFrequency: '4s',
    volumeStatsAggPeriod: '0s',
  }
}

function proxyConfiguration(): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    iptables: { minSyncPeriod: '100ms' },
    clientConnection: { kubeconfig: kubeconfigPath },
    clusterCIDR: podCidr,
    hostnameOverride: node.name,
    oomScoreAdj: 0,
    // The machine's connection tracking is not ours to tune.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }
}

function podNetwork(): object {
  const ipam = { type: 'host-local', ranges: [[{ subnet: nodePodCidr }]], routes: [{ dst: '0.0.0.0/0' }] }
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

const pidFile = (name: ComponentName) => file('pids', name)

/** Starts a part inside the cluster's namespaces; its output goes to log/NAME.log. */
export async function startComponent(name: ComponentName, tools: Tools): Promise<void> {
  const script = 'log=$1; pids=$2; shift 2; setsid "$@" >>"$log" 2>&1 </dev/null & echo $! >"$pids"'
  await inCluster('sh', ['-c', script, 'sh', join(logDir, `${name}.log`), pidFile(name), ...commandOf(name, tools)])
}

/** Sends a signal to a part; 0 only asks whether it lives. The number is one of the cluster's own process namespace and can hit nothing else. */
export async function signalComponent(name: ComponentName, signal: string): Promise<void> {
  await inCluster('sh', ['-c', 'kill -s "$1" "$(cat "$2")"', 'sh', signal, pidFile(name)])
}

/** Ends a part, by force after 5 s, and waits until it is gone. */
export async function stopComponent(name: ComponentName): Promise<void> {
  await signalComponent(name, 'TERM')
  const gone = () =>
    signalComponent(name, '0').then(
      () => false,
      () => true,
    )
  await waitFor(`${name} to end`, gone, 5000).catch(async () => {
    await signalComponent(name, 'KILL')
    await waitFor(`${name} to be killed`, gone, 5000)
  })
}
