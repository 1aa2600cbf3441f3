import { isIP } from 'node:net'
import type { GameServer, GameServerStatus, Node, NodeAddress, Pod } from '../types.ts'

const ORDER: readonly { type: string; mustBeIp: boolean }[] = [
  { type: 'ExternalDNS', mustBeIp: false },
  { type: 'ExternalIP', mustBeIp: true },
  { type: 'InternalDNS', mustBeIp: false },
  { type: 'InternalIP', mustBeIp: true },
]

/** Gives the address that players are told: the first kind of Agones' order that the node has; undefined when it has none. */
export function primaryAddress(addresses: readonly NodeAddress[]): string | undefined {
  for (const { type, mustBeIp } of ORDER) {
    const found = addresses.find((entry) => entry.type === type && (!mustBeIp || isIP(entry.address) !== 0))
    if (found !== undefined) return found.address
  }
  return undefined
}

/** Gives the ports as the status tells them: the host's, or the container's for policy None. */
export function statusPorts(server: GameServer): { name?: string; port: number }[] {
  return (server.spec.ports ?? []).map((port) => ({
    ...(port.name === undefined ? {} : { name: port.name }),
    port: (port.portPolicy === 'None' ? port.containerPort : port.hostPort) ?? 0,
  }))
}

/** Gives where a scheduled server can be reached; undefined while its node is unknown or has no address. */
export function whereabouts(server: GameServer, pod: Pod, node: Node | undefined): Partial<GameServerStatus> | undefined {
  const addresses = node?.status?.addresses ?? []
  const address = primaryAddress(addresses)
  const nodeName = pod.spec.nodeName
  if (address === undefined || nodeName === undefined) return undefined
  const podAddresses = (pod.status?.podIPs ?? []).map(({ ip }): NodeAddress => ({ type: 'PodIP', address: ip }))
  return { address, addresses: [...addresses, ...podAddresses], nodeName, ports: statusPorts(server) }
}
