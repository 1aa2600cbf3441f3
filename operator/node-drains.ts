import { describeError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { HostView, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { NodeSource } from '../core/ports/node-source-port.ts'

export interface NodeDrainsDeps {
  readonly index: Pick<ZoneIndex, 'drainHost'>
  readonly nodes: NodeSource
  readonly log: Log
  /** The hosts of every fleet in use, as the index showed them last. */
  readonly hosts: () => Iterable<readonly [FleetId, readonly HostView[]]>
  readonly onDrained: () => void
}

/** The hosts that are to be emptied because their node was cordoned. A host that drains already, or is dead or leaving, is not asked again. */
export function hostsToDrain(hosts: readonly HostView[], cordoned: ReadonlySet<string>): readonly HostView[] {
  return hosts.filter(({ node, state }) => cordoned.has(node) && (state === 'Ready' || state === 'Retiring'))
}

/** Empties the hosts of cordoned nodes. There is no way back: a host that drains goes, also when its node is uncordoned meanwhile. */
export class NodeDrains {
  readonly #deps: NodeDrainsDeps

  constructor(deps: NodeDrainsDeps) {
    this.#deps = deps
  }

  /** What fails is asked again with the next look. */
  async look(): Promise<void> {
    const { index, nodes, log, hosts, onDrained } = this.#deps
    const cordoned = nodes.cordoned()
    if (cordoned.size === 0) return
    for (const [fleet, views] of hosts()) {
      for (const { name, node, layers, players } of hostsToDrain(views, cordoned)) {
        try {
          await index.drainHost(fleet, name)
        } catch (error) {
          log.warn({ fleet, host: name, node, error: describeError(error) }, 'node cordoned: its host could not be told to drain')
          return
        }
        log.info({ fleet, host: name, node, layers, players }, 'node cordoned: its host drains')
        onDrained()
      }
    }
  }
}
