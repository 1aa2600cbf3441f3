import { randomBytes } from 'node:crypto'
import { type Client, createClient, type SessionEnd, type Welcome, type ZoneSession } from '../../../client/index.ts'
import { isCode } from '../../../core/errors.ts'
import { MM_PER_CM } from '../../../core/geometry.ts'
import { waitFor } from '../run.ts'
import type { World } from './release.ts'

/** A person at a client: an account, a character, and what it was told. Uses the client library alone. */
export interface Player {
  readonly client: Client
  readonly name: string
  /** The account's name. */
  readonly account: string
  readonly password: string
  readonly character: string
  readonly heard: string[]
  readonly welcomes: Welcome[]
  readonly refusals: string[]
  /** The newest state that was told in each epoch: what was told is confirmed. */
  readonly told: Map<number, Told>
  session: ZoneSession | undefined
  join(zone: string): Promise<Welcome>
  /** Leaves; answers how the stay ended. */
  leave(): Promise<SessionEnd | undefined>
}

/** What one state frame told its player of itself. */
export interface Told {
  readonly tick: number
  /** The number of the last input that was applied. */
  readonly acknowledged: number
  readonly x: number
  readonly y: number
}

const passwords: string[] = []

/** Every password that players of this process had: none may stand in a log. */
export function usedPasswords(): readonly string[] {
  return passwords
}

/** Registers, logs in and makes a character, all with fresh names. */
export async function newPlayer(world: Pick<World, 'authUrl' | 'charactersUrl' | 'allocatorUrl'>, prefix = 'player'): Promise<Player> {
  const password = `pass-${randomBytes(9).toString('base64url')}`
  passwords.push(password)
  const client = createClient(world)
  const fresh = () => `${prefix}-${randomBytes(4).toString('hex')}`
  const account = await patiently(async () => {
    const tried = fresh()
    await client.register(tried, password)
    return tried
  })
  await patiently(() => client.login(account, password))
  const character = await patiently(() => client.characters.create(fresh()))
  const heard: string[] = []
  const welcomes: Welcome[] = []
  const refusals: string[] = []
  const told = new Map<number, Told>()
  const player: Player = {
    client,
    name: character.name,
    account,
    password,
    character: character.id,
    heard,
    welcomes,
    refusals,
    told,
    session: undefined,
    async join(zone) {
      player.session = client.joinZone(zone, character.id, {
        welcome: (welcome) => void welcomes.push(welcome),
        state: ({ epoch, tick, acknowledged }) => {
          const me = player.session?.view.me
          if (me !== undefined) told.set(epoch, { tick, acknowledged, x: me.x, y: me.y })
        },
        said: (from, text) => void heard.push(`${from}: ${text}`),
        told: (from, text) => void heard.push(`${from} tells: ${text}`),
        refused: (error) => void refusals.push(error.code),
      })
      return player.session.ready()
    },
    async leave() {
      return player.session?.leave()
    },
  }
  return player
}

const PATIENCE = 10

/** What a client does that is told to come back: it comes back after as long as it was told, or a second. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries >= PATIENCE || !isCode(error, 'Busy', 'StoreUnavailable', 'TooManyRequests', 'Timeout')) throw error
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 1_000))
    }
  }
}

/** Waits until the player's own avatar stands still at the returned place. */
export async function standing(player: Player): Promise<{ x: number; y: number }> {
  player.session?.move(0, 0)
  let last = ''
  return waitFor(
    `${player.name} to stand still`,
    async () => {
      const me = player.session?.view.me
      const now = `${me?.x},${me?.y}`
      const still = me !== undefined && now === last && player.session?.unacknowledged === 0
      last = now
      return still ? { x: me.x, y: me.y } : undefined
    },
    { timeoutMs: 20_000, everyMs: 200 },
  )
}

/** How `viewer` sees the avatar of that name, or undefined. */
export function sees(viewer: Player, name: string): { x: number; y: number; id: number } | undefined {
  return [...(viewer.session?.view.entities.values() ?? [])].find((entity) => entity.kind === 'avatar' && entity.name === name)
}

export function groundItems(viewer: Player): readonly { id: number; name: string; x: number; y: number }[] {
  return [...(viewer.session?.view.entities.values() ?? [])].filter((entity) => entity.kind === 'item')
}

/** The same place: positions in state frames are rounded down to whole centimetres, those in notices are not. */
export function isAt(a: { x: number; y: number }, b: { x: number; y: number }): boolean {
  return Math.abs(a.x - b.x) <= MM_PER_CM && Math.abs(a.y - b.y) <= MM_PER_CM
}
