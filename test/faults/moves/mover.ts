import { webSocketConnect, ZoneSession } from '../../../client/index.ts'
import { systemClock } from '../../../core/clock.ts'
import type { LayerId } from '../../../core/ids.ts'
import { ticketText } from '../../../core/ticket.ts'
import type { World } from '../../unit/zone-server/world-kit.ts'

/** What a state frame told. */
interface Told {
  readonly at: number
  readonly epoch: number
  readonly tick: number
  readonly acknowledged: number
  readonly x: number
  readonly y: number
}

/** One change of owner as a client lived through it. */
export interface Move {
  readonly layer: LayerId
  /** From the last state frame of one epoch to the first of the next, ms. */
  readonly awayMs: number
  readonly before: Told
  readonly after: Told
}

export interface Mover {
  readonly session: ZoneSession
  readonly moves: readonly Move[]
}

/** A character that walks to and fro in a layer, by the client library over a real connection. */
export function startMover(world: World, layer: LayerId, character: string): Mover {
  const moves: Move[] = []
  let last: Told | undefined
  const session = new ZoneSession(
    {
      async join() {
        const { ticket, endpoint, epoch } = await world.ticket(character, layer)
        return { layer, epoch, endpoints: [endpoint], ticket: ticketText(layer, ticket), expiresInMs: 15_000 }
      },
      connect: webSocketConnect(WebSocket),
      clock: systemClock,
      random: () => 0,
    },
    {
      state: ({ epoch, tick, acknowledged }) => {
        const me = session.view.me
        if (me === undefined) return
        const told = { at: performance.now(), epoch, tick, acknowledged, x: me.x, y: me.y }
        if (last !== undefined && last.epoch !== epoch) moves.push({ layer, awayMs: told.at - last.at, before: last, after: told })
        last = told
      },
    },
  )
  return { session, moves }
}
