import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../core/ports/log-port.ts'
import { createEmbeddedWorld, type EmbeddedWorld } from '../../dev/world.ts'
import { waitFor } from '../cluster/run.ts'
import { groundItems, isAt, newPlayer, type Player, sees, standing } from '../cluster/world/player.ts'

// A busy machine is slow, not wrong.
vi.setConfig({ testTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-embedded-'))
const zones = join(folder, 'zones')
const data = join(folder, 'data')
let world: EmbeddedWorld
let urls: { authUrl: string; charactersUrl: string; allocatorUrl: string }
const players: Player[] = []

// A bare y is the word true in the YAML that Kubernetes reads.
const manifest = (name: string, spec: string): string =>
  `apiVersion: bailiwick.dev/v1alpha1\nkind: Zone\nmetadata: { name: ${name}, namespace: game }\nspec:\n  bounds: { min: { x: 0, 'y': 0 }, max: { x: 200, 'y': 200 } }\n  snapshotEvery: 1s\n${spec}`

async function start(): Promise<void> {
  world = await createEmbeddedWorld({
    port: 0,
    host: '127.0.0.1',
    zones,
    data,
    log: silentLog,
    logLevel: 'error',
    capacity: 2,
    bounds: { spare: 0 },
    retireEmptyAfterMs: 500,
  })
  urls = { authUrl: world.url, charactersUrl: world.url, allocatorUrl: world.url }
}

async function player(prefix: string): Promise<Player> {
  const made = await newPlayer(urls, prefix)
  players.push(made)
  return made
}

const phase = (zone: string, wanted: string) =>
  waitFor(`${zone} to be ${wanted}`, () => world.folder.get(`game/${zone}`)?.status?.phase === wanted, { timeoutMs: 30_000, everyMs: 20 })

beforeAll(async () => {
  mkdirSync(zones)
  writeFileSync(join(zones, 'meadow.yaml'), manifest('meadow', '  activation: Always\n'))
  writeFileSync(join(zones, 'cave.yaml'), manifest('cave', '  activation: OnDemand\n  idleAfter: 1s\n'))
  await start()
})

afterAll(async () => {
  await Promise.all(players.map((each) => each.session?.close()))
  await world.close()
  rmSync(folder, { recursive: true })
})

describe('the embedded world', () => {
  it('hosts Always, and lets OnDemand sleep', async () => {
    await phase('meadow', 'Running')
    await phase('cave', 'Sleeping')
    expect(world.hosts()).toBe(1)
  })

  it('two players meet, and a crash of the host loses nothing of the last snapshot', async () => {
    const [ann, ben] = await Promise.all([player('ann'), player('ben')])
    const [first] = await Promise.all([ann.join('game/meadow'), ben.join('game/meadow')])
    await waitFor('both to see each other', () => sees(ann, ben.name) && sees(ben, ann.name), 30_000)
    ann.session?.say('hello')
    await waitFor('ben to hear ann', () => ben.heard.includes(`${ann.name}: hello`), 30_000)
    expect(await ben.session?.tell(ann.name, 'psst')).toBe('delivered')
    ann.session?.move(4_000, 0)
    await new Promise((resolve) => setTimeout(resolve, 700))
    const place = await standing(ann)
    const [carried] = ann.session?.view.inventory ?? []
    ann.session?.drop(carried?.id ?? '')
    await waitFor('the item to lie there', () => groundItems(ben).some((item) => isAt(item, place)), 30_000)
    await new Promise((resolve) => setTimeout(resolve, 1_800))
    const view = await world.index.fleetView('game/zone-servers')
    await world.killHost(view.layers.find(({ layer }) => layer === 'game/meadow/0')?.host ?? '')
    await waitFor('ann to be welcomed again', () => ann.welcomes.length > 1 && ben.welcomes.length > 1, { timeoutMs: 60_000 })
    expect(ann.welcomes.at(-1)?.epoch).toBeGreaterThan(first.epoch)
    expect(await standing(ann)).toEqual(place)
    await waitFor('the item to lie there again', () => groundItems(ben).filter((item) => isAt(item, place)).length === 1, 30_000)
  })

  it('a join wakes a sleeping zone; it sleeps again when empty, and its host goes', async () => {
    const eve = await player('eve')
    await eve.join('game/cave')
    await phase('cave', 'Running')
    await eve.leave()
    await phase('cave', 'Sleeping')
    await waitFor('one host', () => world.hosts() === 1, { timeoutMs: 30_000 })
  })

  it('saving a file is an apply; a bad one is refused with a sentence and changes nothing; removing it is a delete', async () => {
    const file = join(zones, 'hut.yaml')
    writeFileSync(file, manifest('hut', '  activation: Always\n  retention: Delete\n'))
    await phase('hut', 'Running')
    writeFileSync(file, manifest('hut', '  activation: Never\n'))
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(world.folder.get('game/hut')?.spec.activation).toBe('Always')
    rmSync(file)
    await waitFor('the hut to be gone', () => world.folder.get('game/hut') === undefined, { timeoutMs: 30_000 })
  })

  it('content of a ConfigMap is in the world; a change takes over with everybody in, a bad one is refused and changes nothing', async () => {
    const garden = (kind: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: cave-content, namespace: game }\ndata:\n  content.yaml: |\n    spawns: [{ x: 50, y: 50 }]\n    props: [{ kind: ${kind}, at: { x: 52, y: 50 } }]\n`
    const accepted = () => world.folder.get('game/cave')?.status?.conditions?.find(({ type }) => type === 'Accepted')
    const near = (who: Player) => [...(who.session?.view.entities.values() ?? [])].map(({ name }) => name)
    writeFileSync(join(zones, 'cave-content.yaml'), garden('well'))
    writeFileSync(join(zones, 'cave.yaml'), manifest('cave', '  idleAfter: 1s\n  content: { configMap: cave-content }\n'))
    await waitFor('the content to be published', async () => (await world.index.getZone('game/cave'))?.content !== undefined, 30_000)
    const kim = await player('kim')
    await kim.join('game/cave')
    expect(await (await fetch(`${world.url}/content/game/cave`)).json()).toMatchObject({ spawns: [{ x: 50, y: 50 }] })
    await waitFor('kim to see the well', () => near(kim).includes('well'), 30_000)
    writeFileSync(join(zones, 'cave-content.yaml'), garden('statue'))
    await waitFor('kim to see the statue in its place', () => near(kim).includes('statue') && !near(kim).includes('well'), 30_000)
    writeFileSync(join(zones, 'cave-content.yaml'), garden('No Kind'))
    await waitFor('the refusal', () => accepted()?.reason === 'ContentInvalid', 30_000)
    expect(accepted()?.message).toMatch(/content\.yaml line 2: props\.0\.kind: .*goes on with the content that it had/)
    expect(near(kim)).toContain('statue')
    await kim.leave()
  })

  it('serves the page and its modules without types, and nothing outside', async () => {
    const page = await fetch(`${world.url}/`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const module = await fetch(`${world.url}/client/index.ts`)
    expect(module.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(await module.text()).not.toContain('export type')
    expect((await fetch(`${world.url}/protobuf/index.js`)).status).toBe(200)
    for (const path of [
      '/page/../world.ts',
      '/page/%2e%2e/world.ts',
      '/core/..%2f..%2fpackage.json',
      '/page/%00',
      '/dev/world.ts',
      '/v1/nothing',
    ]) {
      expect((await fetch(`${world.url}${path}`)).status, path).toBe(404)
    }
  })

  it('says so when the port is taken, or there is no place for the data', async () => {
    const port = Number(new URL(world.url).port)
    const again = createEmbeddedWorld({
      port,
      host: '127.0.0.1',
      zones,
      data: join(folder, 'other'),
      log: silentLog,
      logLevel: 'error',
      capacity: 1,
    })
    await expect(again).rejects.toMatchObject({ code: 'ConfigInvalid', message: expect.stringContaining(String(port)) })
    const file = join(zones, 'meadow.yaml')
    const nowhere = createEmbeddedWorld({
      port: 0,
      host: '127.0.0.1',
      zones,
      data: join(file, 'data'),
      log: silentLog,
      logLevel: 'error',
      capacity: 1,
    })
    await expect(nowhere).rejects.toMatchObject({ code: 'ConfigInvalid', message: expect.stringContaining(file) })
  })

  it('stopped and started again, it is as it was', async () => {
    const [ann] = players
    const position = ann?.session?.view.me
    await Promise.all(players.map((each) => each.session?.close()))
    await world.close()
    await start()
    await phase('meadow', 'Running')
    const client = players[0]?.client
    expect(client).toBeDefined()
    const zoe = await player('zoe')
    await zoe.join('game/meadow')
    await waitFor('the item to lie there still', () => groundItems(zoe).length + (zoe.session?.view.inventory.length ?? 0) >= 1, 30_000)
    expect(position).toBeDefined()
    expect(readFileSync(join(data, 'signing-key.pem'), 'utf8')).toContain('PRIVATE KEY')
  })
})
