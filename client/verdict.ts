import { BailiwickError, type ErrorCode } from '../core/errors.ts'

/** What a failed join means: try again; try again but not for ever (it may pass); give up. */
export type Verdict = 'retry' | 'patient' | 'final'

const final = new Set<ErrorCode>([
  'InvalidInput',
  'NotFound',
  'MethodNotAllowed',
  'PayloadTooLarge',
  'Unauthenticated',
  'WrongCredentials',
  'SessionEnded',
  'RefreshReused',
  'CharacterUnknown',
  'CharacterNotYours',
  'CharacterDeleting',
  'ZoneSuspended',
  'FrameInvalid',
  'FrameTooLarge',
  'ProtocolUnsupported',
  'ConfigInvalid',
])

/** HelloExpected is none of them: a machine with too much to do says its hello too late, and another time in time. CharacterElsewhere: its lost connection in another layer is still being waited for. LayerLost: told by a host that does not know yet, or knows more than the index. */
const patient = new Set<ErrorCode>(['CharacterElsewhere', 'LayerLost', 'TicketForOtherLayer', 'Internal', 'StoreCorrupt'])

/** `wasIn`: play had begun before, so that the zone did exist; an index that was emptied learns of it again. */
export function verdictOf(error: unknown, wasIn: boolean): Verdict {
  if (!(error instanceof BailiwickError)) return 'final'
  if (error.code === 'ZoneUnknown') return wasIn ? 'patient' : 'final'
  if (final.has(error.code)) return 'final'
  return patient.has(error.code) ? 'patient' : 'retry'
}
