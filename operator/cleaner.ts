import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { HostView, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { FleetSource } from '../core/ports/zone-source-port.ts'
import { type Cleaning, decideCleaning, suspicionOf } from './cleaning.ts'
import { type Lead, leads } from './lead.ts'

export interface CleanerDeps extends Lead {
  readonly fleets: Pick<FleetSource, 'serversOf' | 'hasServer' | 'deleteServer'>
  readonly index: Pick<ZoneIndex, 'removeHost' | 'drainHost'>
  readonly clock: Clock
  readonly log: Log
  /** The hosts of a fleet as the index has them; undefined when it did not answer lately. */
  readonly hostsOf: (fleet: FleetId) => readonly HostView[] | undefined
  /** The fleets in use. */
  readonly followed: () => readonly FleetId[]
  readonly onCleaned: (what: Cleaning['do'], reason: Cleaning['reason']) => void
}

/** Looks for what leaked, and cleans one thing of a fleet with each look: a mistake would be seen before it is a habit. */
export class Cleaner {
  readonly #deps: CleanerDeps
  #suspects: ReadonlyMap<FleetId, ReadonlyMap<string, number>> = new Map()

  constructor(deps: CleanerDeps) {
    this.#deps = deps
  }

  /** A fleet whose index does not answer has no suspects: they must be so under eyes that see. */
  async look(): Promise<void> {
    const { fleets, clock, log, followed, hostsOf } = this.#deps
    const suspects = new Map<FleetId, ReadonlyMap<string, number>>()
    for (const fleet of followed()) {
      const [servers, hosts] = [fleets.serversOf(fleet), hostsOf(fleet)]
      if (servers === undefined || hosts === undefined) continue
      try {
        const before = this.#suspects.get(fleet) ?? new Map()
        const decision = decideCleaning({ fleet, now: clock.now(), servers, hosts, suspects: before })
        suspects.set(fleet, decision.suspects)
        const [first] = decision.due
        if (first === undefined) continue
        if (await this.#isMistaken(fleet, first)) suspects.set(fleet, without(decision.suspects, suspicionOf(fleet, first)))
        else await this.#clean(fleet, first, decision.due.length)
      } catch (error) {
        log.debug({ fleet, error: describeError(error) }, 'cleaning: not done, looked at again later')
      }
    }
    this.#suspects = suspects
  }

  /** A copy that lags behind must not empty a host that somebody plays on. A server is deleted as it was seen or not at all, so that needs no second look. */
  async #isMistaken(fleet: FleetId, cleaning: Cleaning): Promise<boolean> {
    const { fleets, log } = this.#deps
    if (cleaning.do === 'deleteServer' || !(await fleets.hasServer(fleet, cleaning.host.name))) return false
    log.warn({ fleet, host: cleaning.host.name }, 'cleaning: the host has a game server, which the watch has not told of')
    return true
  }

  async #clean(fleet: FleetId, cleaning: Cleaning, due: number): Promise<void> {
    const { fleets, index, log, onCleaned } = this.#deps
    if (!leads(this.#deps)) return
    if (cleaning.do === 'deleteServer') {
      const { name } = cleaning.server
      await fleets.deleteServer(cleaning.server)
      log.warn({ fleet, server: name, reason: cleaning.reason, due }, 'cleaning: leaked game server deleted')
    } else {
      const { name, incarnation } = cleaning.host
      if (cleaning.do === 'removeHost') await index.removeHost(fleet, name, incarnation)
      else await index.drainHost(fleet, name)
      log.warn({ fleet, host: name, did: cleaning.do, reason: cleaning.reason, due }, 'cleaning: host without a game server')
    }
    onCleaned(cleaning.do, cleaning.reason)
  }
}

function without(suspects: ReadonlyMap<string, number>, key: string): ReadonlyMap<string, number> {
  return new Map([...suspects].filter(([one]) => one !== key))
}
