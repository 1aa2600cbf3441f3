import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { HostView, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { NodeSource } from '../core/ports/node-source-port.ts'
import { UNCORDON_SETTLE } from '../core/timing.ts'

export interface NodeDrainsDeps {
  readonly index: Pick<ZoneIndex, 'cordonHost'>
  readonly nodes: NodeSource
  readonly clock: Clock
  readonly log: Log
  /** The hosts of every fleet in use, as the index showed them last. */
  readonly hosts: () => Iterable<readonly [FleetId, readonly HostView[]]>
  readonly onDrained: () => void
}

/** `drain`: its node was cordoned. `stay`: it drains for that alone, and its node is not cordoned any more. */
export type NodeChange = 'drain' | 'stay' | undefined

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
    const due: [FleetId, HostView, boolean][] = []
    for (const [fleet, views] of hosts()) {
      for (const host of views) {
        const change = decideNodeChange(host, (node) => nodes.isCordoned(node))
        if (change === 'drain') due.push([fleet, host, true])
        if (change !== 'stay') continue
        const since = this.#openSince.get(host.node) ?? now
        openSince.set(host.node, since)
        if (now - since >= UNCORDON_SETTLE) due.push([fleet, host, false])
      }
    }
    this.#openSince = openSince
    for (const [fleet, host, cordoned] of due) if (!(await this.#tell(fleet, host, cordoned))) return
  }

  /** False: the index does not answer, and is not asked for the others either. */
  async #tell(fleet: FleetId, { name, node, layers, players }: HostView, cordoned: boolean): Promise<boolean> {
    const { index, log, onDrained } = this.#deps
    try {
      await index.cordonHost(fleet, name, cordoned)
    } catch (error) {
      log.warn({ fleet, host: name, node, cordoned, error: describeError(error) }, 'the index was not told of the node of a host')
      return false
    }
    const told = cordoned ? 'node cordoned: its host drains' : 'node uncordoned: its host stays'
    log.info({ fleet, host: name, node, layers, players }, told)
    if (cordoned) onDrained()
    return true
  }
}
