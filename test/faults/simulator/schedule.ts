import { chains } from '../../../core/chains.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import { FORGOTTEN_FENCE_WAIT } from '../../../core/timing.ts'
import { simulationSettings } from '../../../zone-server/restore.ts'
import { smallZone } from '../../zone-settings.ts'
import { audit } from './audit.ts'
import { createCharacters } from './characters.ts'
import { LayerHistory, Violation } from './history.ts'
import { FLEET, SimulatedHost } from './host.ts'
import { IndexServer } from './index-server.ts'
import { Kernel } from './kernel.ts'
import { Nemesis, type Profile } from './nemesis.ts'
import { Network } from './network.ts'
import { Placement } from './placement.ts'
import { Player } from './player.ts'
import { StoreServer } from './store-server.ts'

export interface ScheduleOptions {
  readonly profile: Profile
  readonly layers: number
  readonly hosts: number
  readonly characters: number
  /** Milliseconds between two thoughts of a player. */
  readonly pace: number
  /** How long faults come, milliseconds … */
  readonly lasts: number
  /** … or until so much was done: joins, inputs and kills. */
  readonly actions?: number | undefined
  /** Whether a host may hear of an assignment by a change, and read ahead; default: true. */
  readonly readsAhead?: boolean | undefined
  /** A check that is left out. */
  readonly without?: Check | undefined
}

/** The fence, the replication id in it, the third step of the claim, the wait for an owner whose fence is forgotten, the watch over the outbox rule. */
export type Check = 'fence' | 'replid' | 'headAgain' | 'fenceWait' | 'outbox'

export interface ScheduleResult {
  readonly seed: number
  /** What went wrong; undefined when nothing did. */
  readonly failure: string | undefined
  readonly fingerprint: number
  readonly ticks: number
  readonly joins: number
  readonly inputs: number
  readonly kills: number
  readonly claims: number
  /** Confirmed ticks that were lost with owner and index together. */
  readonly lost: number
  readonly lines: readonly string[]
}

/** Faults are over; so long, and so often, it is looked whether everybody has found that out. Longer than the longest retry with its jitter. */
const RECOVERY = 4_000
const RECOVERY_TRIES = 6
/** Then all hosts are killed, and new ones must find everything; where the index forgot a fence, they wait first for an owner that is no more. */
const LAST_LIFE = FORGOTTEN_FENCE_WAIT + 2_000

/** Plays one schedule, decided by its seed alone. */
export async function runSchedule(seed: number, options: ScheduleOptions): Promise<ScheduleResult> {
  const world = await createWorld(seed, options)
  const { kernel, histories } = world
  try {
    await play(world, options)
  } catch (error) {
    world.fail(error)
  }
  const sum = (of: (history: LayerHistory) => number): number => [...histories.values()].reduce((total, history) => total + of(history), 0)
  return {
    seed,
    failure: world.failure(),
    fingerprint: kernel.fingerprint,
    ticks: sum(({ count }) => count),
    claims: sum(({ epochs }) => epochs),
    lost: sum(({ lost }) => lost),
    ...done(world),
    lines: kernel.lines,
  }
}

/** There are two faults at a time. */
function mayLose(profile: Profile): boolean {
  return profile === 'storm' || profile === 'takeovers'
}

function done({ players, nemesis }: World) {
  return {
    joins: players.reduce((total, player) => total + player.joins, 0),
    inputs: players.reduce((total, player) => total + player.inputs, 0),
    kills: nemesis.kills,
  }
}

type World = Awaited<ReturnType<typeof createWorld>>

async function createWorld(seed: number, options: ScheduleOptions) {
  const kernel = new Kernel(seed)
  const network = new Network(kernel)
  const zones = Array.from({ length: options.layers }, (_, i) => zoneOf(i))
  const layers = zones.map(({ zone }): LayerId => `${zone}/0`)
  const histories = new Map(zones.map((zone, i) => historyOf(layers[i] ?? 'game/none/0', zone, mayLose(options.profile))))
  let failure: unknown
  const fail = (error: unknown): void => {
    failure ??= error
  }
  const served = { kernel, network, histories, onViolation: fail }
  const store = new StoreServer({ ...served, without: options.without })
  let placement: Placement | undefined
  const index = new IndexServer({
    ...{ ...served, zones, without: options.without },
    onClosed: (layer, generation) => placement?.closed(layer, generation),
  })
  const possessions = await createCharacters(store.store, options.characters, zones[0]?.zone ?? null)
  const shape = { kernel, index, store, readsAhead: options.readsAhead ?? true, onViolation: fail }
  placement = new Placement(kernel, layers, options.hosts, (name) => new SimulatedHost(name, shape))
  const shared = { kernel, index, placement, histories, layers, onViolation: fail, pace: options.pace }
  const players = [...possessions.characters.keys()].map(
    (character, i) => new Player(character, layers[i % layers.length] ?? 'game/none/0', shared),
  )
  const nemesis = new Nemesis({ kernel, network, index, store, placement, histories, profile: options.profile })
  return {
    ...{ kernel, histories, store, placement, players, nemesis, possessions, layers, fail },
    failed: () => failure !== undefined,
    failure: () => (failure === undefined ? undefined : failure instanceof Violation ? failure.message : String((failure as Error).stack)),
  }
}

async function play(world: World, { lasts, profile, actions }: ScheduleOptions): Promise<void> {
  const { kernel, nemesis, placement, players, histories, failed } = world
  const stop = failed
  const enough = (): boolean => {
    const { joins, inputs, kills } = done(world)
    return actions !== undefined && joins + inputs + kills >= actions
  }
  await kernel.run(lasts, () => stop() || enough())
  nemesis.end()
  kernel.note('nemesis: over')
  await recovers(world, mayLose(profile))
  if (failed()) return
  await everythingOnce(world)
  // Nobody remembers anything: what index and store hold must be all of it.
  kernel.note('all hosts are killed')
  for (const { process } of [...placement.hosts]) process.crash()
  placement.hosts.splice(0)
  placement.bear()
  for (const layer of world.layers) placement.move(layer)
  for (const player of players) player.stop()
  await kernel.run(kernel.now + LAST_LIFE, stop)
  if (failed()) return
  for (const [layer, history] of histories) {
    if (!placement.isServed(layer)) throw new Violation(`${layer} is not recovered by the last host`)
    if (history.lost > 0 && !mayLose(profile)) throw new Violation(`${layer} lost ${history.lost} confirmed ticks`)
  }
  await everythingOnce(world)
  if (![...histories.values()].some(({ lost }) => lost > 0)) await acknowledgedIsThere(world)
}

/**
 * Runs on until every layer is served and, where somebody is, lives, and until owners have brought back what the index forgot, unless it was lost with them. A host may have
 * to find out first, by the first who comes, that it was replaced; one that was cut off waits for a write that never had an answer.
 */
async function recovers({ kernel, histories, placement, failed }: World, lost: boolean): Promise<void> {
  const open = new Set(histories.keys())
  for (let i = 0; i < RECOVERY_TRIES; i++) {
    const before = new Map([...histories].map(([layer, history]) => [layer, history.last]))
    await kernel.run(kernel.now + RECOVERY, failed)
    for (const [layer, history] of histories) {
      const lives = history.last > (before.get(layer) ?? 0) || history.state.players.size === 0
      const whole = lost || !history.hasForgotten
      if (lives && whole && placement.isServed(layer)) open.delete(layer)
    }
    if (open.size === 0 || failed()) return
  }
  throw new Violation(`${[...open].join(', ')}: not served again ${(RECOVERY * RECOVERY_TRIES) / 1_000} s after the last fault`)
}

async function everythingOnce({ store, histories, possessions }: World): Promise<void> {
  await audit(store.store, histories, possessions)
}

/** What a player was told was applied is in the state that is left. */
async function acknowledgedIsThere({ players, histories, store }: World): Promise<void> {
  for (const { character, acknowledged } of players) {
    const head = await store.store.head(chains.character(character))
    const stored = (head?.data['state'] as { readonly inputSequence?: number } | undefined)?.inputSequence ?? 0
    const applied = [...histories.values()].map(({ state }) => state.players.get(character)?.inputSequence ?? 0)
    const leaving = [...histories.values()]
      .flatMap(({ state }) => [...state.outbox.values()])
      .filter((release) => release.character === character)
    const newest = Math.max(stored, ...applied, ...leaving.map((release) => release.state.inputSequence))
    if (newest < acknowledged)
      throw new Violation(`${character} was told that input ${acknowledged} is applied, and ${newest} is the last one that is`)
  }
}

function zoneOf(i: number): ZoneSettings {
  return smallZone({ zone: `game/zone-${i + 1}`, uid: `uid-${i + 1}`, fleet: FLEET, tickRateHz: 10, snapshotEveryMs: 2_000 })
}

function historyOf(layer: LayerId, zone: ZoneSettings, mayLose: boolean): [LayerId, LayerHistory] {
  return [layer, new LayerHistory(layer, simulationSettings(zone), mayLose)]
}
