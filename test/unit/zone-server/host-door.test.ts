import { expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { ticketText } from '../../../core/ticket.ts'
import { HELLO_HOLD_LIMIT } from '../../../core/timing.ts'
import { HostDoor } from '../../../zone-server/host-door.ts'
import { CountingSpectator } from '../../bench/kit/spectator.ts'
import { FLEET, LAYER } from './world-kit.ts'

/** A door before which somebody waits for a layer that is being claimed, while the index is asked for the ticket. */
function waiting() {
  const clock = new ManualClock()
  const logged: object[] = []
  const redeemed = Promise.withResolvers<never>()
  const door = new HostDoor({
    ...{ timers: clock, fleet: FLEET, host: 'host-1', endedIn: () => 0, ask: () => undefined, served: () => undefined },
    log: { ...silentLog, error: (fields) => logged.push(fields) },
    index: { redeemTicket: () => redeemed.promise },
    store: { head: async () => undefined },
    claimed: () => ({ layer: LAYER, generation: 1 }),
  })
  const gone = new AbortController()
  const admitted = door.admit(LAYER, ticketText(LAYER, 't'), new CountingSpectator(() => 0), gone.signal)
  return { clock, door, gone, admitted, redeemed, logged }
}

const boom = new Error('boom')
const away = new BailiwickError('IndexUnavailable')

test.each([
  [boom, 'Internal'],
  [away, 'IndexUnavailable'],
])('what goes wrong with the ticket of a client that is gone is logged: %s', async (error, code) => {
  const { gone, admitted, redeemed, logged } = waiting()
  gone.abort()
  await expect(admitted).rejects.toMatchObject({ code: 'SessionEnded' })
  redeemed.reject(error)
  await expect.poll(() => logged).toMatchObject([{ layer: LAYER, code, error }])
})

test('and with that of one who was refused meanwhile', async () => {
  const { clock, admitted, redeemed, logged } = waiting()
  const refused = expect(admitted).rejects.toMatchObject({ code: 'ZoneWaking' })
  await clock.advance(HELLO_HOLD_LIMIT)
  await refused
  redeemed.reject(boom)
  await expect.poll(() => logged).toMatchObject([{ code: 'Internal' }])
})

test('a ticket that does not count is no matter, and who is there is told what went wrong', async () => {
  const [left, stays] = [waiting(), waiting()]
  left.gone.abort()
  await expect(left.admitted).rejects.toMatchObject({ code: 'SessionEnded' })
  left.redeemed.reject(new BailiwickError('TicketUsed'))
  stays.redeemed.reject(boom)
  await expect(stays.admitted).rejects.toBe(boom)
  stays.door.shut()
  expect([...left.logged, ...stays.logged]).toEqual([])
})
