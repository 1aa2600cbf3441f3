import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { type Log, silentLog } from '../../../core/ports/log-port.ts'
import { Calls } from '../../../zone-server/calls.ts'
import { FLEET, until, World } from './world-kit.ts'

function warnings(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = []
  const log: Log = { ...silentLog, warn: (_fields, event) => void said.push(event), child: () => log }
  return { log, said }
}

const closed = (): BailiwickError => new BailiwickError('IndexUnavailable', { found: 'it was closed' })

it('a host that ended in order does not complain that its last calls were not answered', async () => {
  const world = await World.create()
  onTestFinished(() => world.end())
  const { log, said } = warnings()
  const answer = Promise.withResolvers<void>()
  const index: ZoneIndex = {
    ...world.index,
    async drainHost(...asked) {
      await world.index.drainHost(...asked)
      await answer.promise
    },
  }
  const { server } = await world.host('a', { index, log })
  await until(async () => (await world.index.fleetView(FLEET)).hosts.length === 1)
  await server.close()
  // As whoever made the server closes the index next.
  answer.reject(closed())
  await setImmediate()
  expect(said).toEqual([])
})

it('calls that fail are told until they end, and not any more from then on', async () => {
  const { log, said } = warnings()
  const calls = new Calls<'ask'>(log, 0)
  const attempt = async (): Promise<void> => {
    calls.start(
      'ask',
      () => Promise.reject(closed()),
      () => undefined,
    )
    await setImmediate()
  }
  await attempt()
  expect(said).toEqual(['a call of the host failed'])
  calls.end()
  await attempt()
  expect(said).toHaveLength(1)
})
