import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../../../client/index.ts'
import { chains } from '../../../core/chains.ts'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createEmbeddedWorld, type EmbeddedWorld } from '../../../dev/world.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { runCommand } from '../../../services/backup/run.ts'
import { waitFor } from '../../cluster/run.ts'
import { groundItems, isAt, newPlayer, standing } from '../../cluster/world/player.ts'

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-restored-'))
const zones = join(folder, 'zones')
const worlds: EmbeddedWorld[] = []
afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()))
  rmSync(folder, { recursive: true, force: true })
})

async function start(data: string): Promise<EmbeddedWorld> {
  const world = await createEmbeddedWorld({
    ...{ port: 0, host: '127.0.0.1', zones, data, log: silentLog, logLevel: 'error' },
    ...{ capacity: 2, bounds: { spare: 0 }, retireEmptyAfterMs: 500 },
  })
  worlds.push(world)
  return world
}

const urls = ({ url }: EmbeddedWorld) => ({ authUrl: url, charactersUrl: url, allocatorUrl: url })

test('a whole world is backed up while it is played, and restored elsewhere: account, character, place and what lies there are as they were', async () => {
  mkdirSync(zones)
  writeFileSync(
    join(zones, 'meadow.yaml'),
    "apiVersion: bailiwick.dev/v1alpha1\nkind: Zone\nmetadata: { name: meadow, namespace: game }\nspec:\n  activation: Always\n  snapshotEvery: 1s\n  bounds: { min: { x: 0, 'y': 0 }, max: { x: 200, 'y': 200 } }\n",
  )
  const [old, restored] = [join(folder, 'old'), join(folder, 'restored')]
  const world = await start(old)
  await waitFor('the meadow to run', () => world.folder.get('game/meadow')?.status?.phase === 'Running', { timeoutMs: 30_000 })
  const ann = await newPlayer(urls(world), 'ann')
  await ann.join('game/meadow')
  const place = await standing(ann)
  const [carried] = ann.session?.view.inventory ?? []
  ann.session?.drop(carried?.id ?? '')
  await waitFor('the item to lie there', () => groundItems(ann).some((item) => isAt(item, place)), 30_000)
  const dropped = Math.max(...[...ann.told.values()].map(({ tick }) => tick))
  const file = join(old, 'store.sqlite')
  const looking = await createSqliteStore({ file })
  await waitFor(
    'a snapshot of that',
    async () => {
      const records = await looking.read(chains.layer('game/meadow/0'), 1, 1_000, 'withoutBlobs')
      return records.some(({ kind, data }) => kind === 'snapshot' && Number(data['tick']) >= dropped)
    },
    { timeoutMs: 30_000 },
  )
  await looking.close()
  const backup = join(folder, 'world.backup')
  const deps = (path: string) => ({
    openStore: () => createSqliteStore({ file: path }),
    redisUrl: undefined,
    timers: systemClock,
    log: silentLog,
  })
  await runCommand({ do: 'create', file: backup }, deps(file))
  const { password, character } = ann
  const name = (await ann.client.account())?.name ?? ''
  await ann.session?.close()
  await worlds.pop()?.close()
  rmSync(file)

  mkdirSync(restored)
  copyFileSync(join(old, 'signing-key.pem'), join(restored, 'signing-key.pem'))
  await runCommand({ do: 'restore', file: backup, emptyIndex: false }, deps(join(restored, 'store.sqlite')))
  const again = await start(restored)
  const client = createClient(urls(again))
  await client.login(name, password)
  expect((await client.characters.list()).map(({ id }) => id)).toEqual([character])
  const back = await newPlayer(urls(again), 'ben')
  await back.join('game/meadow')
  await waitFor('the item to lie there again, once', () => groundItems(back).filter((item) => isAt(item, place)).length === 1, 30_000)
  await back.session?.close()
}, 120_000)
