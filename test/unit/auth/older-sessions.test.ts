import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { DUE_PAGE, PutOff } from '../../../core/due-sweep.ts'
import type { ListedStore } from '../../../core/ports/store-archive-port.ts'
import { SESSION_FORGOTTEN_AFTER, SESSION_TTL } from '../../../core/timing.ts'
import { OlderSessions } from '../../../services/auth/older-sessions.ts'
import { randomId } from '../../../services/auth/stored.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { collectLog } from './serve-app.ts'
import { stage } from './stage.ts'

async function older() {
  const { store, clock, player } = await stage()
  const { log, lines } = collectLog()
  const asked = { chains: 0, heads: 0 }
  const counting: ListedStore = {
    ...store,
    // By a database user who may not see which kinds of chains there are.
    chains: (after, limit, kind) => {
      asked.chains += 1
      return kind === undefined ? Promise.reject(new Error('not authorized')) : store.chains(after, limit, kind)
    },
    head: (chain) => {
      asked.heads += 1
      return store.head(chain)
    },
  }
  /** As a release wrote it that knew nothing of due times. */
  const put = async (kind: string, data: Readonly<Record<string, string | number>>): Promise<string> => {
    const chain = chains.session(randomId())
    await store.append(chain, 1, 'k', { kind, data })
    return chain
  }
  const process = () => {
    const memory = { putOff: new PutOff(), failed: () => undefined, older: new OlderSessions() }
    return () => sweepAuth({ store: counting, clock, log }, memory)
  }
  return { store, clock, player, lines, asked, put, process }
}

test('sessions of a release that knew no due times get one, a page in each round, and go with it', async () => {
  const { store, clock, put, process, asked, player } = await older()
  const { refreshToken } = await player('Ann')
  const live = await store.head(chains.session(refreshToken.split('.')[0] ?? ''))
  const ended = await Promise.all(Array.from({ length: DUE_PAGE * 2 }, () => put('ended', { reason: 'Logout' })))
  const dead = await put('live', { account: 'a1', tokenHash: 'x', expiresAt: clock.now() - 1 })
  const alive = await put('live', { account: 'a1', tokenHash: 'x', expiresAt: clock.now() + SESSION_TTL })
  const round = process()
  let rounds = 0
  for (let lists = -1; asked.chains !== lists; rounds++) {
    expect(rounds).toBeLessThan(30)
    Object.assign(asked, { heads: 0 })
    lists = asked.chains
    await round()
    expect(asked.heads).toBeLessThan(DUE_PAGE * 3)
  }
  // All around once, and once more to find none.
  expect(asked.chains).toBeLessThanOrEqual(10)
  for (const chain of ended) expect(await store.read(chain, 1, 9)).toMatchObject([{ n: 2, due: clock.now() + SESSION_FORGOTTEN_AFTER }])
  expect(await store.head(dead)).toMatchObject({ kind: 'ended', data: { reason: 'Expired' } })
  expect(await store.head(alive)).toMatchObject({ kind: 'live', due: clock.now() + SESSION_TTL, data: { tokenHash: 'x' } })
  expect(await store.head(chains.session(refreshToken.split('.')[0] ?? ''))).toEqual(live)
  clock.advance(SESSION_FORGOTTEN_AFTER)
  while ((await round()) > 0);
  const left = await Promise.all([...ended, dead].map((chain) => store.head(chain)))
  expect(left.filter((head) => head !== undefined)).toEqual([])
  expect(await store.head(alive)).toMatchObject({ kind: 'live' })
})

test('several replicas at once give each one time, and a later process finds what an older release has written since', async () => {
  const { store, clock, put, process } = await older()
  const ended = await Promise.all(Array.from({ length: 8 }, () => put('ended', { reason: 'Logout', endedAt: 0 })))
  const replicas = [process(), process(), process()]
  for (let k = 0; k < 6; k++) await Promise.all(replicas.map((round) => round()))
  for (const chain of ended) expect(await store.read(chain, 1, 9)).toMatchObject([{ n: 2, due: expect.any(Number) }])
  const late = await put('ended', { reason: 'Logout' })
  const round = process()
  for (let k = 0; k < 6; k++) await round()
  expect(await store.head(late)).toMatchObject({ due: clock.now() + SESSION_FORGOTTEN_AFTER })
})

test('one that can not be read is told once, stays as it is, and keeps no other from its time', async () => {
  const { store, put, process, lines } = await older()
  const newer = await put('ended', { v: 2, reason: 'Logout' })
  const ended = await put('ended', { reason: 'Logout' })
  const round = process()
  for (let k = 0; k < 8; k++) await round()
  expect(lines.filter((line) => line.includes('a session can not be looked at'))).toHaveLength(1)
  expect([await store.head(newer), (await store.head(newer))?.due]).toMatchObject([{ n: 1 }, undefined])
  expect(await store.head(ended)).toMatchObject({ due: expect.any(Number) })
})
