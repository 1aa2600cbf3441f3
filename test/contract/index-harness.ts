import type { FleetId, LayerId, ZoneId } from '../../core/ids.ts'
import type { IndexRules } from '../../core/index-rules.ts'
import type { Heartbeat, HostRegistration, HostView, LayerReport, LayerView, NewTicket, ZoneIndex } from '../../core/ports/index-port.ts'

/** What a driver brings to the contract suite. */
export interface IndexHarness {
  readonly index: ZoneIndex
  /** Makes index time of the fleet's slot pass, by at least so much. */
  advance(fleet: FleetId, ms: number): Promise<void>
  /** The index loses everything. */
  flush(): Promise<void>
  /** The index loses nothing, but has another replication id, as after a restart. */
  restart(): Promise<void>
}

/** Of the suite's own rules. */
export const NEWBORN_MAX = 6

/**
 * The suite's own rules: the proportions of the real ones, but so long that what a test itself takes, on however slow a machine, is nothing. Time passes
 * only by `advance`.
 */
export const rules: Partial<IndexRules> = {
  hostDeadAfter: 200_000,
  suspectDeadAfter: 100_000,
  grace: 200_000,
  clockJump: 100_000,
  claimDeadline: 200_000,
  claimLimit: 1_500_000,
  hostForgottenAfter: 6_000_000,
  leavingCounted: 1_000_000,
  newbornCounted: 400_000,
  countedWithin: 80_000,
  newbornMax: NEWBORN_MAX,
  barForgottenAfter: 60_000_000,
  ticketRemembered: 6_000_000,
  failedLayerWaitMin: 50_000,
  failedLayerWaitMax: 150_000,
  crashForgottenAfter: 6_000_000,
  drainMoveExpected: 200_000,
  drainRoomReserve: 2_000_000,
  drainMoves: 3,
  hostWarmAfter: 0,
  outdatedSettle: 60_000,
  ticketsPerLayer: 8,
  sweepLimit: 200,
  changesKept: 200,
  flowWindow: 1_500_000,
  strayAfter: 250_000,
  podStartGuess: 500_000,
  podStartMin: 50_000,
  podStartMax: 6_000_000,
  wishSpacing: 100_000,
  wishesMax: 12,
  hostPlayersFull: 1_000,
}

/** A step of time that is no jump of the clock. */
export const STEP = 90_000
/** Three steps: a host that was not heard meanwhile is dead. */
export const DEATH = 3

/** For how long (ms) a test waits for what comes by itself. */
export const PATIENCE = 15_000

export function registration(name: string, capacity = 4, incarnation = 'a'): HostRegistration {
  return { name, incarnation, node: `node-${name}`, endpoints: [`10.0.0.1:${7000 + name.length}`], capacity, holdsHellos: true }
}

export function report(
  layer: LayerId,
  generation: number,
  epoch: number,
  state: LayerReport['state'] = 'Serving',
  players = 0,
  dataSafe = true,
): LayerReport {
  return { layer, generation, epoch, state, players, dataSafe }
}

export function beat(host: string, layers: readonly LayerReport[] = [], more: Partial<Heartbeat> = {}): Heartbeat {
  return { host, incarnation: 'a', outdated: false, layers, ...more }
}

export function ticket(id: string, ttlMs = 1_500_000): NewTicket {
  return { id, account: `account-${id}`, character: `character-${id}`, ttlMs }
}

/** One test's fleet, which no other test touches. */
export interface World {
  readonly index: ZoneIndex
  readonly fleet: FleetId
  readonly zone: ZoneId
  layer(n: number): LayerId
  register(name: string, capacity?: number, incarnation?: string): Promise<void>
  /** Places the layer and reports it as served by its host, which must have been chosen. */
  serve(layer: LayerId, epoch?: number, players?: number): Promise<LayerView>
  advance(ms: number): Promise<void>
  /** Lets so many steps pass in each of which the named hosts, and no others, are heard with what they report. */
  live(steps: number, beats?: readonly Heartbeat[]): Promise<void>
  flush(): Promise<void>
}

let worlds = 0

export function createWorld(harness: IndexHarness): World {
  worlds += 1
  const fleet: FleetId = `game/fleet-${worlds}`
  const zone: ZoneId = `game/zone-${worlds}`
  const { index } = harness
  return {
    index,
    fleet,
    zone,
    layer: (n) => `${zone}/${n}`,
    register: (name, capacity, incarnation) => index.registerHost(fleet, registration(name, capacity, incarnation)),
    async serve(layer, epoch = 1, players = 0) {
      const placed = await index.placeLayer(fleet, layer)
      if (placed.host === undefined) throw new Error(`no host for ${layer}`)
      await index.heartbeat(fleet, beat(placed.host, [report(layer, placed.generation, epoch, 'Serving', players)]))
      return index.getLayer(fleet, layer)
    },
    advance: (ms) => harness.advance(fleet, ms),
    async live(steps, beats = []) {
      for (let step = 0; step < steps; step += 1) {
        await harness.advance(fleet, STEP)
        for (const one of beats) await index.heartbeat(fleet, one)
        // Somebody sweeps all the time, so that quiet hosts are no jump of the clock; it handles nothing here.
        await index.sweep(fleet, 0)
      }
    },
    flush: () => harness.flush(),
  }
}

export async function hostOf(world: World, name: string): Promise<HostView | undefined> {
  return (await world.index.fleetView(world.fleet)).hosts.find((host) => host.name === name)
}
