import { randomBytes } from 'node:crypto'
import { BailiwickError } from '../../core/errors.ts'
import { type Client, createClient } from '../client.ts'
import { helloFrame } from './bailiwick-dialect.ts'
import type { Door } from './crowd.ts'

/** So many characters an account may have. */
const CHARACTERS_EACH = 8
/** Accounts made at once: hashing their passwords is meant to be slow. */
const ACCOUNTS_AT_ONCE = 4

/** A character and the client of its account. */
export interface Player {
  readonly client: Client
  readonly character: string
}

/** New accounts with new characters, of random names and passwords. Throws what the services say. */
export async function newPlayers(count: number, url: string): Promise<readonly Player[]> {
  const players: Player[] = []
  let left = count
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const mine = Math.min(CHARACTERS_EACH, left)
      left -= mine
      const client = createClient({ authUrl: url, charactersUrl: url, allocatorUrl: url })
      const name = `load-${randomBytes(6).toString('hex')}`
      const password = randomBytes(18).toString('base64url')
      await client.register(name, password)
      await client.login(name, password)
      for (let k = 0; k < mine; k++) {
        const { id } = await client.characters.create(`L${randomBytes(6).toString('hex')}`)
        players.push({ client, character: id })
      }
    }
  }
  await Promise.all(Array.from({ length: ACCOUNTS_AT_ONCE }, worker))
  return players
}

/** How a player comes into a zone now: its ticket lives for seconds only. Throws Unreachable when no endpoint is one for WebSocket without TLS. */
export async function doorOf(player: Player | undefined, zone: string): Promise<Door> {
  if (player === undefined) throw new BailiwickError('Internal', { found: 'more clients than players' })
  const { layer, ticket, endpoints } = await player.client.ticket(zone, player.character)
  const [endpoint = ''] = endpoints
  const url = `ws://${endpoint}`
  if (endpoint.includes('://') || !URL.canParse(url)) {
    throw new BailiwickError('Unreachable', {
      asked: zone,
      found: `endpoint ${endpoint}`,
      todo: 'the load generator speaks plain WebSocket alone',
    })
  }
  const { hostname, port, pathname } = new URL(url)
  return { host: hostname, port: Number(port), path: pathname, hello: helloFrame(layer, ticket) }
}
