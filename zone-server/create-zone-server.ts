import type { Timers } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import type { GameServerPort } from '../core/ports/game-server-port.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { HOST_STOP_RESERVE, POD_GRACE } from '../core/timing.ts'
import type { Metrics } from '../platform/metrics/index.ts'
import type { HelloLimits } from './held-hellos.ts'
import { Host } from './host.ts'
import { createMeters } from './meters.ts'
import { Session } from './session.ts'
import { type Listener, listen } from './transport/listener.ts'

export interface ZoneServerDeps {
  readonly index: ZoneIndex
  readonly store: Store
  readonly gameServer: GameServerPort
  readonly log: Log
  readonly clock: Timers
  readonly metrics: Metrics
  /** How many layers it serves at most. */
  readonly capacity: number
  /** Where game clients connect; 0 takes a free port. */
  readonly gamePort: number
  /** Default: every address of the machine. */
  readonly gameHost?: string
  /** The name of its fleet; absent: the game server's label `agones.dev/fleet` says it. */
  readonly fleet?: string
  readonly node: string
  /** The endpoint that clients are told, once the game port is known; absent: the game server's address and first port. */
  readonly advertise?: (gamePort: number) => string
  /** How long `close` may take in all, ms. Default: what the pod's grace leaves. */
  readonly stopWithinMs?: number
  /** How long clients are held that come before their layer is served. */
  readonly helloLimits?: HelloLimits | undefined
}

export interface ZoneServer {
  /** The game port. */
  readonly port: number
  /** Settles when it is over: it left its fleet, or was closed; rejected when it can't be a host. */
  readonly done: Promise<void>
  /** Drains: its layers are closed in order, then it leaves and shuts down. Resolves when it is over. */
  close(): Promise<void>
  /** Ends as a crash would, without a word to anybody: for tests. */
  kill(): Promise<void>
}

/** Starts a zone server over the given adapters, which stay the caller's to close. Throws ConfigInvalid when the game port can't be had. */
export async function createZoneServer(deps: ZoneServerDeps): Promise<ZoneServer> {
  const { log, clock } = deps
  let host: Host | undefined
  let listener: Listener | undefined
  const meters = createMeters(deps.metrics, {
    layers: () => host?.layers?.count() ?? 0,
    players: () => host?.layers?.players() ?? 0,
    connections: () => listener?.connections() ?? 0,
    ahead: () => host?.layers?.ahead() ?? 0,
    waiting: () => host?.layers?.door.waiting ?? 0,
    sentBytes: () => listener?.carried().sent ?? 0,
    receivedBytes: () => listener?.carried().received ?? 0,
  })
  const game = await listen({
    port: deps.gamePort,
    host: deps.gameHost,
    log,
    onDropped: meters.dropped,
    onConnection: (connection) =>
      new Session(connection, {
        timers: clock,
        log,
        meters,
        admit: async (layer, ticket, session, signal) => {
          if (host?.layers === undefined)
            throw new BailiwickError('LayerLost', { asked: layer.slice(0, 200), found: 'a host that serves nothing yet' })
          return host.layers.door.admit(layer, ticket, session, signal)
        },
      }),
  })
  listener = game
  const { index, store, gameServer, capacity, fleet, node, advertise, helloLimits } = deps
  const about = { capacity, fleet, node, advertise: advertise?.(game.port), helloLimits }
  const running = new Host({ index, store, gameServer, log, clock, meters, ...about })
  host = running
  const done = running.done.finally(() => game.close())
  return {
    port: game.port,
    done,
    async close() {
      running.stop(clock.now() + (deps.stopWithinMs ?? POD_GRACE - HOST_STOP_RESERVE))
      await done
    },
    async kill() {
      game.cut()
      running.kill()
      await done
    },
  }
}
