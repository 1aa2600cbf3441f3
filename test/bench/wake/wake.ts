import { readJoin } from '../../../client/answers.ts'
import { tcpConnect } from '../../../client/tcp.ts'
import type { FleetId, LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { encodeClientMessage, FRAME_STATE, PROTOCOL_VERSION } from '../../../core/protocol/frame.ts'
import { now } from './traced.ts'

/** Where the time of a wake goes, ms, in order; together the whole. */
export interface Wake {
  /** The request is out until it is answered with a ticket. */
  readonly answered: number
  readonly connected: number
  /** The hello is out, and held, until the host has said that it serves the layer. */
  readonly opened: number
  /** Until the first state frame is here. */
  readonly seen: number
  readonly whole: number
  /** What the index told, each since the request: the assignment, the beginning of the claim, its end. */
  readonly told: readonly [placed: number, claiming: number, serving: number]
  /** When it began, ms of the machine's clock. */
  readonly began: number
}

export const STEPS = ['answered', 'connected', 'opened', 'seen'] as const

export interface Door {
  readonly url: string
  readonly accessToken: string
}

/** When the changes of layers were told, in order. */
export class Notices {
  readonly #of = new Map<LayerId, number[]>()

  watch(index: ZoneIndex, fleet: FleetId, signal: AbortSignal): Promise<void> {
    return index.watchFleet(
      fleet,
      (change) => {
        if (change.kind === 'layer') this.of(change.layer).push(now())
      },
      signal,
    )
  }

  of(layer: LayerId): number[] {
    const known = this.#of.get(layer) ?? []
    this.#of.set(layer, known)
    return known
  }
}

const LIMIT = 20_000
/** Of the last input of all: a character remembers the highest that it sent. */
let sequence = 0

/** Joins a zone that sleeps, and goes again when it has seen the first state frame. */
export async function wake(door: Door, zone: string, character: string, notices: Notices): Promise<Wake> {
  const began = now()
  const response = await fetch(`${door.url}/v1/zones/${zone}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${door.accessToken}` },
    body: JSON.stringify({ character }),
    signal: AbortSignal.timeout(LIMIT),
  })
  const body: unknown = await response.json()
  if (response.status !== 200) throw new Error(`join of ${zone}: ${JSON.stringify(body)}`)
  const { layer, ticket, endpoints } = readJoin(body, 'join')
  const answered = now()
  const first = Promise.withResolvers<number>()
  const connection = await tcpConnect(
    endpoints[0] ?? '',
    {
      onFrame: (frame) => void (frame[0] === FRAME_STATE && first.resolve(now())),
      onClose: (reason) => first.reject(new Error(`${zone}: ${reason}`)),
    },
    AbortSignal.timeout(LIMIT),
  )
  const connected = now()
  connection.send(encodeClientMessage({ body: { case: 'hello', value: { layer, ticket, protocol: PROTOCOL_VERSION } } }))
  const seen = await first.promise
  connection.send(encodeClientMessage({ sequence: ++sequence, body: { case: 'leave', value: {} } }))
  setTimeout(() => connection.close(), 1_000).unref()
  // One that is told late is known to be true by then.
  const [placed = seen, claiming = seen, serving = seen] = notices.of(layer as LayerId).filter((at) => at >= began && at <= seen)
  // When the client was slower, nothing of it was waited for.
  const opened = Math.max(connected, serving)
  return {
    answered: answered - began,
    connected: connected - answered,
    opened: opened - connected,
    seen: seen - opened,
    whole: seen - began,
    told: [placed - began, claiming - began, serving - began],
    began,
  }
}
