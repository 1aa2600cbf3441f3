import { catalogue } from '../../../core/errors.ts'
import type { LayerId } from '../../../core/ids.ts'
import { type Log, type LogFields, silentLog } from '../../../core/ports/log-port.ts'
import { HostLayers } from '../../../zone-server/host-layers.ts'
import { packingInline } from '../../../zone-server/packing.ts'
import { Violation } from './history.ts'
import type { IndexServer } from './index-server.ts'
import type { Kernel } from './kernel.ts'
import { Process } from './process.ts'
import type { StoreServer } from './store-server.ts'

export const FLEET = 'game/zone-servers'

export interface SimulatedHostDeps {
  readonly kernel: Kernel
  readonly index: IndexServer
  readonly store: StoreServer
  /** False: it does not hear of what may be its own in a moment. */
  readonly readsAhead: boolean
  readonly onViolation: (error: unknown) => void
}

/** What the code itself finds to contradict what it promises. */
const BROKEN = catalogue.InvariantBroken.title

/** A log that takes a broken promise for what it is. */
function suspicious(onViolation: (error: unknown) => void): Log {
  const look = (fields: LogFields): void => {
    const text = JSON.stringify(fields)
    if (text.includes(BROKEN)) onViolation(new Violation(text))
  }
  const log: Log = { ...silentLog, warn: look, error: look, child: () => log }
  return log
}

/** A would-be owner: the zone server's own code for a host's layers (claim, journal, snapshots, outbox, doorway) in a simulated process. */
export class SimulatedHost {
  readonly process: Process
  readonly layers: HostLayers
  readonly #readsAhead: boolean

  constructor(name: string, { kernel, index, store, readsAhead, onViolation }: SimulatedHostDeps) {
    this.#readsAhead = readsAhead
    this.process = new Process(name, kernel)
    this.layers = new HostLayers({
      index: index.portOf(this.process),
      store: store.portOf(this.process),
      log: suspicious(onViolation),
      timers: this.process,
      meters: {
        ...{ tick: () => undefined, claim: () => undefined, commit: () => undefined, held: () => undefined, snapshot: () => undefined },
        ...{ journalRefused: () => undefined, crashed: () => undefined, late: () => undefined },
      },
      fleet: FLEET,
      host: name,
      // Other threads come back when they like.
      packing: packingInline,
      onChange: () => undefined,
    })
  }

  get name(): string {
    return this.process.name
  }

  serves(layer: LayerId): boolean {
    return this.process.alive && this.layers.reports().some((report) => report.layer === layer && report.state === 'Serving')
  }

  /** Told, as by a change of the index, that the layer may be its own in a moment. */
  expect(layer: LayerId): void {
    this.process.deliver(() => {
      if (this.#readsAhead && !this.layers.has(layer)) this.layers.expect(layer)
    })
  }

  /** Told, as by a heartbeat's answer, that the layer is its own in this generation. */
  claim(layer: LayerId, generation: number): void {
    this.process.deliver(() => {
      if (this.layers.has(layer)) this.layers.drop(layer, 'placed here again')
      this.layers.claim(layer, generation)
    })
  }

  /** Told, by a heartbeat's answer, that the index does not know it any more. */
  forgotten(): void {
    this.process.deliver(() => this.layers.indexForgot())
  }

  /** Told, likewise, that it is another's by now: whatever it has of an older generation goes. */
  drop(layer: LayerId, generation: number): void {
    this.process.deliver(() => {
      const mine = this.layers.observed().find((observed) => observed.layer === layer)
      if (mine !== undefined && mine.generation < generation) this.layers.drop(layer, 'the index gave it to another')
    })
  }
}
