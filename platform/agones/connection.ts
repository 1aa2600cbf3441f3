import AgonesSDK from '@google-cloud/agones-sdk'
import { BailiwickError } from '../../core/errors.ts'
import type { GameServerView } from '../../core/ports/game-server-port.ts'
import { SDK_CALL_DEADLINE } from '../../core/timing.ts'
import { within } from '../../core/within.ts'

type ServerOfSdk = Parameters<Parameters<AgonesSDK['watchGameServer']>[0]>[0]

export interface ConnectionEvents {
  readonly onServer: (server: GameServerView) => void
  /** Called once, when anything of it has failed: it is of no use any more. */
  readonly onBroken: (reason: string) => void
}

/**
 * One connection to the SDK's sidecar, good until the first failure of any of its streams or calls. The SDK never mends a stream, so it is thrown away as a whole
 * and made anew.
 */
export class SdkConnection {
  readonly #sdk: AgonesSDK
  readonly #events: ConnectionEvents
  #health: unknown
  #over = false

  constructor(port: string | undefined, events: ConnectionEvents) {
    this.#sdk = newSdk(port)
    this.#events = events
  }

  /** Connects and begins to watch. Never rejects: a failure is told by onBroken. */
  async open(): Promise<void> {
    try {
      await inTime('connect', this.#sdk.connect())
      if (this.#over) return
      this.#sdk.watchGameServer(
        (server) => {
          if (!this.#over) this.#events.onServer(viewOf(server))
        },
        (error) => this.#broken(`watch: ${error.message}`),
      )
      // A watch that the sidecar ends without an error is as broken as any other.
      this.#sdk.streams.at(-1)?.once('end', () => this.#broken('watch: ended'))
    } catch (error) {
      this.#broken(`connect: ${error instanceof Error ? error.message : error}`)
    }
  }

  /** Throws Unreachable when the call fails or takes longer than SDK_CALL_DEADLINE. */
  async call(name: string, work: (sdk: AgonesSDK) => Promise<unknown>): Promise<void> {
    try {
      await inTime(name, work(this.#sdk))
    } catch (cause) {
      this.#broken(`${name}: ${cause instanceof Error ? cause.message : cause}`)
      throw new BailiwickError('Unreachable', { asked: `${name}() of the game server's sidecar`, cause })
    }
  }

  health(): void {
    if (this.#over) return
    try {
      this.#sdk.health((error) => this.#broken(`health: ${error.message}`))
    } catch (error) {
      this.#broken(`health: ${error instanceof Error ? error.message : error}`)
      return
    }
    const stream = this.#sdk.healthStream
    if (stream === this.#health || stream === undefined) return
    this.#health = stream
    // The call is meant to last for ever: its end, however it comes, is a failure. The SDK hides it.
    stream.once('status', () => this.#broken('health: ended'))
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    // The SDK's close leaves the calls open: the sidecar would go on sending to nobody.
    for (const stream of this.#sdk.streams) stream.cancel()
    this.#sdk.healthStream?.cancel()
    this.#sdk.close()
  }

  #broken(reason: string): void {
    if (this.#over) return
    this.close()
    this.#events.onBroken(reason)
  }
}

/** The SDK takes its port from the environment, in its constructor: another port needs a class of its own. */
function newSdk(port: string | undefined): AgonesSDK {
  if (port === undefined) return new AgonesSDK()
  class SdkOnPort extends AgonesSDK {
    override get port(): string {
      return port ?? super.port
    }
  }
  return new SdkOnPort()
}

function viewOf({ objectMeta, status }: ServerOfSdk): GameServerView {
  return {
    name: objectMeta?.name ?? '',
    namespace: objectMeta?.namespace ?? '',
    state: status?.state ?? '',
    address: status?.address ?? '',
    ports: (status?.portsList ?? []).map(({ name, port }) => ({ name, port })),
    deleting: (objectMeta?.deletionTimestamp ?? 0) !== 0,
    labels: Object.fromEntries(objectMeta?.labelsMap ?? []),
    annotations: Object.fromEntries(objectMeta?.annotationsMap ?? []),
  }
}

function inTime<T>(name: string, work: Promise<T>): Promise<T> {
  return within(SDK_CALL_DEADLINE, work, () => new Error(`no answer to ${name} within ${SDK_CALL_DEADLINE} ms`))
}
