import fc from 'fast-check'
import { expect } from 'vitest'
import type { FleetId, LayerId, ZoneId } from '../../core/ids.ts'
import type { IndexRules } from '../../core/index-rules.ts'
import type { CloseReason, FleetView, HostView, LayerCrash, LayerReport, LayerView, ZoneIndex } from '../../core/ports/index-port.ts'
import type { IndexHarness } from './index-harness.ts'

/**
 * What holds after any sequence of calls, by hosts that tell the truth or not. Drivers run in lockstep and must answer the same: the same state, the
 * same choice. No time is a whole multiple of a tick, so that a few seconds more or less on a real clock decide nothing.
 */
const TICK = 100_000
const HALF = TICK / 2

export const lawRules: Partial<IndexRules> = {
  hostDeadAfter: 200 * TICK + HALF,
  suspectDeadAfter: 90 * TICK + HALF,
  grace: 200 * TICK + HALF,
  clockJump: 100 * TICK + HALF,
  claimDeadline: 200 * TICK + HALF,
  claimLimit: 500 * TICK + HALF,
  hostForgottenAfter: 900 * TICK + HALF,
  leavingCounted: 300 * TICK + HALF,
  newbornCounted: 50 * TICK + HALF,
  countedWithin: 10 * TICK + HALF,
  newbornMax: 2,
  barForgottenAfter: 900 * TICK + HALF,
  ticketRemembered: 300 * TICK + HALF,
  failedLayerWaitMin: 50 * TICK + HALF,
  failedLayerWaitMax: 150 * TICK + HALF,
  drainMoveExpected: 30 * TICK,
  drainRoomReserve: 60 * TICK + HALF / 2,
  drainMoves: 2,
  hostWarmAfter: 15 * TICK + HALF,
  outdatedSettle: 20 * TICK + HALF,
  crashesMax: 2,
  crashForgottenAfter: 900 * TICK + HALF,
  claimDeathsMax: 2,
  ticketsPerLayer: 3,
  sweepLimit: 4,
  flowWindow: 40 * TICK + HALF,
  strayAfter: 60 * TICK + HALF,
  podStartGuess: 100 * TICK,
  podStartMin: 100 * TICK,
  podStartMax: 100 * TICK,
  wishSpacing: 70 * TICK + HALF,
  hostPlayersFull: 7,
}

const names = ['a', 'b', 'c', 'd'] as const
const capacities: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3, d: 1 }
const reasons: readonly CloseReason[] = ['Drain', 'Suspend', 'Delete', 'ScaleDown']
const states: readonly LayerReport['state'][] = ['Claiming', 'Serving', 'Closing']

/** One call, before it is known what it meets: `near` is added to the generation that the index has. */
interface Step {
  readonly call: (typeof calls)[number]
  readonly host: (typeof names)[number]
  readonly incarnation: 'x' | 'y'
  readonly layer: number
  readonly near: number
  readonly epoch: number
  readonly state: LayerReport['state']
  readonly honest: boolean
  readonly reason: CloseReason
  readonly count: number
  readonly time: number
}

const frequent = ['register', 'beat', 'beat', 'beat', 'place', 'place', 'join', 'sweep', 'sweep'] as const
const rare = [
  'drain',
  'leave',
  'suspect',
  'announce',
  'remove',
  'redeem',
  'request',
  'begin',
  'close',
  'close',
  'fail',
  'retry',
  'bar',
  'unbar',
  'forget',
  'scale',
  'flush',
] as const
const calls = [...frequent, ...frequent, ...rare] as const

const anyStep: fc.Arbitrary<Step> = fc.record({
  call: fc.constantFrom(...calls),
  host: fc.constantFrom(...names),
  incarnation: fc.constantFrom('x', 'x', 'x', 'y'),
  layer: fc.integer({ min: 0, max: 5 }),
  near: fc.constantFrom(0, 0, 0, 0, 1, -1),
  epoch: fc.integer({ min: 0, max: 4 }),
  state: fc.constantFrom(...states),
  honest: fc.boolean(),
  reason: fc.constantFrom(...reasons),
  count: fc.integer({ min: 0, max: 3 }),
  time: fc.constantFrom(1, 1, 1, 5, 60, 90, 120),
})

interface Run {
  readonly fleet: FleetId
  readonly zones: readonly [ZoneId, ZoneId]
  view: FleetView
  /** Layers that somebody asked for and did not get yet. */
  readonly wanted: Set<LayerId>
}

let runs = 0

/** Runs random sequences on all drivers at once. fast-check prints the seed of a sequence that breaks a law. */
export async function checkLaws(drivers: readonly IndexHarness[], numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 60 }), async (steps) => {
      runs += 1
      const fleet: FleetId = `laws/fleet-${runs}`
      const run: Run = { fleet, zones: [`laws/one-${runs}`, `laws/two-${runs}`], view: await viewOf(drivers, fleet), wanted: new Set() }
      for (const step of steps) await take(drivers, run, step)
    }),
    { numRuns, endOnFailure: false },
  )
}

async function take(drivers: readonly IndexHarness[], run: Run, step: Step): Promise<void> {
  const before = run.view
  const answers: unknown[] = []
  for (const driver of drivers) {
    answers.push(withoutTimes(step.call === 'flush' ? await driver.flush() : await perform(driver.index, run, step)))
    await driver.advance(run.fleet, TICK)
  }
  for (const answer of answers) expect(answer).toEqual(answers[0])
  run.view = await viewOf(drivers, run.fleet)
  checkView(run.view)
  checkAssignments(run, step, before)
  checkWishes(run, step, answers[0])
  if (step.call === 'beat') checkAnswer(run, step, answers[0])
  for (const driver of drivers) await driver.advance(run.fleet, step.time * TICK)
}

async function viewOf(drivers: readonly IndexHarness[], fleet: FleetId): Promise<FleetView> {
  const views = await Promise.all(drivers.map((driver) => driver.index.fleetView(fleet)))
  const [first] = views
  if (first === undefined) throw new Error('no driver')
  for (const view of views) expect(withoutTimes(view)).toEqual(withoutTimes(first))
  return first
}

function withoutTimes(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (key, inner) =>
      ['now', 'since', 'lastSeen', 'emptySince', 'expectedMs'].includes(key) ? undefined : inner,
    ),
  )
}

function layerOf(run: Run, step: Step): LayerId {
  return step.layer < 4 ? `${run.zones[0]}/${step.layer}` : `${run.zones[1]}/${step.layer}`
}

function reportsOf(run: Run, step: Step): LayerReport[] {
  const { epoch, state } = step
  const own = run.view.layers
    .filter((layer) => layer.host === step.host)
    .map((layer) => told(layer, Math.max(epoch, layer.epoch), state, step.count))
  const known = run.view.layers.find((layer) => layer.layer === layerOf(run, step))
  const other = {
    layer: layerOf(run, step),
    generation: Math.max(1, (known?.generation ?? 0) + step.near),
    epoch,
    state,
    players: step.count,
    dataSafe: step.count !== 2,
  }
  return step.honest ? own : [...own, other]
}

function told(layer: LayerView, epoch: number, state: LayerReport['state'], players: number): LayerReport {
  return { layer: layer.layer, generation: layer.generation, epoch, state, players, dataSafe: players !== 1 }
}

function perform(index: ZoneIndex, run: Run, step: Step): Promise<unknown> {
  const { fleet } = run
  const { host, incarnation, reason } = step
  const layer = layerOf(run, step)
  const known = run.view.layers.find((view) => view.layer === layer)
  const holder = step.honest ? (known?.host ?? host) : host
  const generation = (known?.generation ?? 0) + step.near
  const zone = step.layer < 4 ? run.zones[0] : run.zones[1]
  switch (step.call) {
    case 'register':
      return index.registerHost(
        fleet,
        { name: host, incarnation, node: host < 'c' ? 'n' : 'm', endpoints: ['1.2.3.4:5'], capacity: capacities[host] ?? 1 },
        step.honest ? [] : reportsOf(run, step),
      )
    case 'beat':
      return index.heartbeat(fleet, {
        ...{ host, incarnation, outdated: !step.honest && step.count === 0, layers: reportsOf(run, step) },
        load: { cpu: step.count === 3 ? 900 : 300, lateness: step.near === -1 && step.count === 2 ? 900 : 0 },
      })
    case 'drain':
      return index.drainHost(fleet, host, step.honest ? undefined : step.time * TICK + HALF)
    case 'leave':
      return index.leaveHost(fleet, host, incarnation)
    case 'announce':
      return index.announceHost(fleet, host)
    case 'suspect':
      // How long it has left is told in the ms of a clock that runs on between the drivers.
      return index.suspectHost(fleet, host).then((leftMs) => leftMs !== undefined)
    case 'remove':
      return index.removeHost(fleet, host, step.honest ? incarnation : undefined)
    case 'place':
      return index.placeLayer(fleet, layer)
    case 'join':
      return index.joinLayer(fleet, layer, { id: `t${step.count}${step.epoch}`, account: 'n', character: 'm', ttlMs: 90 * TICK + HALF })
    case 'redeem':
      return index.redeemTicket(fleet, layer, holder, generation, `t${step.count}${step.epoch}`)
    case 'request':
      return index.requestClose(fleet, layer, reason)
    case 'begin':
      return index.beginClose(fleet, layer, holder, generation, step.count === 0)
    case 'close':
      return index.closeLayer(fleet, layer, holder, generation)
    case 'fail':
      return index.failLayer(fleet, layer, holder, generation, reason, crashOf(step))
    case 'retry':
      return index.retryLayer(fleet, layer)
    case 'bar':
      return index.barZone(fleet, zone, reason)
    case 'unbar':
      return index.unbarZone(fleet, zone)
    case 'forget':
      return index.forgetZone(fleet, zone)
    case 'sweep':
      return index.sweep(fleet, step.count === 0 ? undefined : step.count)
    case 'scale':
      return index.autoscale(fleet, { spare: step.count, min: 0, max: 100, emptyAfterMs: 10 * TICK + HALF, allocated: step.count })
    case 'flush':
      throw new Error('done by the driver')
  }
}

/** Of half of those who give a layer up, its own past or play was to blame. */
function crashOf({ count, near }: Step): LayerCrash | undefined {
  return count % 2 === 0 ? { tick: near, replayed: count === 2 } : undefined
}

const hosted: readonly string[] = ['Assigned', 'Claiming', 'Serving', 'Closing']

/** A layer has a host exactly while it is somewhere; hosts and layers agree; no host has more than it can. */
function checkView(view: FleetView): void {
  for (const layer of view.layers) {
    expect([layer.layer, layer.host !== undefined]).toEqual([layer.layer, hosted.includes(layer.state)])
    if (layer.host !== undefined) expect(view.hosts.map((host) => host.name)).toContain(layer.host)
  }
  for (const host of view.hosts) {
    const own = view.layers.filter((layer) => layer.host === host.name)
    expect(host.layers).toBe(own.length)
    expect(host.layers).toBeLessThanOrEqual(host.capacity)
    expect(host.players).toBe(own.reduce((sum, layer) => sum + layer.players, 0))
    expect(host.emptySince === undefined).toBe(own.length > 0)
    if (host.state === 'Leaving' || host.state === 'Retiring') expect(own).toEqual([])
  }
}

/** A generation only rises, an epoch too; whoever is newly assigned a layer lives, is Ready and up to date, and its zone is not barred. */
function checkAssignments(run: Run, step: Step, before: FleetView): void {
  for (const layer of run.view.layers) {
    const old = step.call === 'flush' ? undefined : before.layers.find((view) => view.layer === layer.layer)
    expect(layer.generation).toBeGreaterThanOrEqual(old?.generation ?? 0)
    expect(layer.epoch).toBeGreaterThanOrEqual(old?.epoch ?? 0)
    if (layer.state !== 'Assigned' || (old?.state === 'Assigned' && old.generation === layer.generation)) continue
    const host = run.view.hosts.find((view) => view.name === layer.host) as HostView
    expect(layer.generation).toBe((old?.generation ?? 0) + 1)
    // The view is a moment younger than the choice: a host may have been silent for just too long in it.
    const silent = run.view.now - host.lastSeen > 200 * TICK
    expect({ state: silent ? 'Ready' : host.state, outdated: host.outdated }).toEqual({ state: 'Ready', outdated: false })
    if (step.call === 'place' || step.call === 'join') expect(Math.max(host.load.cpu, host.load.lateness)).toBeLessThan(700)
    expect(run.view.now - host.lastSeen).toBeLessThanOrEqual(200 * TICK + TICK)
    expect(run.view.barred.some((zone) => layer.layer.startsWith(`${zone}/`))).toBe(false)
  }
}

/** Whoever asked for a layer gets it in the end, unless somebody asked to close it since, or the index was lost. */
function checkWishes(run: Run, step: Step, answer: unknown): void {
  const layer = layerOf(run, step)
  const zone = step.layer < 4 ? run.zones[0] : run.zones[1]
  if (step.call === 'flush') run.wanted.clear()
  if (step.call === 'request') run.wanted.delete(layer)
  if (step.call === 'bar') for (const wanted of [...run.wanted]) if (wanted.startsWith(`${zone}/`)) run.wanted.delete(wanted)
  if ((step.call === 'place' || step.call === 'join') && (answer as LayerView).state !== 'Barred') run.wanted.add(layer)
  for (const wanted of run.wanted) {
    const view = run.view.layers.find((entry) => entry.layer === wanted)
    expect([wanted, view?.state === 'Wished' || view?.host !== undefined]).toEqual([wanted, true])
    if (view?.state !== 'Wished' && view?.state !== 'Closing' && view?.closeRequested === undefined) run.wanted.delete(wanted)
  }
  if (step.call === 'scale') expect(answer).toMatchObject({ wishes: run.view.layers.filter((entry) => entry.state === 'Wished').length })
}

/** A host is told of exactly what the index has on it. */
function checkAnswer(run: Run, step: Step, answer: unknown): void {
  const { known, layers } = answer as { known: boolean; layers: readonly { layer: LayerId; generation: number }[] }
  const own = known ? run.view.layers.filter((layer) => layer.host === step.host) : []
  expect(layers.map(({ layer, generation }) => [layer, generation])).toEqual(own.map(({ layer, generation }) => [layer, generation]))
}
