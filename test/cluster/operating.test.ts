import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { createClient } from '../../client/index.ts'
import { installAgones } from './agones.ts'
import { type Cluster, useCluster } from './harness.ts'
import { database, hosts, namespace, provisions, release, removeAll, values } from './operating.ts'
import { root } from './paths.ts'
import { writeChartBefore } from './release-before.ts'
import { groundItems, isAt, newPlayer, type Player, standing } from './world/player.ts'
import { square } from './world/release.ts'

const chart = join(root, 'charts', 'bailiwick')
const meadow = `${hosts}/meadow`
const restored = `${database}-restored`
/** Much more than is needed: a busy machine is no failure of the chart. */
vi.setConfig({ testTimeout: 600_000 })

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-operating-'))
const valuesFile = join(folder, 'values.json')
let cluster: Cluster
let ownsCrd: boolean
let urls: { authUrl: string; charactersUrl: string; allocatorUrl: string }
let ann: Player
/** What ann dropped before the backup, and where. */
let lying: { readonly id: string; readonly kind: string; readonly x: number; readonly y: number }

interface Item {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: { readonly replicas?: number; readonly template: { readonly spec: { readonly containers: readonly Container[] } } }
}
interface Container {
  image: string
  args: string[]
  readonly env: { readonly name: string; value?: string }[]
}
interface Zone {
  readonly status?: { readonly phase?: string; readonly layers?: readonly { readonly epoch: number; readonly host?: string }[] }
}

const kubectl = (...args: string[]) => cluster.kubectl('-n', namespace, ...args)
const names = async (kind: string): Promise<string[]> =>
  (await cluster.kubectlJson<{ items: Item[] }>('-n', hosts, 'get', kind)).items.map(({ metadata }) => metadata.name).toSorted()
const deployment = (program: string) => cluster.kubectlJson<Item>('-n', namespace, 'get', 'deployment', `${release}-${program}`)
const upgrade = (...args: string[]) =>
  cluster.helm('upgrade', release, chart, '-n', namespace, '--reuse-values', '--wait', '--timeout', '300s', ...args)

async function environment(program: string): Promise<ReadonlyMap<string, string | undefined>> {
  const { spec } = await deployment(program)
  return new Map(spec.template.spec.containers[0]?.env.map(({ name, value }) => [name, value]))
}

const running = () =>
  cluster.waitFor(
    'the meadow to run',
    async () => {
      const { status } = await cluster.kubectlJson<Zone>('-n', hosts, 'get', 'zone', 'meadow')
      if (status?.phase === 'Running') return status.layers?.[0]?.epoch ?? 0
      throw new Error(`its status is ${JSON.stringify(status)}`)
    },
    180_000,
  )

beforeAll(async () => {
  cluster = await useCluster()
  ownsCrd = !(await cluster.kubectl('get', 'crd', '-o', 'name')).includes('/zones.bailiwick.dev')
  await cluster.ensureNamespace(namespace, 'restricted')
  await installAgones(cluster, { gameServerNamespaces: [hosts] })
  await cluster.applyManifest(provisions(cluster, folder))
  writeFileSync(valuesFile, JSON.stringify(values(cluster, ownsCrd)))
})

afterAll(async () => {
  if (cluster !== undefined) await removeAll(cluster, ownsCrd)
  rmSync(folder, { recursive: true, force: true })
})

test('the release before is installed, and somebody plays', async () => {
  const asked = ['-n', namespace, '-f', valuesFile, '--set', 'agones.check=false', '--kube-version', '1.34.0']
  const before = join(folder, 'before')
  writeChartBefore(before, await cluster.helm('template', release, chart, ...asked))
  await cluster.helm('install', release, before, '-n', namespace, '-f', valuesFile, '--wait', '--timeout', '300s')
  expect((await environment('characters')).has('CHARACTERS_PER_ACCOUNT')).toBe(false)

  const address = async (service: string) =>
    `http://${await kubectl('get', 'service', `${release}-${service}`, '-o', 'jsonpath={.spec.clusterIP}')}`
  const [authUrl, charactersUrl, allocatorUrl] = await Promise.all(['auth', 'characters', 'allocator'].map(address))
  urls = { authUrl: authUrl ?? '', charactersUrl: charactersUrl ?? '', allocatorUrl: allocatorUrl ?? '' }
  await cluster.applyManifest({
    ...{ apiVersion: 'bailiwick.dev/v1alpha1', kind: 'Zone', metadata: { name: 'meadow', namespace: hosts } },
    spec: { activation: 'Always', bounds: square(300), snapshotEvery: '1h' },
  })
  await running()
  ann = await newPlayer(urls, 'ann')
  await ann.join(meadow)
  console.log(`measured: memory of a host with one layer and one player: ${await hostMemory()} MiB`)
})

const hostOfMeadow = async (): Promise<string> =>
  (await cluster.kubectlJson<Zone>('-n', hosts, 'get', 'zone', 'meadow')).status?.layers?.[0]?.host ?? ''

/** Resident memory of the host that serves the meadow, MiB, as its metrics have it. */
async function hostMemory(): Promise<number> {
  const script = `fetch('http://127.0.0.1:8000/metrics').then((answer) => answer.text()).then((text) => console.log(/^process_resident_memory_bytes.* (\\d+)$/m.exec(text)[1]))`
  const said = await cluster.kubectl('-n', hosts, 'exec', await hostOfMeadow(), '-c', 'zone-server', '--', 'node', '-e', script)
  return Math.round(Number(said) / 2 ** 20)
}

test('helm upgrade --reuse-values, as docs/upgrade.md says: what was set stays, what is new has its default, and who plays notices nothing', async () => {
  const [host, epoch] = [await hostOfMeadow(), await running()]
  const services = [`${release}-auth`, `${release}-characters`]
  await kubectl('scale', 'deployment', ...services, '--replicas', '0')
  await kubectl('wait', '--for=delete', 'pod', '-l', 'app.kubernetes.io/component in (auth,characters)', '--timeout=120s')
  await upgrade()

  expect(await cluster.helm('list', '-n', namespace)).not.toContain('bailiwick-0.0.1')
  expect((await environment('characters')).get('CHARACTERS_PER_ACCOUNT')).toBe('8')
  expect((await environment('allocator')).get('RATE_PER_SECOND')).toBe('200')
  for (const program of ['operator', 'allocator', 'auth', 'characters']) expect((await deployment(program)).spec.replicas, program).toBe(1)
  const fleet = await cluster.kubectlJson<Item>('-n', hosts, 'get', 'fleet', 'zone-servers')
  expect(fleet.metadata.annotations).toMatchObject({ 'bailiwick.dev/retire-after': '7s' })
  expect([await hostOfMeadow(), await running()]).toEqual([host, epoch])
  // A connection may be lost and found again; the layer stays what it was.
  expect(new Set(ann.welcomes.map((welcome) => welcome.epoch))).toEqual(new Set([epoch]))
  await standing(ann)
  await cluster.waitFor('ann to play', async () => ann.session?.playing, 60_000)
  // The token is of before the upgrade, the one who checks it is not.
  await cluster.waitFor('characters to know ann', async () => (await ann.client.characters.get(ann.character)).name === ann.name, 60_000)
})

test("a backup by the chart's CronJob, while somebody plays", async () => {
  await upgrade('--set', 'backup.enabled=true', '--set', 'backup.existingClaim=bailiwick-backups')
  const carried = await cluster.waitFor('something to drop', async () => ann.session?.view.inventory[0], { timeoutMs: 30_000, everyMs: 50 })
  ann.session?.move(700, 0)
  await cluster.waitFor('ann to have gone some way', async () => (ann.session?.view.me?.x ?? 0) > 3_000, { timeoutMs: 60_000, everyMs: 50 })
  const place = await standing(ann)
  ann.session?.drop(carried.id)
  lying = await cluster.waitFor(
    'the item to lie there',
    async () =>
      groundItems(ann)
        .map(({ name, x, y }) => ({ id: carried.id, kind: name, x, y }))
        .find((item) => item.kind === carried.kind && isAt(item, place)),
    { timeoutMs: 30_000, everyMs: 20 },
  )
  // Once she has left it is in the store, and not in Redis alone.
  await ann.leave()
  const bob = await newPlayer(urls, 'bob')
  await bob.join(meadow)
  await kubectl('create', 'job', `--from=cronjob/${release}-backup`, 'backup-now')
  await kubectl('wait', '--for=condition=complete', 'job/backup-now', '--timeout=170s')
  expect(await kubectl('logs', 'job/backup-now')).toContain('the backup is complete')
  await cluster.waitFor('bob to play', async () => bob.session?.playing, 60_000)
  await bob.leave()
})

/** The manifest of docs/backup.md, with the names of this release. */
function restoreJob(file: string): object {
  const page = readFileSync(join(root, 'docs', 'backup.md'), 'utf8')
  const [, text = ''] = /apply -f - <<'EOF'\n(.*?)\n *EOF\n/s.exec(page) ?? []
  const job = parse(text) as { readonly metadata: { namespace?: string }; readonly spec: Item['spec'] }
  const [container] = job.spec.template.spec.containers
  if (container === undefined) throw new Error('docs/backup.md has no Job for a restore')
  job.metadata.namespace = namespace
  container.image = cluster.images.bailiwick
  container.args = container.args.map((argument) => (argument.startsWith('/backups/') ? file : argument))
  for (const variable of container.env) if (variable.name === 'MONGODB_DATABASE') variable.value = restored
  return job
}

test('the store is lost, and restored as docs/backup.md says: account, character, ground; nothing that came later', async () => {
  const late = await newPlayer(urls, 'late')
  const [, file = ''] = /"file":"([^"]+)"/.exec(await kubectl('logs', 'job/backup-now')) ?? []
  await kubectl('scale', 'deployment', '-l', `app.kubernetes.io/instance=${release}`, '--replicas', '0')
  const programs = 'app.kubernetes.io/component in (operator,allocator,auth,characters)'
  await kubectl('wait', '--for=delete', 'pod', '-l', programs, '--timeout=170s')
  await cluster.kubectl('-n', hosts, 'scale', 'fleet', 'zone-servers', '--replicas', '0')
  const host = await hostOfMeadow()
  // Asked to go it would close the meadow first, at once where another host has room; the index is to remember what the backup does not have.
  await cluster.killContainer(hosts, host, 'zone-server')
  await cluster.kubectl('-n', hosts, 'delete', 'gameserver', '-l', 'agones.dev/fleet=zone-servers', '--wait=false')
  await cluster.waitFor('nobody to write', async () => (await names('pods')).length === 0, 170_000)
  const mongo = await MongoClient.connect(cluster.mongoUrl)
  expect(await mongo.db(database).dropDatabase()).toBe(true)
  await mongo.close()

  await cluster.applyManifest(restoreJob(file))
  await kubectl('wait', '--for=condition=complete', 'job/restore', '--timeout=170s')
  expect(await kubectl('logs', 'job/restore')).toContain('the store is restored')
  await upgrade('--set', `mongodb.database=${restored}`)
  await running()

  const again = createClient(urls)
  await cluster.waitFor('auth to let ann in', () => again.login(ann.account, ann.password), 60_000)
  const session = again.joinZone(meadow, ann.character, {})
  await session.ready()
  const me = await cluster.waitFor('ann to see herself', async () => session.view.me, { timeoutMs: 30_000, everyMs: 50 })
  expect(isAt(me, lying)).toBe(true)
  const ground = [...session.view.entities.values()].filter(
    (entity) => entity.kind === 'item' && entity.name === lying.kind && isAt(entity, lying),
  )
  expect(ground).toHaveLength(1)
  expect(session.view.inventory.map(({ id }) => id)).not.toContain(lying.id)
  await session.leave()
  await expect(createClient(urls).login(late.account, late.password)).rejects.toMatchObject({ code: 'WrongCredentials' })
})
