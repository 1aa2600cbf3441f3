import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AccountBars } from '../../../core/account-bars.ts'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { ACCOUNT, LAYER, until, World } from './world-kit.ts'

const LONG = 3_600_000

describe('a banned account', { timeout: 60_000 }, () => {
  let world: World
  beforeEach(async () => {
    world = await World.create()
    await world.host('a')
    for (const name of ['ada', 'bea']) await world.character(name)
  })
  afterEach(() => world.end())

  test('is cut off from where it plays and let in nowhere, its characters are checked in; lifted, it plays on', async () => {
    const ada = await world.join('ada')
    const { ticket, endpoint } = await world.ticket('bea', LAYER, 600_000)
    await world.index.barAccount(ACCOUNT, LONG)
    expect(await ada.next('goodbye')).toMatchObject({ reason: 'Banned' })
    await until(async () => (await world.characterHead('ada'))?.kind === 'released')
    const bea = await world.connect(endpoint)
    bea.hello(LAYER, ticket)
    expect(await bea.next('refused')).toMatchObject({ code: 'Banned' })
    // It was never taken from where it was.
    expect((await world.characterHead('bea'))?.n).toBe(1)
    await world.index.unbarAccount(ACCOUNT)
    // Hosts hear of it within a second.
    await until(async () => {
      const { ticket: again } = await world.ticket('ada')
      const client = await world.connect(endpoint)
      client.hello(LAYER, again)
      return client.welcome().then(
        () => true,
        () => false,
      )
    })
  })
})

describe('what a host knows of bars', () => {
  test('ends by itself, survives an index that is away, and is asked for once at a time', async () => {
    const clock = new ManualClock()
    const told: boolean[] = []
    let asked = 0
    let answer: () => Promise<{ position: string; bars?: { account: string; forMs: number }[] }> = async () => ({
      position: '1',
      bars: [{ account: 'ann', forMs: 1_000 }],
    })
    const index = {
      accountBars: () => {
        asked += 1
        return answer()
      },
    }
    const bars = new AccountBars({ index, clock, log: silentLog, onBarred: (isBarred) => told.push(isBarred('ann')) })
    await Promise.all([bars.look(), bars.look()])
    expect([asked, told, bars.has('ann'), bars.has('bob')]).toEqual([1, [true], true, false])
    answer = () => Promise.reject(new Error('away'))
    await bars.look()
    expect(bars.has('ann')).toBe(true)
    answer = async () => ({ position: '1' })
    await bars.look()
    expect(told).toEqual([true, true])
    clock.advance(1_000)
    expect(bars.has('ann')).toBe(false)
  })
})
