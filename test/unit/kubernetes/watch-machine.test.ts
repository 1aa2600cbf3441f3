import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WATCH_RESTART_MAX, WATCH_RESTART_MIN, WATCH_SILENCE } from '../../../core/timing.ts'
import { decide, initialWatchState, type WatchInput, type WatchState } from '../../../platform/kubernetes/watch-machine.ts'
import { object } from './misbehaving-server.ts'

const watching: WatchState = { at: 'watching', next: 'list', resourceVersion: '10', failures: 0 }
const listing: WatchState = { at: 'listing', next: 'list', resourceVersion: '', failures: 0 }
const failed: WatchInput = { kind: 'failed', gone: false, retryAfterMs: undefined }

/** One row a case: what is done, and where the loop stands then. */
const table: readonly [string, WatchState, WatchInput, readonly string[], Partial<WatchState>][] = [
  ['start', initialWatchState, { kind: 'start' }, ['list'], { at: 'listing' }],
  ['a page of more', listing, { kind: 'page', items: [], resourceVersion: '9', continue: 't' }, ['stage', 'list'], { at: 'listing' }],
  [
    'the last page',
    listing,
    { kind: 'page', items: [], resourceVersion: '9', continue: undefined },
    ['stage', 'swap', 'watch'],
    { resourceVersion: '9' },
  ],
  ['a failed list', listing, failed, ['close', 'wait'], { at: 'waiting', next: 'list', failures: 1 }],
  ['an expired page token', listing, { ...failed, gone: true }, ['close', 'wait'], { next: 'list' }],
  ['an object', watching, { kind: 'changed', object: object('a', 11), removed: false }, ['put'], { resourceVersion: '11', failures: 0 }],
  [
    'a deletion',
    { ...watching, failures: 2 },
    { kind: 'changed', object: object('a', 12), removed: true },
    ['remove'],
    { resourceVersion: '12', failures: 0 },
  ],
  ['an end', watching, { kind: 'ended' }, ['close', 'wait'], { next: 'watch', resourceVersion: '10' }],
  ['silence', watching, { kind: 'silent' }, ['close', 'wait'], { next: 'watch' }],
  ['a break', watching, failed, ['close', 'wait'], { next: 'watch', failures: 1 }],
  ['a third break', { ...watching, failures: 2 }, failed, ['close', 'wait'], { next: 'list', failures: 3 }],
  ['gone', watching, { ...failed, gone: true }, ['close', 'wait'], { next: 'list' }],
  ['odd', watching, { kind: 'odd' }, ['close', 'wait'], { next: 'list' }],
  ['after the pause before a list', { ...watching, at: 'waiting', next: 'list' }, { kind: 'timer' }, ['list'], { at: 'listing' }],
  ['after the pause before a watch', { ...watching, at: 'waiting', next: 'watch' }, { kind: 'timer' }, ['watch'], { at: 'watching' }],
]

describe('the list/watch machine', () => {
  test.each(table)('%s', (_name, state, input, commands, then) => {
    const decision = decide(state, input, 0.5)
    expect(decision.commands.map((command) => command.do)).toEqual(commands)
    expect(decision.state).toMatchObject(then)
  })

  test('a server that asks for peace gets it, within the cap', () => {
    const wait = (retryAfterMs: number): unknown => decide(listing, { ...failed, retryAfterMs }, 0).commands[1]
    expect(wait(3_000)).toEqual({ do: 'wait', ms: 3_000 })
    expect(wait(3_600_000)).toEqual({ do: 'wait', ms: WATCH_RESTART_MAX })
  })

  test('law: whatever happens, every pause is jittered, grows and is capped; a watch ends before it counts as silent', () => {
    const input = fc.oneof(
      fc.constantFrom<WatchInput>({ kind: 'ended' }, { kind: 'silent' }, { kind: 'odd' }, { kind: 'timer' }, failed, {
        ...failed,
        gone: true,
      }),
      fc.nat(99).map((version): WatchInput => ({ kind: 'changed', object: object('a', version), removed: false })),
    )
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), fc.noShrink(fc.double({ min: 0, max: 0.999, noNaN: true })), (inputs, random) => {
        let state = initialWatchState
        for (const one of inputs) {
          const before = state
          const decision = decide(state, one, random)
          state = decision.state
          for (const command of decision.commands) {
            if (command.do === 'wait') {
              const ceiling = Math.min(WATCH_RESTART_MAX, WATCH_RESTART_MIN * 2 ** before.failures)
              expect(command.ms).toBeGreaterThanOrEqual(ceiling / 2)
              expect(command.ms).toBeLessThanOrEqual(ceiling)
            }
            if (command.do === 'watch') expect(command.timeoutSeconds * 1_000).toBeLessThan(WATCH_SILENCE)
          }
        }
      }),
    )
  })
})
