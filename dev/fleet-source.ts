import { BailiwickError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { Autoscaler, Fleet, FleetSource, Manifest, ServerFate } from '../core/ports/zone-source-port.ts'

/**
 * The fleets of the embedded world: one in every namespace that has zones, made when it is first asked for. There are no pods to make, so a dedicated
 * fleet has nothing to be made of and says so.
 */
export class EmbeddedFleetSource implements FleetSource {
  readonly #fleetName: string
  readonly #ensure: (fleet: FleetId) => void

  constructor(fleetName: string, ensure: (fleet: FleetId) => void) {
    this.#fleetName = fleetName
    this.#ensure = ensure
  }

  async watchFleets(): Promise<void> {}

  async watchServers(_onFate: (server: ServerFate) => void): Promise<void> {}

  get(id: FleetId): Fleet | undefined {
    if (id.split('/')[1] !== this.#fleetName) return undefined
    this.#ensure(id)
    return { id, uid: id, annotations: {}, ownerZone: undefined, deleting: false, spec: {} }
  }

  autoscalerOf(_fleet: FleetId): Autoscaler | undefined {
    return undefined
  }

  troubleOf(_fleet: FleetId): string | undefined {
    return undefined
  }

  /** None: a host that ended is gone. */
  serversOf(): undefined {
    return undefined
  }

  async hasServer(): Promise<boolean> {
    return false
  }

  async deleteServer(): Promise<void> {}

  async apply(manifest: Manifest): Promise<void> {
    throw new BailiwickError('InvalidInput', {
      asked: `${manifest.kind} ${manifest.metadata.namespace}/${manifest.metadata.name}`,
      found: 'the embedded world has no pods',
      todo: 'leave spec.dedicated out here; it has its effect on Kubernetes',
    })
  }

  async deleteDedicated(): Promise<void> {}
}
