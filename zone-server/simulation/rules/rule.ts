import type { ErrorCode, ErrorParts } from '../../../core/errors.ts'
import type { ByteReader, ByteWriter } from '../bytes.ts'
import type { Outputs } from '../output.ts'
import type { LayerState, Player } from '../state.ts'

/** Why an input is refused; it changes nothing then but its sender's sequence number. */
export interface Refusal {
  readonly code: ErrorCode
  readonly parts: ErrorParts
}

/** One thing that players can do: how it stands in the journal, when it is refused, what it does. One row of rules/table.ts. */
export interface Rule<B extends { readonly kind: string }> {
  /** Names the kind in the journal, 1 to 127; never used again for another kind. */
  readonly code: number
  write(to: ByteWriter, body: B): void
  /** Reads what `write` wrote. Throws StoreCorrupt. */
  read(from: ByteReader): B
  /** What can be done by a character that is down, too. */
  readonly whileDown?: true
  /** Judges by the state of the last tick, which it only reads; all inputs of a tick are judged before one is applied. */
  judge?(before: LayerState, player: Player, body: B): Refusal | undefined
  /** Does it, in canonical order. Total: inputs before it in the same tick may have changed anything, so what still can fail is refused here. */
  apply(state: LayerState, player: Player, body: B, out: Outputs, sequence: number): void
}
