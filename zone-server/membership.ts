import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { FleetId } from '../core/ids.ts'
import type { HeartbeatAnswer, HostLoad, LayerReport, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { HostObserved } from './decide-host.ts'
import type { HostLayers } from './host-layers.ts'

export interface MembershipDeps {
  readonly index: ZoneIndex
  readonly log: Log
  readonly clock: Clock
  readonly fleet: FleetId
  readonly host: string
  readonly node: string
  readonly capacity: number
  readonly layers: HostLayers
  readonly load: () => HostLoad
}

type MembershipSeen = Pick<
  HostObserved,
  'membership' | 'announced' | 'announcingSince' | 'leftAt' | 'retired' | 'drained' | 'heartbeatAt' | 'heartbeatDue' | 'answer'
>

/** What a host is to the index, from the registration to the leave: the calls, and what they were answered. Decides nothing. */
export class Membership {
  readonly #deps: MembershipDeps
  #incarnation = randomUUID()
  #membership: HostObserved['membership'] = 'none'
  #announced = false
  #announcingSince: number | undefined
  #leftAt: number | undefined
  #retired = false
  #drained: HostObserved['drained'] = 'no'
  #heartbeatAt = Number.NEGATIVE_INFINITY
  #heartbeatDue = false
  #answer: HeartbeatAnswer | undefined

  constructor(deps: MembershipDeps) {
    this.#deps = deps
  }

  observed(): MembershipSeen {
    return {
      membership: this.#membership,
      announced: this.#announced,
      announcingSince: this.#announcingSince,
      leftAt: this.#leftAt,
      retired: this.#retired,
      drained: this.#drained,
      heartbeatAt: this.#heartbeatAt,
      heartbeatDue: this.#heartbeatDue,
      answer: this.#answer,
    }
  }

  /** The next heartbeat is to come now. */
  hurry(): void {
    this.#heartbeatDue = true
  }

  async announce(): Promise<void> {
    const { index, clock, fleet, host } = this.#deps
    this.#announcingSince ??= clock.now()
    await index.announceHost(fleet, host)
    this.#announced = true
  }

  async register(endpoint: string): Promise<void> {
    const { index, log, fleet, host, node, capacity } = this.#deps
    const registration = { name: host, incarnation: this.#incarnation, node, endpoints: [endpoint], capacity, holdsHellos: true }
    await index.registerHost(fleet, registration, this.#reports())
    log.info({ fleet, endpoint, capacity }, 'registered')
    this.#membership = 'registered'
    this.#drained = 'no'
    this.#answer = undefined
    this.#heartbeatDue = true
  }

  async heartbeat(outdated: boolean): Promise<void> {
    const { index, log, clock, fleet, host, layers, load } = this.#deps
    this.#heartbeatAt = clock.now()
    this.#heartbeatDue = false
    const reports = this.#reports()
    const unheard = layers.door.unheard()
    const answer = await index.heartbeat(fleet, { host, incarnation: this.#incarnation, outdated, layers: reports, load: load() })
    layers.settleEnded(answer, reports)
    layers.door.settle(answer, unheard)
    if (answer.known) {
      this.#answer = answer
      return
    }
    log.warn({ fleet }, 'the index does not know this host')
    layers.indexForgot()
    this.#answer = undefined
    this.#membership = 'none'
  }

  async drain(withinMs: number | undefined): Promise<void> {
    const { index, log, fleet, host } = this.#deps
    await index.drainHost(fleet, host, withinMs)
    log.info({ fleet, withinMs }, 'draining')
    this.#drained = withinMs === undefined ? 'openEnded' : 'byDeadline'
    this.#heartbeatDue = true
  }

  async leave(retired: boolean): Promise<void> {
    const { index, log, clock, fleet, host } = this.#deps
    this.#retired = retired
    const left = await index.leaveHost(fleet, host, this.#incarnation)
    // Refused: it was needed again meanwhile. The answer that allowed it is out of date either way.
    this.#answer = undefined
    this.#heartbeatDue = true
    if (!left) return
    log.info({ fleet, retired }, 'left')
    this.#membership = 'left'
    this.#leftAt = clock.now()
  }

  /** As if it had just been born: to the index it is another than the one that left. */
  comeBack(): void {
    this.#deps.log.info({ fleet: this.#deps.fleet }, 'given back, and not taken: begins anew')
    this.#incarnation = randomUUID()
    this.#membership = 'none'
    this.#announced = false
    this.#announcingSince = undefined
    this.#retired = false
    this.#leftAt = undefined
  }

  #reports(): readonly LayerReport[] {
    return this.#deps.layers.reports()
  }
}
