import { describeError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { HostView, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { NodeSource } from '../core/ports/node-source-port.ts'

export interface NodeDrainsDeps {
  readonly index: Pick<ZoneIndex, 'cordonHost'>
  readonly nodes: NodeSource
  readonly log: Log
  /** The hosts of every fleet in use, as the index showed them last. */
  readonly hosts: () => Iterable<readonly [FleetId, readonly HostView[]]>
  readonly onDrained: () => void
}

/** What is to be told of a host's node. */
export interface NodeChange {
  readonly host: HostView
  readonly cordoned: boolean
}

/**
 * The hosts that are to be emptied because their node was cordoned, and those that may stay because it is not any more. Who drains for another reason, too, is dead or leaving is told
 * nothing; nor is one whose node is gone or was not seen.
 */
export function decideNodeChanges(hosts: readonly HostView[], isCordoned: NodeSource['isCordoned']): readonly NodeChange[] {
  return hosts.flatMap((host): NodeChange[] => {
    const cordoned = isCordoned(host.node)
    const stays = host.state === 'Ready' || host.state === 'Retiring'
    if (cordoned === true && stays) return [{ host, cordoned }]
    if (cordoned === false && host.state === 'Draining' && host.cordoned) return [{ host, cordoned }]
    return []
  })
}

/** Has the hosts of cordoned nodes emptied, and keeps those that are left when their node is uncordoned. */
export class NodeDrains {
  readonly #deps: NodeDrainsDeps

  constructor(deps: NodeDrainsDeps) {
    this.#deps = deps
  }

  /** What fails is asked again with the next look. */
  async look(): Promise<void> {
    const { index, nodes, log, hosts, onDrained } = this.#deps
    for (const [fleet, views] of hosts()) {
      for (const { host, cordoned } of decideNodeChanges(views, (node) => nodes.isCordoned(node))) {
        const { name, node, layers, players } = host
        try {
          await index.cordonHost(fleet, name, cordoned)
        } catch (error) {
          log.warn({ fleet, host: name, node, cordoned, error: describeError(error) }, 'the index was not told of the node of a host')
          return
        }
        const told = cordoned ? 'node cordoned: its host drains' : 'node uncordoned: its host stays'
        log.info({ fleet, host: name, node, layers, players }, told)
        if (cordoned) onDrained()
      }
    }
  }
}
