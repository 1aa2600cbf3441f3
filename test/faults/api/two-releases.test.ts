import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import type { Condition, ZoneSpec } from '../../../core/zone.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { watchResource } from '../../../platform/kubernetes/watch-resource.ts'
import { parseYaml } from '../../../platform/yaml/index.ts'
import { crdResource, zones } from '../../api-server/objects.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { NEXT_LIBRARY } from '../../next-release/edits.ts'
import { writeNextRelease } from '../../next-release/next-release.ts'
import { endStateNow } from './end-state.ts'
import type { OperatorChild } from './operator-child.ts'
import { differences } from './plans.ts'
import { type Crew, createCrew } from './releases.ts'
import { Strikes } from './strikes.ts'
import { World } from './world.ts'

let server: ApiServer
let api: KubernetesClient
let mongo: MongoServer
const folder = mkdtempSync(join(tmpdir(), 'bailiwick-releases-'))
/** The sources of the next release. */
const next = mkdtempSync(join(tmpdir(), 'bailiwick-next-'))
beforeAll(async () => {
  writeNextRelease(next)
  server = await startApiServer()
  api = server.client()
  mongo = await startMongo()
}, BUILD_LIMIT)
afterAll(async () => {
  api?.close()
  await mongo?.remove()
  await server?.stop()
  for (const one of [folder, next]) rmSync(one, { recursive: true, force: true })
})

/** With what the next release knows of it. */
type Settings = ZoneSettings & { readonly weather?: string; readonly layers: { readonly mist?: boolean } }
type Spec = Partial<ZoneSpec> & { readonly weather?: string }

const always = (min: number, more: Spec = {}): Spec => ({ activation: 'Always', layers: { min, max: 3 }, ...more })
const lake = (weather: string, idleAfter = '1h'): Spec => ({ activation: 'OnDemand', idleAfter, weather, layers: { min: 1, max: 2 } })

const settingsOf = (world: World, zone: string) => world.index.getZone(world.id(zone)) as Promise<Settings | undefined>

async function published(world: World, zone: string, wanted: Partial<Settings>): Promise<void> {
  await world.until(`settings of ${zone} with ${JSON.stringify(wanted)}`, async () => {
    const { layers, ...rest } = (await settingsOf(world, zone)) ?? { layers: {} }
    return Object.entries({ ...wanted, ...wanted.layers }).every(
      ([field, value]) => field === 'layers' || ({ ...layers, ...rest } as Record<string, unknown>)[field] === value,
    )
  })
}

async function tells(world: World, zone: string, weather: string): Promise<void> {
  await world.until(`${zone} to say ${weather}`, async () => {
    const { status, metadata } = ((await world.zone(zone)) ?? {}) as unknown as {
      readonly metadata?: { readonly generation: number }
      readonly status?: { readonly weather?: string; readonly observedGeneration?: number }
    }
    return status?.weather === weather && status.observedGeneration === metadata?.generation
  })
}

const serving = (world: World, zone: string, count: number): Promise<void> =>
  world.until(`${zone} to have ${count} layers`, async () => {
    const { layers } = await world.index.fleetView(world.fleet('zone-servers'))
    return layers.filter(({ layer, state }) => layer.startsWith(`${world.id(zone)}/`) && state === 'Serving').length === count
  })

/** What happens to the operators between what people do. Each is told when it was done, before its effects are waited for. */
interface Hands {
  /** With the CRD of the next release, before anybody uses it. */
  readonly start: () => Promise<unknown>
  readonly upgrade: () => Promise<unknown>
  readonly toNext: () => Promise<unknown>
  readonly backAgain: () => Promise<unknown>
  readonly toNextWhileFrozen: () => Promise<unknown>
  readonly thaw: () => Promise<unknown>
}

/** Zones are made, woken, changed, scaled and moved between fleets, and each time somebody else operates. */
async function play(world: World, hands: Hands): Promise<void> {
  await hands.start()
  await world.apply('still', always(1))
  await world.apply('lake', { activation: 'OnDemand', idleAfter: '1h', layers: { min: 1, max: 2 } })
  await world.shows('still', 'Running')
  await world.shows('lake', 'Sleeping')
  for (const host of world.hosts.values()) host.players.set(world.layer('still'), 3)

  await hands.upgrade()
  await world.apply('lake', lake('rain'))
  await world.shows('lake', 'Sleeping')

  await world.apply('pond', always(2))
  await world.apply('meadow', { dedicated: { from: 'zone-servers' } })
  await hands.toNext()
  await world.shows('pond', 'Running')
  await world.shows('meadow', 'Sleeping')
  await published(world, 'still', { weather: 'clear' })
  await published(world, 'lake', { weather: 'rain', layers: { mist: true } as Settings['layers'] })
  for (const [zone, weather] of [
    ['still', 'clear'],
    ['lake', 'rain'],
    ['pond', 'clear'],
  ] as const)
    await tells(world, zone, weather)

  await world.untilIndex(() => world.index.placeLayer(world.fleet('zone-servers'), world.layer('lake')))
  for (const host of world.hosts.values()) host.players.set(world.layer('lake'), 2)
  await world.apply('pond', always(3))
  await hands.backAgain()
  await world.shows('lake', 'Running')
  await serving(world, 'pond', 3)
  // Another spec, by somebody who does not know all of it.
  await world.apply('lake', lake('rain', '2h'))
  await published(world, 'lake', { idleAfterMs: 7_200_000, weather: 'rain', layers: { mist: true } as Settings['layers'] })
  await tells(world, 'lake', 'rain')

  await hands.toNextWhileFrozen()
  await world.apply('lake', lake('snow', '2h'))
  await world.apply('pond', always(1, { idleAfter: '1s' }))
  await published(world, 'lake', { weather: 'snow', layers: { mist: false } as Settings['layers'] })
  await hands.thaw()
  await world.apply('meadow', always(1, { fleet: 'fast' }))
  await serving(world, 'pond', 1)
  await tells(world, 'lake', 'snow')
  await world.shows('meadow', 'Running')
  await world.delete('pond')
  await world.gone('pond')
}

const led = (world: World, operator: OperatorChild): Promise<void> => world.until('it to lead', async () => operator.led)

/** Sees everything that is ever said of zones, and what must never be said. */
function watchOver(world: World, signal: AbortSignal) {
  const wrong: string[] = []
  /** By uid: which fields of the next release it has. */
  const known = new Map<string, Set<string>>()
  const see = (uid: string, what: string, fields: Readonly<Record<string, boolean>>): void => {
    const had = known.get(uid) ?? new Set<string>()
    known.set(uid, had)
    for (const [field, isThere] of Object.entries(fields)) {
      if (isThere) had.add(field)
      else if (had.has(field)) wrong.push(`${what} has lost ${field}`)
    }
  }
  let running = false
  const onZone = ({ object, removed }: { readonly object: KubernetesObject; readonly removed: boolean }): void => {
    if (removed) return
    const { metadata, ...rest } = object
    const spec = (rest['spec'] ?? {}) as Spec
    const status = (rest['status'] ?? {}) as {
      readonly phase?: string
      readonly weather?: string
      readonly conditions?: readonly Condition[]
      readonly layers?: readonly { readonly epoch: number }[]
    }
    see(metadata.uid ?? '', metadata.name, {
      'spec.weather': spec.weather !== undefined,
      'status.weather': status.weather !== undefined,
      'condition Weather': status.conditions?.some(({ type }) => type === 'Weather') === true,
    })
    if (metadata.name !== 'still') return
    running ||= status.phase === 'Running'
    if (running && status.phase !== 'Running') wrong.push(`still is ${status.phase}`)
    if (running && status.layers?.some(({ epoch }) => epoch !== 1) !== false)
      wrong.push(`still has layers ${JSON.stringify(status.layers)}`)
  }
  watchResource({ client: api, resource: zones(world.namespace), log: silentLog, signal, onChange: onZone })
  const onSettings = async (): Promise<void> => {
    for (const settings of (await world.index.listZones()) as readonly Settings[])
      see(`settings of ${settings.uid}`, `settings of ${settings.zone}`, {
        weather: settings.weather !== undefined,
        'layers.mist': settings.layers.mist !== undefined,
      })
  }
  // The end comes in the middle of a read.
  const watching = world.index.watchZones(() => void onSettings().catch(() => undefined), signal)
  return { wrong, known, watching }
}

async function libraryVersion(crew: Crew): Promise<number> {
  const raw = createClient({ url: crew.redis.url })
  await raw.connect()
  try {
    const [version] = (await raw.sendCommand(['FCALL_RO', 'bailiwick_version', '0'])) as unknown as readonly [number, string]
    return version
  } finally {
    raw.destroy()
  }
}

async function replaceDefinition(): Promise<void> {
  const { spec } = parseYaml(readFileSync(join(next, 'crds', 'zone.yaml'), 'utf8'), 'zone.yaml') as { spec: object }
  await api.mergePatch(crdResource, 'zones.bailiwick.dev', { spec })
}

/** Served anew only a moment after it was written. */
async function keepsWeather(world: World): Promise<void> {
  await world.until('the CRD of the next release to be served', async () => {
    await world.apply('lake', lake('rain'))
    return (((await world.zone('lake'))?.spec as Spec | undefined)?.weather ?? '') === 'rain'
  })
}

function timed(what: string): () => void {
  const began = performance.now()
  return () => console.log(`measured: another release leads after ${what}: ${Math.round(performance.now() - began)} ms (asked: 15 s)`)
}

/** This release operates, then the next one, this one again, and the next one, each time another way. */
function handsOf(world: World, crew: Crew): Hands {
  let older: OperatorChild
  let newer: OperatorChild
  const begin = (release?: string) => crew.start(world.done, release)
  return {
    async start() {
      older = await begin()
      await led(world, older)
    },
    async upgrade() {
      await replaceDefinition()
      await keepsWeather(world)
      newer = await begin(next)
    },
    async toNext() {
      const told = timed('SIGTERM')
      older.signal('SIGTERM')
      await led(world, newer)
      told()
      expect(await older.ended).toBe('0')
      older = await begin()
    },
    async backAgain() {
      const told = timed('SIGKILL')
      newer.signal('SIGKILL')
      await led(world, older)
      told()
      newer = await begin(next)
    },
    async toNextWhileFrozen() {
      const told = timed('SIGSTOP')
      older.signal('SIGSTOP')
      await led(world, newer)
      told()
    },
    async thaw() {
      older.signal('SIGCONT')
      // It finds that it leads no longer, and ends.
      expect(await older.ended).toBe('1')
      expect(older.unled).toBe(true)
    },
  }
}

test('operators of two releases take the lead from one another while zones change: nothing flaps, no field is lost, and all ends as with the newer one alone', {
  timeout: 600_000,
}, async () => {
  const crew = await createCrew({ server, mongo, folder })
  const world = await World.create(server, api, 'two-releases', new Strikes([]), crew.footing)
  const stop = new AbortController()
  const seen = watchOver(world, stop.signal)
  let end: unknown
  try {
    await seen.watching
    await play(world, handsOf(world, crew))
    expect(await libraryVersion(crew)).toBeGreaterThan(NEXT_LIBRARY)

    const alone = await createCrew({ server, mongo, folder })
    const still = await World.create(server, api, 'one-release', new Strikes([]), alone.footing)
    const nobody = async (): Promise<void> => undefined
    const start = async (): Promise<void> => led(still, await alone.start(still.done, next))
    try {
      await play(still, { start, upgrade: nobody, toNext: nobody, backAgain: nobody, toNextWhileFrozen: nobody, thaw: nobody })
      // What settles a moment later settles in both.
      await world
        .until(
          'the end state of the newer release alone',
          async () => {
            end = differences(await endStateNow(still), await endStateNow(world))
            return (end as readonly string[]).length === 0
          },
          60_000,
        )
        .catch(() => expect(end).toEqual([]))
      expect(world.done).toEqual(still.done)
    } finally {
      await still.end()
    }
    expect(seen.wrong).toEqual([])
    // That there was something to lose is a part of what is shown.
    expect([...seen.known.values()].filter((fields) => fields.size > 0).length).toBeGreaterThanOrEqual(6)
  } catch (error) {
    console.log(world.lines.slice(-60).join('\n'), seen.wrong)
    throw error
  } finally {
    stop.abort()
    await world.end()
  }
})
