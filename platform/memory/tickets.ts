import type { LayerId } from '../../core/ids.ts'
import type { NewTicket, RedeemAnswer } from '../../core/ports/index-port.ts'
import { holds } from './hosts.ts'
import type { FleetState, LayerRecord, TicketRecord } from './records.ts'

/**
 * Join tickets. platform/redis/library/tickets.lua is the same in Lua. A ticket is for one assignment of a layer to a host, its generation, from the moment of the placement on and in whatever epochs that host
 * serves it: with the generation it ends.
 */

/** Tickets are forgotten in passing, so many a call. */
const PRUNED_PER_CALL = 32

/** False when the layer has as many tickets as are remembered, or the id was used before. */
export function addTicket(fleet: FleetState, layer: LayerRecord, ticket: NewTicket): boolean {
  pruneTickets(fleet, PRUNED_PER_CALL)
  const own = fleet.ticketsOf.get(layer.layer) ?? new Set()
  const known = fleet.tickets.get(ticket.id)
  if (known !== undefined && (known.used || known.layer !== layer.layer || known.character !== ticket.character)) return false
  if (known === undefined && own.size >= fleet.rules.ticketsPerLayer) return false
  const { id, account, character } = ticket
  const expires = fleet.now + ticket.ttlMs
  fleet.tickets.set(id, { id, layer: layer.layer, generation: layer.generation, account, character, expires, used: false })
  fleet.ticketsOf.set(layer.layer, own.add(id))
  return true
}

function isLive(fleet: FleetState, layer: LayerRecord, ticket: TicketRecord): boolean {
  return !ticket.used && ticket.generation === layer.generation && ticket.expires > fleet.now
}

export function hasLiveTicket(fleet: FleetState, layer: LayerRecord): boolean {
  for (const id of fleet.ticketsOf.get(layer.layer) ?? []) {
    const ticket = fleet.tickets.get(id)
    if (ticket !== undefined && isLive(fleet, layer, ticket)) return true
  }
  return false
}

/** A ticket of an ended generation, or of a layer that is closing by force, is answered as expired: the client asks for a new one. */
export function redeemTicket(fleet: FleetState, id: LayerId, host: string, generation: number, ticketId: string): RedeemAnswer {
  const layer = fleet.layers.get(id)
  if (!holds(layer, host, generation)) return { ok: false, code: 'LayerLost' }
  const ticket = fleet.tickets.get(ticketId)
  if (ticket === undefined || ticket.layer !== id) return { ok: false, code: 'TicketUnknown' }
  if (ticket.used) return { ok: false, code: 'TicketUsed' }
  if (layer.state === 'Closing' || !isLive(fleet, layer, ticket)) return { ok: false, code: 'TicketExpired' }
  ticket.used = true
  return { ok: true, account: ticket.account, character: ticket.character }
}

/** Forgets tickets that expired long enough ago, at most `limit`. */
export function pruneTickets(fleet: FleetState, limit: number): void {
  let pruned = 0
  // Tickets live about equally long, so the oldest come first.
  for (const ticket of fleet.tickets.values()) {
    if (pruned >= limit || ticket.expires + fleet.rules.ticketRemembered > fleet.now) return
    fleet.tickets.delete(ticket.id)
    const own = fleet.ticketsOf.get(ticket.layer)
    own?.delete(ticket.id)
    if (own?.size === 0) fleet.ticketsOf.delete(ticket.layer)
    pruned += 1
  }
}
