import { randomUUID } from 'node:crypto'
import { helloFrame } from '../../../client/load/bailiwick-dialect.ts'
import { startPlaces } from '../../../client/load/walk.ts'
import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import type { Bounds, Point } from '../../../core/geometry.ts'
import { boundsInMillimetres } from '../../../core/geometry.ts'
import type { FleetId, LayerId, ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import { ticketText } from '../../../core/ticket.ts'
import type { Door } from '../kit/side.ts'

export const FLEET: FleetId = 'bench/zone-servers'
const ZONE: ZoneId = 'bench/crowd'
export const LAYER: LayerId = 'bench/crowd/0'
const ACCOUNT = 'bench'
/** All of a crowd is in within this. Milliseconds. */
const TICKET_LIFE = 120_000
/** Calls of store or index under way at once. */
const AT_ONCE = 32

export interface Game {
  readonly count: number
  readonly seed: number
  /** Metres. */
  readonly bounds: Bounds
  readonly tickRateHz: number
  readonly snapshotEveryMs: number
  /** Items that each character carries. */
  readonly items: number
}

/** Characters in the store, each where its walk begins, and the zone in the index. */
export async function prepareGame(game: Game, store: Store, index: ZoneIndex): Promise<void> {
  const places = startPlaces(game.seed, game.count, boundsInMillimetres(game.bounds))
  await eachOf(game.count, async (i) => {
    const position: Point = places[i] ?? { x: 0, y: 0 }
    const inventory = Array.from({ length: game.items }, (_, k) => ({ id: `${characterOf(i)}/${k + 1}`, kind: 'lantern' }))
    const state = { zone: ZONE, position, inventory, inputSequence: 0 }
    const record = storedCharacter({ kind: 'released', account: ACCOUNT, name: `Walker ${i}`, createdAt: 1_700_000_000_000, state })
    await store.append(chains.character(characterOf(i)), 1, randomUUID(), record)
  })
  await index.putZone(settings(game))
}

/** A ticket for each client; waits until the layer is served, at most so long (milliseconds). */
export async function ticketsFor(game: Game, index: ZoneIndex, limitMs: number): Promise<readonly Door[]> {
  const end = performance.now() + limitMs
  while ((await index.placeLayer(FLEET, LAYER)).state !== 'Serving') {
    if (performance.now() > end) throw new Error(`the layer is not served after ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const doors: Door[] = new Array(game.count)
  await eachOf(game.count, async (i) => {
    const id = randomUUID()
    const ticket = { id, account: ACCOUNT, character: characterOf(i), ttlMs: TICKET_LIFE }
    const { ticketed } = await index.joinLayer(FLEET, LAYER, ticket)
    if (!ticketed) throw new Error('a layer that was served gave no ticket')
    doors[i] = { path: '/', hello: helloFrame(LAYER, ticketText(LAYER, id)) }
  })
  return doors
}

export const fleetName = 'zone-servers'
export const fleetNamespace = 'bench'

export const characterOf = (i: number): string => `walker-${i}`

function settings({ count, bounds, tickRateHz, snapshotEveryMs }: Game): ZoneSettings {
  return {
    zone: ZONE,
    uid: 'bench',
    generation: 1,
    fleet: FLEET,
    activation: 'Always',
    suspended: false,
    idleAfterMs: 600_000,
    layers: { min: 1, max: 1, maxPlayers: count + 1 },
    bounds,
    tickRateHz,
    snapshotEveryMs,
  }
}

async function eachOf(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
