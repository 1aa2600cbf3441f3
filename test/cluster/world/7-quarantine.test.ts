import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LayerId } from '../../../core/ids.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { journalKeys } from '../../../platform/redis/keys.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { encodeBatch } from '../../../zone-server/simulation/batch.ts'
import { newPlayer, type Player } from './player.ts'
import { game, inPhase, release, releaseNamespace, square, useWorld, type World } from './release.ts'

const layer: LayerId = `${game}/cursed/0`
let world: World
let ann: Player

beforeAll(async () => {
  world = await useWorld()
  // So seldom that no snapshot drops what stands in the journal.
  await world.applyZone('cursed', { activation: 'Always', bounds: square(200), snapshotEvery: '1h' })
  await inPhase(world, 'cursed', 'Running')
  ann = await newPlayer(world, 'ann')
})

afterAll(async () => {
  await ann.leave()
  await world.deleteZone('cursed')
})

/** An entry stands in the journal whose state can not be had again: what a fault of the rules leaves. Answers the tick before it. */
async function poison(): Promise<number> {
  const index = createRedisIndex({ url: world.cluster.redisUrl, log: silentLog })
  try {
    const epoch = (await inPhase(world, 'cursed', 'Running')).status?.layers?.[0]?.epoch ?? 0
    const fence = await index.raiseFence(layer, epoch)
    expect(fence.epoch).toBe(epoch)
    const part = await index.readJournal(layer, fence, 0, 1)
    if (typeof part === 'string') throw new Error(part)
    const batch = encodeBatch([{ source: ann.character, sequence: 1_000_000, body: { kind: 'say', text: 'abracadabra' } }])
    const entry = { layer, fence, epoch, tick: part.last + 1, previous: part.last, batch, digest: '0123456789abcdef' }
    expect(await index.appendJournal([entry])).toEqual(['Done'])
    return part.last
  } finally {
    await index.close()
  }
}

/** What a repaired store is in the end: the entry is not there. */
async function repair(last: number): Promise<void> {
  const client = createClient({ url: world.cluster.redisUrl })
  await client.connect()
  const [fence = '', journal = ''] = journalKeys(layer)
  await client.xDel(journal, `${last + 1}-0`)
  await client.hSet(fence, { tick: String(last), digest: '' })
  await client.close()
}

describe('7. a layer that does not survive its journal', () => {
  it('is quarantined and says so; the evidence names tick, error and who; it is tried again when somebody asks, and opens when it is mended', async () => {
    const host = (await inPhase(world, 'cursed', 'Running')).status?.layers?.[0]?.host ?? ''
    const last = await poison()
    await world.cluster.killContainer(game, host, 'zone-server', 'SIGKILL')
    await world.cluster.waitFor(
      'the layer to be quarantined',
      async () => (await world.zone('cursed')).status?.conditions?.some(({ reason }) => reason === 'LayerQuarantined'),
      { timeoutMs: 120_000 },
    )
    const quarantined = await inPhase(world, 'cursed', 'Failed')
    expect(quarantined.status?.conditions?.find(({ type }) => type === 'Hosted')).toMatchObject({
      status: 'False',
      reason: 'LayerQuarantined',
    })

    const evidence = () =>
      world.cluster.kubectl(
        ...['-n', releaseNamespace, 'exec', `deployment/${release}-operator`, '--'],
        ...['node', '--disable-warning=ExperimentalWarning', 'zone-server/read-evidence.ts', layer],
      )
    const report = await evidence()
    expect(report).toContain(`tick    ${last + 1}, confirmed before`)
    expect(report).toContain('should have had the hash 0123456789abcdef')
    expect(report).toContain(`(${ann.name}, account `)
    expect(report).toContain('say {"text":"abracadabra"}')

    const retry = (value: string) =>
      world.cluster.kubectl('-n', game, 'annotate', 'zone', 'cursed', `bailiwick.dev/retry=${value}`, '--overwrite')
    await repair(last)
    await retry('1')
    await inPhase(world, 'cursed', 'Running', 120_000)
    await ann.join(`${game}/cursed`)

    const turns = [/Warning +LayerQuarantined .*layer 0 is set aside: .*kubectl annotate zone cursed/, /Normal +TriedAgain /]
    await world.cluster.waitFor('both turns to be told', async () => {
      const story = await world.cluster.kubectl('-n', game, 'describe', 'zone', 'cursed')
      if (turns.every((turn) => turn.test(story))) return true
      throw new Error(story)
    })
  })
})
