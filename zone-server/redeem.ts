import { chains } from '../core/chains.ts'
import { BailiwickError } from '../core/errors.ts'
import type { FleetId, LayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { ChainEntry, Store } from '../core/ports/store-port.ts'

/** Whom a ticket lets in. */
export interface TicketHolder {
  readonly account: string
  readonly character: string
  /** The newest record of its chain as it was a while ago, by now maybe a past; never rejects. Absent, or undefined: it was not read. */
  readonly ahead?: Promise<ChainEntry | undefined>
}

export interface Redeemer {
  readonly index: Pick<ZoneIndex, 'redeemTicket'>
  readonly fleet: FleetId
  readonly host: string
}

/** Uses a ticket up for the layer that this host has in this generation. Throws TicketUnknown, TicketUsed, TicketExpired, LayerLost, IndexUnavailable. */
export async function redeem(
  { index, fleet, host }: Redeemer,
  { layer, generation }: { readonly layer: LayerId; readonly generation: number },
  ticket: string,
): Promise<TicketHolder> {
  const answer = await index.redeemTicket(fleet, layer, host, generation, ticket)
  if (!answer.ok) throw new BailiwickError(answer.code, { asked: `a join of ${layer}`, todo: 'ask the allocator for a new ticket' })
  const { account, character } = answer
  return { account, character }
}

/** Begins to read the chain of a character that has to wait anyway. */
export function readingAhead(holder: TicketHolder, store: Pick<Store, 'head'>): TicketHolder {
  // Who needs it reads it itself then.
  return { ...holder, ahead: store.head(chains.character(holder.character)).catch(() => undefined) }
}

/** The refusal of a barred account. */
export function banned(layer: string): BailiwickError {
  return new BailiwickError('Banned', { asked: `a join of ${layer}`, todo: 'ask those who run the world' })
}
