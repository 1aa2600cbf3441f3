import type { Item } from '../../core/chains.ts'
import type { ErrorCode, ErrorParts } from '../../core/errors.ts'

export type LeaveReason = 'Left' | 'LinkDead' | 'Closing' | 'Full'

/** What a tick says, as data. */
export interface TickOutput {
  readonly tick: number
  /** In the order they happened. `to`: a character, or undefined for everybody. */
  readonly messages: readonly Addressed[]
  /** Who left in this tick; `release` is the id of the outbox, undefined when nothing is to be released. */
  readonly departures: readonly Departure[]
}

export interface Addressed {
  readonly to: string | undefined
  readonly message: PlayerMessage
}

export interface Departure {
  readonly character: string
  readonly reason: LeaveReason | 'Forgotten'
  readonly release: string | undefined
}

export type PlayerMessage =
  | {
      readonly kind: 'welcome'
      readonly entity: number
      readonly name: string
      readonly acknowledged: number
      readonly inventory: readonly Item[]
    }
  | { readonly kind: 'said'; readonly from: string; readonly text: string }
  | { readonly kind: 'told'; readonly from: string; readonly text: string }
  | { readonly kind: 'tellResult'; readonly id: number; readonly delivered: boolean }
  | { readonly kind: 'inventory'; readonly items: readonly Item[] }
  /** To everybody who sees the entity. */
  | { readonly kind: 'emoted'; readonly entity: number; readonly emote: number }
  /** How the character is now, each from 0 to MAX_STAT; with health 0 it is down until it respawns. */
  | { readonly kind: 'stats'; readonly health: number; readonly energy: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly parts: ErrorParts; readonly sequence: number }
  /** Everything in view is to be told again. */
  | { readonly kind: 'look' }

/** Collects a tick's output. */
export class Outputs {
  readonly messages: Addressed[] = []
  readonly departures: Departure[] = []

  tell(to: string, message: PlayerMessage): void {
    this.messages.push({ to, message })
  }

  tellAll(message: PlayerMessage): void {
    this.messages.push({ to: undefined, message })
  }

  refuse(to: string, sequence: number, { code, parts }: { readonly code: ErrorCode; readonly parts: ErrorParts }): void {
    this.tell(to, { kind: 'refused', code, parts, sequence })
  }
}
