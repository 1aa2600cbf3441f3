import { BailiwickError } from '../../core/errors.ts'
import type { GameServerPort, GameServerView } from '../../core/ports/game-server-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { SDK_RECONNECT_MAX, SDK_RECONNECT_MIN } from '../../core/timing.ts'
import { SdkConnection } from './connection.ts'

export interface AgonesOptions {
  readonly log: Log
  /** The sidecar's gRPC port; absent: AGONES_SDK_GRPC_PORT, else 9357. */
  readonly port?: string
}

/**
 * The game server as Agones' sidecar shows it. The connection is made anew on any error, for as long as it takes. Calls throw Unreachable while there is
 * none; health pings are then left out, which is what they are for.
 */
export function createAgonesGameServer(options: AgonesOptions): GameServerPort {
  const { log } = options
  let connection: SdkConnection | undefined
  let onChange: ((server: GameServerView) => void) | undefined
  let timer: NodeJS.Timeout | undefined
  let wait = SDK_RECONNECT_MIN
  let closed = false

  function connect(): void {
    const made = new SdkConnection(options.port, {
      onServer: (server) => {
        // Only now is it known to work.
        wait = SDK_RECONNECT_MIN
        onChange?.(server)
      },
      onBroken: (reason) => {
        if (connection === made) connection = undefined
        if (closed) return
        const jittered = wait * (0.5 + Math.random() / 2)
        wait = Math.min(wait * 2, SDK_RECONNECT_MAX)
        log.warn({ reason, retryInMs: Math.round(jittered) }, 'the connection to the sidecar is made anew')
        timer = setTimeout(connect, jittered)
      },
    })
    connection = made
    void made.open()
  }

  async function call(name: 'ready' | 'allocate' | 'shutdown'): Promise<void> {
    await connected(name).call(name, (sdk) => sdk[name]())
  }

  function connected(asked: string): SdkConnection {
    if (connection === undefined) {
      throw new BailiwickError('Unreachable', { asked: `${asked}() of the game server's sidecar`, todo: 'it is tried again' })
    }
    return connection
  }

  return {
    ready: () => call('ready'),
    allocate: () => call('allocate'),
    shutdown: () => call('shutdown'),
    health: () => connection?.health(),
    setAnnotation: (key, value) => connected('setAnnotation').call('setAnnotation', (sdk) => sdk.setAnnotation(key, value)),
    async watch(callback) {
      if (onChange !== undefined) throw new BailiwickError('Internal', { asked: 'a second watch of the game server' })
      onChange = callback
      connect()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      connection?.close()
    },
  }
}
