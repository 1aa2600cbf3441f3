import { BailiwickError } from '../core/errors.ts'
import type { StateFrame } from '../core/protocol/state-frame.ts'
import type { Stats, ViewedEntity, ViewedItem, Welcome } from './view.ts'

/** joining: asking the allocator and connecting. playing: welcomed. waiting: a try failed, the next comes. ended: for good. */
export type SessionStatus =
  | { readonly state: 'joining' }
  | { readonly state: 'playing' }
  | { readonly state: 'waiting'; readonly forMs: number; readonly because: string; readonly error?: BailiwickError }
  | { readonly state: 'ended'; readonly end: SessionEnd }

/** left: by leave(). closed: by close(). goodbye: the host ended it, not because the connection was too slow. refused: nothing that trying again could change, or not soon enough. */
export type SessionEnd =
  | { readonly reason: 'left' | 'closed' }
  | { readonly reason: 'goodbye'; readonly said: string }
  | { readonly reason: 'refused'; readonly error: BailiwickError }

/** What the player's side wants to hear of. What a handler throws is reported as an uncaught error and disturbs nothing else. */
export interface ZoneHandlers {
  /** After each connection, the first and those that replace it. */
  welcome?(welcome: Welcome): void
  appeared?(entities: readonly ViewedEntity[]): void
  vanished?(entities: readonly ViewedEntity[]): void
  /** After the view took the frame over. */
  state?(frame: StateFrame): void
  said?(from: string, text: string): void
  told?(from: string, text: string): void
  /** A gesture; the entity may have gone out of view already. */
  emoted?(entity: ViewedEntity | undefined, emote: number): void
  stats?(stats: Stats): void
  /** True: the layer stands still, because what is played can't be confirmed just now. Nothing is lost. */
  held?(held: boolean): void
  inventory?(items: readonly ViewedItem[]): void
  /** An input was refused and changed nothing; `sequence` is its number. */
  refused?(error: BailiwickError, sequence: number): void
  /** The layer moves; the session joins again by itself. */
  redirect?(reason: string): void
  goodbye?(reason: string): void
  status?(status: SessionStatus): void
}

/** The error for those who waited for something that the end of the session prevents. */
export function endError(end: SessionEnd): BailiwickError {
  if (end.reason === 'refused') return end.error
  return new BailiwickError('SessionEnded', { found: end.reason === 'goodbye' ? `goodbye: ${end.said}` : end.reason })
}
