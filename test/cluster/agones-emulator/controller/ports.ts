import { MAX_PORT, MIN_PORT } from '../names.ts'
import type { GameServer, GameServerPort } from '../types.ts'

function isDynamic(port: GameServerPort): boolean {
  return port.portPolicy === 'Dynamic' || port.portPolicy === 'Passthrough'
}

/** Gives the host ports of the range that a server holds for its life. */
export function portsHeld(server: GameServer): number[] {
  return (server.spec.ports ?? []).filter(isDynamic).flatMap((port) => (port.hostPort === undefined ? [] : [port.hostPort]))
}

/** Gives how many host ports a server asks for. */
export function portsWanted(server: GameServer): number {
  return (server.spec.ports ?? []).filter(isDynamic).length
}

/**
 * Chooses host ports. A port is free while fewer servers hold it than there are nodes, because the scheduler keeps two holders apart;
 * ports that nobody holds come first. `random` is in [0, 1). Throws when the range is used up.
 */
export function choosePorts(amount: number, held: readonly number[], nodes: number, random: () => number): number[] {
  const holders = new Map<number, number>()
  for (const port of held) holders.set(port, (holders.get(port) ?? 0) + 1)
  const chosen: number[] = []
  const span = MAX_PORT - MIN_PORT + 1
  for (let level = 0; level < Math.max(1, nodes); level += 1) {
    const start = Math.floor(random() * span)
    for (let step = 0; step < span && chosen.length < amount; step += 1) {
      const port = MIN_PORT + ((start + step) % span)
      if ((holders.get(port) ?? 0) === level && !chosen.includes(port)) chosen.push(port)
    }
    if (chosen.length === amount) return chosen
  }
  throw new Error(`no ${amount} free host ports in ${MIN_PORT}-${MAX_PORT}: ${held.length} are held on ${nodes} nodes`)
}

function splitProtocols(port: GameServerPort): GameServerPort[] {
  if (port.protocol !== 'TCPUDP') return [port]
  const name = port.name ?? ''
  return [
    { ...port, name: `${name}-tcp`, protocol: 'TCP' },
    { ...port, name: `${name}-udp`, protocol: 'UDP' },
  ]
}

/** Puts the chosen host ports into the spec, in the order of its dynamic ports; a TCPUDP port becomes two of one number. */
export function withPorts(server: GameServer, chosen: readonly number[]): GameServer {
  const left = [...chosen]
  const ports = (server.spec.ports ?? []).map((port): GameServerPort => {
    const hostPort = isDynamic(port) ? left.shift() : undefined
    if (hostPort === undefined) return port
    return port.portPolicy === 'Passthrough' ? { ...port, hostPort, containerPort: hostPort } : { ...port, hostPort }
  })
  return { ...server, spec: { ...server.spec, ports: ports.flatMap(splitProtocols) } }
}
