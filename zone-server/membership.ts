import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { FleetId, LayerId } from '../core/ids.ts'
import type { HeartbeatAnswer, HostLoad, LayerReport, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import { NEWS_BELIEVED_FOR } from '../core/timing.ts'
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
  /** When the heartbeat was sent that was answered last. */
  #answeredAt = Number.NEGATIVE_INFINITY
  /** Generations of layers that were given to this host since what the newest answer says was asked for. */
  readonly #news = new Map<LayerId, number>()

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
      answer: this.#answer && withNews(this.#answer, this.#news),
    }
  }

  /**
   * The index told that it gave this host a layer: what the next answer would say, a round trip earlier. Of no use to a host that was not heard of for a while: it may have lost the layer again, and asks. A claim that is
   * begun in vain all the same harms nobody but the layer's owner, who has to claim it anew, as one begun by an answer that was late.
   */
  told(layer: LayerId, generation: number): void {
    const age = this.#deps.clock.now() - this.#answeredAt
    if (this.#answer !== undefined && age >= 0 && age < NEWS_BELIEVED_FOR) this.#news.set(layer, generation)
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
    this.#forget()
    this.#heartbeatDue = true
  }

  async heartbeat(outdated: boolean): Promise<void> {
    const { index, log, clock, fleet, host, layers, load } = this.#deps
    const askedAt = clock.now()
    this.#heartbeatAt = askedAt
    this.#heartbeatDue = false
    const news = new Map(this.#news)
    const reports = this.#reports()
    const unheard = layers.door.unheard()
    const answer = await index.heartbeat(fleet, { host, incarnation: this.#incarnation, outdated, layers: reports, load: load() })
    // It knows of what was told before it was asked for; what was told since it does not take back, nor is forgotten by it that such a layer has ended here already.
    for (const [layer, generation] of news) if (this.#news.get(layer) === generation) this.#news.delete(layer)
    const now = answer.known ? withNews(answer, this.#news) : answer
    layers.settleEnded(now, reports)
    layers.door.settle(now, unheard)
    if (answer.known) {
      this.#answer = answer
      this.#answeredAt = askedAt
      return
    }
    log.warn({ fleet }, 'the index does not know this host')
    layers.indexForgot()
    this.#forget()
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
    this.#forget()
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

  #forget(): void {
    this.#answer = undefined
    this.#news.clear()
  }

  #reports(): readonly LayerReport[] {
    return this.#deps.layers.reports()
  }
}

/** The answer as it would be now. */
function withNews(answer: HeartbeatAnswer, news: ReadonlyMap<LayerId, number>): HeartbeatAnswer {
  if (news.size === 0) return answer
  const known = answer.layers.filter(({ layer, generation }) => generation >= (news.get(layer) ?? 0))
  const newer = [...news].filter(([layer]) => known.every((one) => one.layer !== layer))
  return { ...answer, layers: [...known, ...newer.map(([layer, generation]) => ({ layer, generation, closeRequested: undefined }))] }
}
