import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Zone } from '../../../core/zone.ts'
import { type Movers, percentile, startMovers } from './movers.ts'
import { copyFleet, type GameServer, game, leaveWorld, report, square, useWorld, type World } from './release.ts'

/** A fleet of its own: the machine of a test has few cores. */
const FLEET = 'movers'
/** BAILIWICK_MOVING_ZONES: how many zones are moved; 50 for figures that mean something, on a machine left to itself. */
const ZONES = Number(process.env['BAILIWICK_MOVING_ZONES'] ?? 12)
/** BAILIWICK_MOVING_LOAD: how many processes compute without end beside the moves, at most for LOAD_LIMIT seconds. */
const LOAD = Number(process.env['BAILIWICK_MOVING_LOAD'] ?? 0)
const LOAD_LIMIT = 420
/** Three hosts have them all. */
const CAPACITY = Math.ceil(ZONES / 2.5)
/** How long all of them may take, ms: an update moves one after another. */
const LIMIT = 170_000 + Math.max(0, ZONES - 12) * 6_000 + (LOAD > 0 ? 300_000 : 0)
/** How far a character may be from where it was last seen, mm: it walked on, at 0.7 m/s at most, until its layer closed; a turn and a little more on top. */
const walked = (awayMs: number): number => 3_000 + 0.7 * awayMs

const zones = Array.from({ length: ZONES }, (_, n) => `moving-${n}`)
let world: World
let started: Movers | undefined
let movers: Movers
const busy: ChildProcess[] = []

/** The fleet's game servers, or those in a state. */
async function servers(state?: string): Promise<readonly string[]> {
  const { items } = await world.cluster.kubectlJson<{ items: GameServer[] }>(
    '-n',
    game,
    'get',
    'gameservers',
    '-l',
    `agones.dev/fleet=${FLEET}`,
  )
  return items.filter(({ status }) => state === undefined || status?.state === state).map(({ metadata }) => metadata.name)
}

const manifest = (name: string) => ({
  apiVersion: 'bailiwick.dev/v1alpha1',
  kind: 'Zone',
  metadata: { name, namespace: game },
  // So slow that fifty of them are no load; so seldom a snapshot that what is kept comes from the close.
  spec: { fleet: FLEET, activation: 'Always', bounds: square(200), tickRate: 10, snapshotEvery: '1h', retention: 'Delete' },
})

/** Changes the template of the fleet, as a new image does: every host is outdated then. */
async function changeTemplate(env: Readonly<Record<string, string>>): Promise<void> {
  type Container = { name: string; env: { name: string; value?: string }[] }
  const fleet = await world.cluster.kubectlJson<{ spec: { template: { spec: { template: { spec: { containers: Container[] } } } } } }>(
    ...['-n', game, 'get', 'fleet', FLEET],
  )
  const { containers } = fleet.spec.template.spec.template.spec
  for (const container of containers) {
    for (const [name, value] of Object.entries(env)) {
      container.env = [...container.env.filter((each) => each.name !== name), { name, value }]
    }
  }
  const spec = { template: { spec: { template: { spec: { containers } } } } }
  await world.cluster.kubectl('-n', game, 'patch', 'fleet', FLEET, '--type=merge', '-p', JSON.stringify({ spec }))
}

/** Waits until none of the old servers is left and everybody plays on. */
async function moved(old: readonly string[], from: number): Promise<void> {
  await world.cluster.waitFor(
    'every old host to be gone and everybody to play',
    async () => {
      // It is told how they ended, not that nobody came.
      if (movers.ended.length > 0) return true
      const left = (await servers()).filter((name) => old.includes(name))
      const away = ZONES - movers.playing()
      const seen = new Set(movers.moves.slice(from).map(({ zone }) => zone)).size
      if (left.length === 0 && away === 0 && seen === ZONES) return true
      throw new Error(`${left.length} old hosts are there, ${away} clients are away, ${seen} of ${ZONES} zones have moved`)
    },
    { timeoutMs: LIMIT, everyMs: 250 },
  )
}

/** Nothing that was told is undone, and everybody is where it was. Says how long they were away. */
function check(what: string, from: number, carried: Readonly<Record<string, string>>): void {
  const moves = movers.moves.slice(from)
  expect(movers.ended).toEqual([])
  for (const { zone, before, after, awayMs } of moves) {
    expect([zone, after.tick >= before.tick, after.acknowledged >= before.acknowledged]).toEqual([zone, true, true])
    expect([zone, Math.hypot(after.x - before.x, after.y - before.y) < walked(awayMs)]).toEqual([zone, true])
  }
  expect(movers.carried()).toEqual(carried)
  const away = moves.map(({ awayMs }) => awayMs)
  for (const percent of [50, 99, 100]) {
    report(
      `${what}: a client is without state frames, p${percent} of ${moves.length} moves`,
      percentile(away, percent),
      'one close and one open',
    )
  }
}

beforeAll(async () => {
  world = await useWorld()
  await copyFleet(world, FLEET)
  await changeTemplate({ CAPACITY: String(CAPACITY), LOG_LEVEL: 'info' })
  await world.annotateFleet({ 'bailiwick.dev/spare': '1' }, FLEET)
  // Nobody knows how many layers a host takes before there is one: a host would be asked for each of them.
  await world.cluster.waitFor('a warm host', async () => (await servers('Allocated')).length > 0, { timeoutMs: 170_000, everyMs: 1_000 })
  await world.cluster.applyManifest(zones.map(manifest))
  // Hosts start one after another: whoever joins before waits in vain.
  await world.cluster.waitFor(
    'every zone to be Running',
    async () => {
      const { items } = await world.cluster.kubectlJson<{ items: Zone[] }>('-n', game, 'get', 'zones')
      const running = items.filter(({ metadata, status }) => zones.includes(metadata.name) && status?.phase === 'Running').length
      if (running === ZONES) return true
      throw new Error(`${running} of ${ZONES} are`)
    },
    { timeoutMs: 170_000, everyMs: 1_000 },
  )
  started = await startMovers(world, zones)
  movers = started
  for (let k = 0; k < LOAD; k++) busy.push(spawn('timeout', [String(LOAD_LIMIT), 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }))
})

afterAll(async () => {
  for (const one of busy) one.kill()
  await started?.leave()
  await world.cluster.uncordon()
  await world.cluster.kubectl('-n', game, 'delete', 'zones', ...zones, '--ignore-not-found', '--timeout=150s')
  await world.cluster.kubectl('-n', game, 'delete', 'fleetautoscaler', FLEET, '--ignore-not-found')
  await world.cluster.kubectl('-n', game, 'delete', 'fleet', FLEET, '--ignore-not-found')
  // The last of the world's suites.
  await leaveWorld(world)
})

describe(`9. ${ZONES} zones with a walking player each are moved`, () => {
  it(
    'by a change of the fleet’s template, which ends by itself',
    async () => {
      const [old, from, carried, began] = [await servers(), movers.moves.length, movers.carried(), Date.now()]
      await changeTemplate({ LOG_LEVEL: 'debug' })
      await moved(old, from)
      report('a change of the template until every host is of the new one', Date.now() - began, 'no goal')
      check('fleet update', from, carried)
    },
    LIMIT + 10_000,
  )

  // There is one node: it takes new pods again once its hosts are known to be on their way out, as another node would.
  it(
    'by kubectl drain of their node, which ends by itself',
    async () => {
      const { cluster } = world
      const [old, from, carried, began] = [await servers(), movers.moves.length, movers.carried(), Date.now()]
      const node = await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')
      const drained = cluster.kubectlWithin(
        LIMIT + 5_000,
        'drain',
        node,
        '--pod-selector=bailiwick.dev/component=zone-server',
        '--delete-emptydir-data',
        `--timeout=${LIMIT / 1_000}s`,
      )
      // Awaited below; a failure before that is to be told as itself.
      drained.catch(() => undefined)
      try {
        await cluster.waitFor('the node to be cordoned', async () =>
          (await cluster.kubectl('get', 'node', node, '-o', 'jsonpath={.spec.unschedulable}')) === 'true' ? true : undefined,
        )
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      } finally {
        await cluster.uncordon()
      }
      await Promise.all([drained, moved(old, from)])
      report('kubectl drain of the node of every host', Date.now() - began, 'no goal')
      check('node drain', from, carried)
    },
    LIMIT + 10_000,
  )
})
