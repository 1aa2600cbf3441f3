import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ZoneStatus } from '../../../core/zone.ts'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { kubeconfigEndpoint } from '../../../platform/kubernetes/kubeconfig.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { watchResource } from '../../../platform/kubernetes/watch-resource.ts'
import { writeNextRelease } from '../../next-release/next-release.ts'
import { loadImage } from '../cluster.ts'
import { buildRelease } from '../images.ts'
import { root } from '../paths.ts'
import { newPlayer, type Player } from './player.ts'
import { game, inPhase, release, releaseNamespace, report, square, useWorld, type World } from './release.ts'

const NEXT = 'bailiwick:next'
/** A rolling update of every program, and what is waited for in between. */
const LIMIT = 400_000

let world: World
let ann: Player
let seen: ReturnType<typeof watchOver>
const stop = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'bailiwick-next-'))
const chart = join(folder, 'chart')

type Status = ZoneStatus & { readonly weather?: string }

const zone = async (name: string): Promise<{ readonly spec: { readonly weather?: string }; readonly status: Status }> =>
  (await world.zone(name)) as unknown as { spec: { weather?: string }; status: Status }

/** Everything that is ever said of the zones of these tests, and what must never be. */
function watchOver() {
  vi.stubEnv('KUBECONFIG', world.cluster.kubeconfig)
  const client = new KubernetesClient(kubeconfigEndpoint())
  vi.unstubAllEnvs()
  const wrong: string[] = []
  const had = new Map<string, Set<string>>()
  let running = false
  const onChange = ({ object, removed }: { readonly object: KubernetesObject; readonly removed: boolean }): void => {
    const { name, uid = '' } = object.metadata
    if (removed || !name.startsWith('release-')) return
    const spec = (object['spec'] ?? {}) as { readonly weather?: string }
    const status = (object['status'] ?? {}) as Status
    const fields = had.get(uid) ?? new Set<string>()
    had.set(uid, fields)
    for (const [field, isThere] of Object.entries({
      'spec.weather': spec.weather !== undefined,
      'status.weather': status.weather !== undefined,
      'condition Weather': status.conditions?.some(({ type }) => type === 'Weather') === true,
    })) {
      if (isThere) fields.add(field)
      else if (fields.has(field)) wrong.push(`${name} has lost ${field}`)
    }
    if (name !== 'release-still') return
    running ||= status.phase === 'Running'
    if (running && status.phase !== 'Running')
      wrong.push(`${new Date().toISOString()} ${name} is ${status.phase}: ${JSON.stringify(status)}`)
  }
  const resource = { group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones', namespace: game }
  const { ended, synced } = watchResource({ client, resource, log: silentLog, signal: stop.signal, onChange })
  void ended.then(() => client.close())
  return { wrong, had, synced }
}

/** Every program but the hosts, of this image; with `crd` false its CRD stays what it is. */
const upgradeTo = (from: string, image: string, crd = true) => {
  const [, tag = ''] = image.split(':')
  return world.cluster.helm(
    ...['upgrade', release, from, '-n', releaseNamespace, '--reuse-values', '--wait', '--timeout', '300s'],
    ...['--set', `image.tag=${tag}`, '--set', `hosts.image.tag=${world.cluster.images.bailiwick.split(':')[1]}`],
    ...['--set', `crd.install=${crd}`],
  )
}

const ready = (name: string, weather: string) =>
  world.cluster.waitFor(`${name} to say ${weather}`, async () => (await zone(name)).status.weather === weather, { timeoutMs: 120_000 })

/** Zones are made, woken, scaled, changed and deleted, once and again, until `over`. Answers how often. */
async function busy(over: () => boolean): Promise<number> {
  let rounds = 0
  const player = await newPlayer(world, 'bob')
  for (; !over() || rounds === 0; rounds++) {
    const name = `release-${rounds % 2}`
    await world.applyZone(name, {
      activation: 'OnDemand',
      idleAfter: '1h',
      bounds: square(100),
      layers: { min: 1, max: 2 },
      retention: 'Delete',
    })
    await inPhase(world, name, 'Sleeping', 120_000)
    await player.join(`${game}/${name}`)
    await inPhase(world, name, 'Running', 120_000)
    await player.leave()
    await world.applyZone(name, {
      activation: 'OnDemand',
      suspend: true,
      bounds: square(100),
      layers: { min: 1, max: 2 },
      retention: 'Delete',
    })
    await inPhase(world, name, 'Suspended', 120_000)
    await world.deleteZone(name)
  }
  return rounds
}

/** How many game servers there are once nobody adds or removes any: two looks three seconds apart see the same ones. */
async function settledServers(): Promise<number> {
  let before: string | undefined
  return world.cluster.waitFor(
    'the game servers to stay as they are',
    async () => {
      const names = (await world.gameServers()).map(({ metadata }) => metadata.name).toSorted()
      const isSame = names.join() === before
      before = names.join()
      return isSame ? names.length : undefined
    },
    { timeoutMs: 60_000, everyMs: 3_000 },
  )
}

/** The zone as `kubectl describe` tells it, its events last. */
const story = (name: string) => world.cluster.kubectl('-n', game, 'describe', 'zone', name)

/** What ann plays on goes on: no other welcome, the layer in the same epoch at the same host. */
async function undisturbed(what: string, work: () => Promise<unknown>): Promise<void> {
  const welcomes = ann.welcomes.length
  const epoch = ann.welcomes.at(-1)?.epoch ?? 0
  const layers = (await zone('release-still')).status.layers
  const tick = ann.told.get(epoch)?.tick ?? 0
  const servers = await settledServers()
  const began = Date.now()
  let done = false
  const rounds = busy(() => done)
  await work().finally(() => {
    done = true
  })
  report(`${what}, with every program but the hosts`, Date.now() - began, 'no goal')
  expect(await rounds).toBeGreaterThan(0)
  expect(ann.welcomes.slice(welcomes), `what the zone tells:\n${await story('release-still')}`).toEqual([])
  expect(ann.session?.playing).toBe(true)
  expect(ann.told.get(epoch)?.tick).toBeGreaterThan(tick)
  const strip = (all: Status['layers']) => all?.map(({ players: _players, ...rest }) => rest)
  expect(strip((await zone('release-still')).status.layers)).toEqual(strip(layers))
  await world.cluster.waitFor('no more hosts than before', async () => (await world.gameServers()).length <= servers, { timeoutMs: 60_000 })
  expect(seen.wrong).toEqual([])
}

/** An update to a next release and back, with both at work for a while. The cluster's own images are needed for it. */
export function twoReleasesTests(): void {
  describe('two releases at once', () => {
    beforeAll(async () => {
      world = await useWorld()
      writeNextRelease(folder)
      cpSync(join(root, 'charts', 'bailiwick'), chart, { recursive: true })
      copyFileSync(join(folder, 'crds', 'zone.yaml'), join(chart, 'files', 'zone.yaml'))
      await loadImage(await buildRelease(NEXT, folder))
      seen = watchOver()
      await seen.synced
      await world.applyZone('release-still', { activation: 'Always', bounds: square(100), snapshotEvery: '1s', retention: 'Delete' })
      await inPhase(world, 'release-still', 'Running')
      ann = await newPlayer(world, 'ann')
      await ann.join(`${game}/release-still`)
    }, LIMIT)

    afterAll(async () => {
      await ann?.leave()
      stop.abort()
      await world?.deleteZone('release-still')
      rmSync(folder, { recursive: true, force: true })
    }, LIMIT)

    it('a rolling update to a next release while zones are busy', { timeout: LIMIT }, async () => {
      await undisturbed('a rolling update to the next release', () => upgradeTo(chart, NEXT))
      await ready('release-still', 'clear')
      await world.applyZone('release-lake', { activation: 'OnDemand', weather: 'rain', bounds: square(100), retention: 'Delete' })
      await ready('release-lake', 'rain')
    })

    it('and back, with the newer CRD: what the newer one wrote stays', { timeout: LIMIT }, async () => {
      await undisturbed('and back', () => upgradeTo(join(root, 'charts', 'bailiwick'), world.cluster.images.bailiwick, false))
      await world.cluster.kubectl('-n', game, 'patch', 'zone', 'release-lake', '--type=merge', '-p', '{"spec":{"idleAfter":"7m"}}')
      const { spec, status } = (await inPhase(world, 'release-lake', 'Sleeping')) as unknown as Awaited<ReturnType<typeof zone>>
      expect([spec.weather, status.weather]).toEqual(['rain', 'rain'])
      await world.deleteZone('release-lake')
    })

    it('and on again, and back to where it was', { timeout: LIMIT }, async () => {
      await undisturbed('and on again', () => upgradeTo(chart, NEXT))
      await ready('release-still', 'clear')
      expect([...seen.had.values()].filter((fields) => fields.size === 3).length).toBeGreaterThanOrEqual(2)
      await upgradeTo(join(root, 'charts', 'bailiwick'), world.cluster.images.bailiwick)
    })
  })
}
