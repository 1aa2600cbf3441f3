import type { Dialect } from '../../../client/load/dialect.ts'
import { startPlaces } from '../../../client/load/walk.ts'
import { boundsInMillimetres } from '../../../core/geometry.ts'
import type { Game } from '../crowd/game.ts'
import type { Door } from '../kit/side.ts'

/** Of @colyseus/shared-types: the first byte of a message. */
const PROTOCOL = { joinRoom: 10, error: 11, roomData: 13, statePatch: 15 } as const
const MOVE = Buffer.from('\xa4move', 'latin1')
const SEATS_AT_ONCE = 16

/** As much of Colyseus' protocol as a client needs that counts patches: what its SDK sends for `room.send('move', { vx, vy })`. */
export const colyseusDialect: Dialect = {
  afterWelcome: Uint8Array.of(PROTOCOL.joinRoom),
  move(_sequence, vx, vy) {
    const bytes = Buffer.alloc(19)
    bytes[0] = PROTOCOL.roomData
    bytes.set(MOVE, 1)
    // MessagePack: a map of two, each a text of two letters and a signed 16-bit number.
    bytes[6] = 0x82
    bytes.write('\xa2vx\xd1', 7, 'latin1')
    bytes.writeInt16BE(vx, 11)
    bytes.write('\xa2vy\xd1', 13, 'latin1')
    bytes.writeInt16BE(vy, 17)
    return bytes
  },
  isState: (message) => message[0] === PROTOCOL.statePatch,
  greeting(message) {
    if (message[0] === PROTOCOL.joinRoom) return 'welcome'
    return message[0] === PROTOCOL.error ? 'refused' : 'other'
  },
  tick: () => undefined,
  updates: () => undefined,
  reason: (message) => Buffer.from(message).toString('latin1'),
}

/** A seat for each client. All in one room: the first makes it. */
export async function reserveSeats(port: number, game: Game): Promise<readonly Door[]> {
  const places = startPlaces(game.seed, game.count, boundsInMillimetres(game.bounds))
  const seats: Door[] = new Array(game.count)
  const reserve = async (i: number): Promise<void> => {
    const options = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: `Walker ${i}`, ...places[i] }),
    }
    const answer = await fetch(`http://127.0.0.1:${port}/matchmake/joinOrCreate/crowd`, options)
    const { sessionId, roomId, processId } = (await answer.json()) as { sessionId: string; roomId: string; processId: string }
    if (!answer.ok) throw new Error(`no seat: ${answer.status}`)
    seats[i] = { path: `/${processId}/${roomId}?sessionId=${sessionId}`, hello: undefined }
  }
  await reserve(0)
  let next = 1
  const worker = async (): Promise<void> => {
    for (let i = next++; i < game.count; i = next++) await reserve(i)
  }
  await Promise.all(Array.from({ length: SEATS_AT_ONCE }, worker))
  return seats
}
