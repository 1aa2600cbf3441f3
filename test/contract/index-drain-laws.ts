import fc from 'fast-check'
import { expect } from 'vitest'
import type { FleetId, LayerId } from '../../core/ids.ts'
import type { FleetView, HeartbeatAnswer, LayerReport } from '../../core/ports/index-port.ts'
import { beat, type IndexHarness, registration, rules } from './index-harness.ts'

/**
 * A fleet of honest hosts, some of which are drained or outdated. Whatever order they are heard in: those that are to go end without a layer, every layer that had players is
 * served again, no more layers are on their way at once than may be, and none is asked to close before another host keeps room for it.
 */
const plan = fc.record({
  /** Layers of each old host, and who of them is on a cordoned node, on one that is uncordoned again after some rounds, outdated, or neither. */
  old: fc.array(
    fc.record({
      layers: fc.integer({ min: 0, max: 4 }),
      fate: fc.constantFrom('cordoned', 'uncordoned', 'outdated', 'outdated', 'stays'),
      rounds: fc.integer({ min: 0, max: 8 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  /** Rounds after which new hosts come, as the fleet grows. */
  fresh: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
  /** In which order hosts are heard: one number a host and round, by which they are sorted. */
  order: fc.infiniteStream(fc.nat(1_000)),
})

const ROUNDS = 400
/** Index time between two rounds, ms: a host is not silent, and an outdated one waits for a few. */
const ROUND = 20_000
const CAPACITY = 4
const MOVES = rules.drainMoves ?? 0

interface Host {
  readonly name: string
  readonly outdated: boolean
  readonly layers: Map<LayerId, LayerReport>
  gone: boolean
}

let runs = 0

/** Throws the seed of a plan that breaks a law. */
export async function checkDrainLaws(harness: IndexHarness, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(plan, async ({ old, fresh, order }) => {
      runs += 1
      await run(harness, `drains/fleet-${runs}`, old, fresh, order)
    }),
    { numRuns, endOnFailure: false },
  )
}

async function run(
  { index, advance }: IndexHarness,
  fleet: FleetId,
  old: readonly { readonly layers: number; readonly fate: string; readonly rounds: number }[],
  fresh: readonly number[],
  order: Iterator<number>,
): Promise<void> {
  const hosts: Host[] = []
  const join = async (name: string, outdated: boolean): Promise<Host> => {
    await index.registerHost(fleet, registration(name, CAPACITY))
    const host = { name, outdated, layers: new Map<LayerId, LayerReport>(), gone: false }
    hosts.push(host)
    return host
  }
  const zone = `drains/zone-${runs}` as const
  let count = 0
  for (const [n, { layers, fate }] of old.entries()) {
    const host = await join(`old-${n}`, fate === 'outdated')
    for (let k = 0; k < layers; k += 1, count += 1) {
      const layer: LayerId = `${zone}/${count}`
      // As an index that was flushed hears of what its hosts serve.
      host.layers.set(layer, { layer, generation: 1, epoch: 1, state: 'Serving', players: 1, dataSafe: true })
    }
    await index.heartbeat(fleet, beat(host.name, [...host.layers.values()]))
  }
  for (const [n, { fate }] of old.entries()) if (fate.endsWith('cordoned')) await index.cordonNode(fleet, `node-old-${n}`, true)
  const going = (host: Host): boolean => host.outdated || old[hosts.indexOf(host)]?.fate === 'cordoned'
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [n, { fate, rounds }] of old.entries())
      if (fate === 'uncordoned' && rounds === round) await index.cordonNode(fleet, `node-old-${n}`, false)
    for (const [n, at] of fresh.entries()) if (at === round) await join(`new-${n}`, false)
    // The fleet grows as long as something has nowhere to go.
    if (round > 12 && round % 10 === 0 && hosts.some((host) => going(host) && !host.gone)) await join(`more-${round}`, false)
    const turns = hosts.filter(({ gone }) => !gone).map((host) => ({ host, at: order.next().value ?? 0 }))
    for (const { host } of turns.sort((a, b) => a.at - b.at)) await live(index, fleet, host)
    await advance(fleet, ROUND)
    const view = await index.fleetView(fleet)
    checkMoves(view)
    const served = hosts.flatMap(({ layers }) => [...layers.keys()])
    expect(new Set(served).size).toBe(served.length)
    if (hosts.every((host) => host.gone || !going(host)) && served.length === count) return
  }
  throw new Error(`after ${ROUNDS} rounds: ${JSON.stringify((await index.fleetView(fleet)).hosts)}`)
}

/** What a host does when it was answered: one step of what it is asked for, so that others come between. */
async function live(index: IndexHarness['index'], fleet: FleetId, host: Host): Promise<void> {
  const answer: HeartbeatAnswer = await index.heartbeat(fleet, beat(host.name, [...host.layers.values()], { outdated: host.outdated }))
  expect(answer.known).toBe(true)
  for (const { layer, generation, closeRequested } of answer.layers) {
    const mine = host.layers.get(layer)
    if (mine === undefined) {
      const { epoch } = await index.getLayer(fleet, layer)
      host.layers.set(layer, { layer, generation, epoch: epoch + 1, state: 'Serving', players: 1, dataSafe: true })
      return
    }
    if (closeRequested === undefined) continue
    expect(await index.beginClose(fleet, layer, host.name, generation, true)).toBe('ok')
    expect(await index.closeLayer(fleet, layer, host.name, generation)).toBe('ok')
    // There was room for it.
    expect(await index.getLayer(fleet, layer)).toMatchObject({ state: 'Assigned' })
    host.layers.delete(layer)
    return
  }
  if (answer.mayLeave && host.layers.size === 0) host.gone = await index.leaveHost(fleet, host.name, 'a')
}

function checkMoves({ hosts, layers }: FleetView): void {
  const closing = layers.filter(({ closeRequested }) => closeRequested === 'Drain')
  const away = layers.filter(({ state }) => state === 'Assigned' || state === 'Wished')
  expect(closing.length + away.length).toBeLessThanOrEqual(MOVES)
  for (const { name } of hosts) expect(closing.filter(({ host }) => host === name).length).toBeLessThanOrEqual(1)
  // One of them at a time, beside those that were cordoned; an empty one is in nobody's way.
  const outdated = hosts.filter((host) => host.outdated && host.state === 'Draining' && host.layers > 0)
  expect(outdated.length).toBeLessThanOrEqual(1)
}
