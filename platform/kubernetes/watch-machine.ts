import { WATCH_RESTART_MAX, WATCH_RESTART_MIN, WATCH_TIMEOUT } from '../../core/timing.ts'
import type { KubernetesObject } from './objects.ts'

/** Objects in one answer of a list. */
export const PAGE_LIMIT = 500
/** So many watches in a row that broke without a word: the version may be what is wrong, so everything is listed anew. */
const RELIST_AFTER_FAILURES = 3

/** Where the list/watch loop stands. */
export interface WatchState {
  readonly at: 'idle' | 'listing' | 'watching' | 'waiting'
  /** What comes after waiting. */
  readonly next: 'list' | 'watch'
  /** The version up to which everything was seen. */
  readonly resourceVersion: string
  /** Lists and watches that failed since something was last heard in a watch. */
  readonly failures: number
}

export type WatchInput =
  | { readonly kind: 'start' }
  | {
      readonly kind: 'page'
      readonly items: readonly KubernetesObject[]
      readonly resourceVersion: string
      readonly continue: string | undefined
    }
  | { readonly kind: 'changed'; readonly object: KubernetesObject; readonly removed: boolean }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server ended the watch in good order, as it does now and then. */
  | { readonly kind: 'ended' }
  /** A request or stream broke, or was refused. `gone`: the version is too old. `retryAfterMs`: the server asks for that much peace. */
  | { readonly kind: 'failed'; readonly gone: boolean; readonly retryAfterMs: number | undefined }
  /** Something that a watch never says: unreadable, of an unknown type, without a version. */
  | { readonly kind: 'odd' }
  /** Nothing was heard for WATCH_SILENCE. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'timer' }

export type WatchCommand =
  | { readonly do: 'list'; readonly token: string | undefined }
  | { readonly do: 'watch'; readonly resourceVersion: string; readonly timeoutSeconds: number }
  | { readonly do: 'wait'; readonly ms: number }
  /** Ends the request or stream that is open. */
  | { readonly do: 'close' }
  /** Keeps a page until the list is complete. */
  | { readonly do: 'stage'; readonly items: readonly KubernetesObject[] }
  /** The list is complete: what was staged replaces the copy. */
  | { readonly do: 'swap' }
  | { readonly do: 'put'; readonly object: KubernetesObject }
  | { readonly do: 'remove'; readonly object: KubernetesObject }

export interface WatchDecision {
  readonly state: WatchState
  readonly commands: readonly WatchCommand[]
}

export const initialWatchState: WatchState = { at: 'idle', next: 'list', resourceVersion: '', failures: 0 }

/**
 * What the loop does next: list in pages, watch from where the list ended, resume from the last version heard after every break, list anew when that version is
 * gone or anything is odd; each new try after a jittered pause that grows with the failures in a row. Pure; `random` is in [0, 1).
 */
export function decide(state: WatchState, input: WatchInput, random: number): WatchDecision {
  switch (input.kind) {
    case 'start':
      return { state: { ...state, at: 'listing' }, commands: [{ do: 'list', token: undefined }] }
    case 'timer':
      return state.next === 'list'
        ? { state: { ...state, at: 'listing' }, commands: [{ do: 'list', token: undefined }] }
        : { state: { ...state, at: 'watching' }, commands: [watchFrom(state.resourceVersion, random)] }
    case 'page':
      return afterPage(state, input, random)
    case 'changed': {
      const version = input.object.metadata.resourceVersion
      if (version === undefined) return pause(state, 'list', random, undefined)
      return {
        state: { ...state, resourceVersion: version, failures: 0 },
        commands: [{ do: input.removed ? 'remove' : 'put', object: input.object }],
      }
    }
    case 'bookmark':
      return { state: { ...state, resourceVersion: input.resourceVersion, failures: 0 }, commands: [] }
    case 'ended':
    case 'silent':
      return pause(state, 'watch', random, undefined)
    case 'failed':
      return pause(state, input.gone ? 'list' : state.at === 'watching' ? 'watch' : 'list', random, input.retryAfterMs)
    case 'odd':
      return pause(state, 'list', random, undefined)
  }
}

function afterPage(state: WatchState, page: WatchInput & { kind: 'page' }, random: number): WatchDecision {
  const stage = { do: 'stage', items: page.items } as const
  if (page.continue !== undefined) return { state, commands: [stage, { do: 'list', token: page.continue }] }
  return {
    state: { ...state, at: 'watching', resourceVersion: page.resourceVersion },
    commands: [stage, { do: 'swap' }, watchFrom(page.resourceVersion, random)],
  }
}

function pause(state: WatchState, next: 'list' | 'watch', random: number, retryAfterMs: number | undefined): WatchDecision {
  const failures = state.failures + 1
  const giveUp = next === 'watch' && failures >= RELIST_AFTER_FAILURES
  const ceiling = Math.min(WATCH_RESTART_MAX, WATCH_RESTART_MIN * 2 ** Math.min(state.failures, 20))
  const ms = Math.max(ceiling / 2 + (ceiling / 2) * random, Math.min(retryAfterMs ?? 0, WATCH_RESTART_MAX))
  return { state: { ...state, at: 'waiting', next: giveUp ? 'list' : next, failures }, commands: [{ do: 'close' }, { do: 'wait', ms }] }
}

function watchFrom(resourceVersion: string, random: number): WatchCommand {
  // Not all at once: watches that began together would also end together.
  return { do: 'watch', resourceVersion, timeoutSeconds: Math.ceil((WATCH_TIMEOUT / 1_000) * (0.75 + 0.25 * random)) }
}
