import type { AppendAnswer } from '../../core/ports/journal-port.ts'

/**
 * The output commit of a layer, as decisions on what happened: a tick is confirmed when the journal has its entry, ticks are confirmed in order, and whoever is replaced
 * stops. Pure: pipeline.ts does what is answered here. docs/durability.md.
 */
export interface CommitState {
  /** Stepped ticks whose entries are not confirmed yet, oldest first. */
  readonly waiting: readonly number[]
  /**
   * Idle: nothing is asked of the index. Asking: the oldest entries are being appended, in one call. Resting: it had no answer and is asked for again later. Reclaiming: a new epoch
   * is being claimed from memory. Over: another owns the layer.
   */
  readonly phase: 'Idle' | 'Asking' | 'Resting' | 'Reclaiming' | 'Over'
  /** Appends without an answer since the last one that had one. */
  readonly failures: number
  /** New epochs claimed since the last confirmed tick. */
  readonly reclaims: number
  /** A new epoch is wanted as soon as nothing is under way. */
  readonly renew: boolean
}

export type CommitEvent =
  | { readonly is: 'stepped'; readonly tick: number }
  /** One answer for each tick that was asked for. */
  | { readonly is: 'answered'; readonly answers: readonly AppendAnswer[] }
  /** The index did not answer: the append may have happened or not. */
  | { readonly is: 'unanswered' }
  | { readonly is: 'rested' }
  /** The index said elsewhere that it does not know the fence any more. */
  | { readonly is: 'forked' }
  /** The layer is to go on in a new epoch: its content changed. */
  | { readonly is: 'renew' }
  /** A new epoch is ours; the journal had these of the waiting entries, its oldest. */
  | { readonly is: 'reclaimed'; readonly confirmed: number }
  /** While it was claimed the index forgot the fence once more. */
  | { readonly is: 'forkedAgain' }

export type CommitAction =
  /** In one call: so a slow index costs latency and no more. */
  | { readonly do: 'append'; readonly ticks: readonly number[] }
  /** Wait before the same append is asked for again. */
  | { readonly do: 'rest'; readonly failures: number }
  /** They may leave, in this order. */
  | { readonly do: 'confirm'; readonly ticks: readonly number[] }
  | { readonly do: 'reclaim' }
  | { readonly do: 'stop'; readonly reason: string }

export interface CommitDecision {
  readonly state: CommitState
  readonly actions: readonly CommitAction[]
}

export const beginning: CommitState = { waiting: [], phase: 'Idle', failures: 0, reclaims: 0, renew: false }

/** So many epochs are claimed in a row before the layer is given up: an index that can't keep a fence keeps no layer. */
export const MAX_RECLAIMS = 5

/** So many ticks of a layer go with one call at most. */
export const MAX_ROUND = 32

/** What follows from an event. */
export function decideCommit(state: CommitState, event: CommitEvent): CommitDecision {
  if (state.phase === 'Over') return { state, actions: [] }
  switch (event.is) {
    case 'stepped':
      return next({ ...state, waiting: [...state.waiting, event.tick] })
    case 'answered':
      return answered(state, event.answers)
    case 'unanswered':
      if (state.phase !== 'Asking') return same(state)
      return {
        state: { ...state, phase: 'Resting', failures: state.failures + 1 },
        actions: [{ do: 'rest', failures: state.failures + 1 }],
      }
    case 'rested':
      return state.phase === 'Resting' ? next({ ...state, phase: 'Idle' }) : same(state)
    case 'forked':
      // An append under way is answered the same.
      return state.phase === 'Idle' || state.phase === 'Resting' ? reclaim(state) : same(state)
    case 'renew':
      return next({ ...state, renew: true })
    case 'reclaimed':
      return state.phase === 'Reclaiming' ? reclaimed(state, event.confirmed) : same(state)
    case 'forkedAgain':
      return state.phase === 'Reclaiming' ? reclaim(state) : same(state)
  }
}

function answered(state: CommitState, answers: readonly AppendAnswer[]): CommitDecision {
  if (state.phase !== 'Asking') return same(state)
  if (answers.length === 0 || answers.length > state.waiting.length)
    return stop(state, `${answers.length} answers for ${state.waiting.length} ticks`)
  const refused = answers.findIndex((answer) => answer !== 'Done')
  const done = refused === -1 ? answers.length : refused
  const rest = done === 0 ? state : { ...state, waiting: state.waiting.slice(done), failures: 0, reclaims: 0 }
  const then = afterRefusal(rest, answers[refused])
  return done === 0 ? then : { state: then.state, actions: [{ do: 'confirm', ticks: state.waiting.slice(0, done) }, ...then.actions] }
}

function afterRefusal(state: CommitState, answer: AppendAnswer | undefined): CommitDecision {
  switch (answer) {
    case undefined:
    case 'Done':
      return next({ ...state, phase: 'Idle' })
    case 'Fenced':
      return stop(state, 'another host owns it')
    case 'Forked':
      return reclaim(state)
    case 'OutOfSequence':
      // An owner's entry always fits, as long as the journal is the one that it wrote: once it may be another after a fork that went unnoticed.
      return state.reclaims === 0 ? reclaim(state) : stop(state, 'the journal does not hold what this owner appended')
  }
}

function reclaim(state: CommitState): CommitDecision {
  if (state.reclaims >= MAX_RECLAIMS) return stop(state, `the index forgot the fence ${state.reclaims} times in a row`)
  return {
    state: { ...state, phase: 'Reclaiming', failures: 0, reclaims: state.reclaims + 1, renew: false },
    actions: [{ do: 'reclaim' }],
  }
}

function reclaimed(state: CommitState, confirmed: number): CommitDecision {
  const then = next({ ...state, phase: 'Idle', waiting: state.waiting.slice(confirmed) })
  const ticks = state.waiting.slice(0, confirmed)
  return { state: then.state, actions: [...(ticks.length > 0 ? [{ do: 'confirm', ticks } as const] : []), ...then.actions] }
}

/** Goes on with the oldest entries when nothing is under way. */
function next(state: CommitState): CommitDecision {
  if (state.phase !== 'Idle') return same(state)
  if (state.renew) return reclaim({ ...state, reclaims: 0 })
  const ticks = state.waiting.slice(0, MAX_ROUND)
  return ticks.length === 0 ? same(state) : { state: { ...state, phase: 'Asking' }, actions: [{ do: 'append', ticks }] }
}

function same(state: CommitState): CommitDecision {
  return { state, actions: [] }
}

function stop(state: CommitState, reason: string): CommitDecision {
  return { state: { ...state, phase: 'Over', waiting: [] }, actions: [{ do: 'stop', reason }] }
}
