import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { HostView, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { NodeSource } from '../core/ports/node-source-port.ts'
import { UNCORDON_SETTLE } from '../core/timing.ts'
import { type Lead, leads } from './lead.ts'

export interface NodeDrainsDeps extends Lead {
  readonly index: Pick<ZoneIndex, 'cordonNode'>
  readonly nodes: NodeSource
  readonly clock: Clock
  readonly log: Log
  /** The hosts of every fleet in use, as the index showed them last. */
  readonly hosts: () => Iterable<readonly [FleetId, readonly HostView[]]>
  readonly onDrained: () => void
}

/** `drain`: its node was cordoned. `stay`: it drains for that alone, and its node is not cordoned any more. */
export type NodeChange = 'drain' | 'stay' | undefined

/** What is to be told of a node, and the hosts that it concerns. */
interface Due {
  readonly fleet: FleetId
  readonly node: string
  readonly hosts: readonly HostView[]
  readonly cordoned: boolean
}

/** What a host's node means to it. Who drains for another reason, too, is dead or leaving is told nothing; nor is one whose node is gone or was not seen. */
export function decideNodeChange({ node, state, cordoned }: HostView, isCordoned: NodeSource['isCordoned']): NodeChange {
  const now = isCordoned(node)
  if (now === true && (state === 'Ready' || state === 'Retiring')) return 'drain'
  return now === false && state === 'Draining' && cordoned ? 'stay' : undefined
}

/** Has the hosts of cordoned nodes emptied, and keeps those that are left when their node was uncordoned for a while. */
export class NodeDrains {
  readonly #deps: NodeDrainsDeps
  /** Since when nodes whose hosts drain are seen uncordoned. */
  #openSince: ReadonlyMap<string, number> = new Map()

  constructor(deps: NodeDrainsDeps) {
    this.#deps = deps
  }

  /** What fails is asked again with the next look. */
  async look(): Promise<void> {
    const { nodes, clock, hosts } = this.#deps
    const now = clock.now()
    const openSince = new Map<string, number>()
    const due: Due[] = []
    for (const [fleet, views] of hosts()) {
      const drain = new Map<string, HostView[]>()
      const stay = new Map<string, HostView[]>()
      for (const host of views) {
        const change = decideNodeChange(host, (node) => nodes.isCordoned(node))
        if (change === undefined) continue
        const of = change === 'drain' ? drain : stay
        of.set(host.node, [...(of.get(host.node) ?? []), host])
      }
      for (const [node, hosts] of drain) due.push({ fleet, node, hosts, cordoned: true })
      for (const [node, hosts] of stay) {
        const since = this.#openSince.get(node) ?? now
        openSince.set(node, since)
        if (now - since >= UNCORDON_SETTLE) due.push({ fleet, node, hosts, cordoned: false })
      }
    }
    this.#openSince = openSince
    for (const each of due) if (!(await this.#tell(each))) return
  }

  /** False: the index does not answer, or the lease was lost, and it is not told of the others either. */
  async #tell({ fleet, node, hosts, cordoned }: Due): Promise<boolean> {
    const { index, log, onDrained } = this.#deps
    if (!leads(this.#deps)) return false
    try {
      await index.cordonNode(fleet, node, cordoned)
    } catch (error) {
      log.warn({ fleet, node, cordoned, error: describeError(error) }, 'the index was not told of a node')
      return false
    }
    const told = cordoned ? 'node cordoned: its host drains' : 'node uncordoned: its host stays'
    for (const { name, layers, players } of hosts) {
      log.info({ fleet, host: name, node, layers, players }, told)
      if (cordoned) onDrained()
    }
    return true
  }
}
