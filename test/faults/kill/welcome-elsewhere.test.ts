import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { readJoin } from '../../../client/answers.ts'
import { createHttp } from '../../../client/http.ts'
import { tcpConnect } from '../../../client/tcp.ts'
import { ZoneSession, type ZoneSessionDeps } from '../../../client/zone-session.ts'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { CLIENT_RECONNECT_MAX } from '../../../core/timing.ts'
import { serve } from '../../../platform/http/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { extent } from '../extent.ts'
import { ACCOUNT, createCharacters } from '../simulator/characters.ts'
import { FLEET } from '../simulator/host.ts'
import { type HostProcess, startHostProcess } from './host-process.ts'
import { LAYER } from './world.ts'

const ROUNDS = extent({ quick: 1, usual: 3, full: 50 })
const PATIENCE = { timeout: 60_000, interval: 5 }
/** Its silence alone would tell that a host is dead only after this, ms: longer than anybody waits here. */
const SILENCE = 600_000

/** What is opened last is closed first. */
async function withAll(use: (onEnd: (close: () => unknown) => void) => Promise<void>): Promise<void> {
  const ends: (() => unknown)[] = []
  try {
    await use((close) => ends.push(close))
  } finally {
    for (const close of ends.reverse()) await close()
  }
}

test(
  'who plays on a host that is killed (SIGKILL) tells the allocator, which finds that nobody listens there: welcome elsewhere, long before the silence tells it',
  {
    timeout: 120_000 + ROUNDS * 60_000,
  },
  () =>
    withAll(async (onEnd) => {
      const folder = mkdtempSync(join(tmpdir(), 'bailiwick-elsewhere-'))
      onEnd(() => rmSync(folder, { recursive: true, force: true }))
      const redis = await startRedisServer()
      onEnd(() => redis.stop())
      const store = await createSqliteStore({ file: join(folder, 'store.db') })
      onEnd(() => store.close())
      const index = createRedisIndex({ url: redis.url, log: silentLog, timing: { hostDeadAfter: SILENCE } })
      onEnd(() => index.close())
      const zone = smallZone()
      await createCharacters(store, 1, zone.zone)
      await index.putZone(zone)

      const signer = await createTokenSigner()
      const verifier = createTokenVerifier({ keys: signer.publicJwks() })
      const allocator = createAllocatorApp({ index, verifier, clock: systemClock, log: silentLog, metrics: createMetrics('allocator') })
      const [outer, inner] = await Promise.all(
        [allocator.app, allocator.internal].map((app) => serve(app, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 })),
      )
      onEnd(() => Promise.all([outer?.close(), inner?.close()]))
      const sweeper = allocator.sweep()
      onEnd(() => sweeper.stop())
      const following = await allocator.follow()
      onEnd(() => following.stop())

      const hosts: HostProcess[] = []
      onEnd(() => Promise.all(hosts.map((host) => host.kill())))
      const lines: string[] = []
      const bear = (): void => {
        const order = {
          name: `host-${hosts.length + 1}`,
          redis: redis.url,
          store: { kind: 'sqlite', file: join(folder, 'store.db') },
        } as const
        hosts.push(
          startHostProcess(
            order,
            async () => undefined,
            (line) => lines.push(line),
            folder,
          ),
        )
      }
      const registered = async (): Promise<readonly string[]> =>
        (await index.fleetView(FLEET)).hosts.filter(({ state }) => state === 'Ready').map(({ name }) => name)
      bear()
      bear()
      await expect.poll(async () => (await registered()).length, PATIENCE).toBe(2)

      const { accessToken } = await signer.sign({ account: ACCOUNT, name: 'ann', session: 's', roles: ['player'] })
      const http = createHttp(fetch)
      const asks: ZoneSessionDeps['join'] = async (unreached, signal) => {
        const url = `http://127.0.0.1:${outer?.port}/v1/zones/${zone.zone}/join`
        const body = { character: 'character-1', ...(unreached === undefined ? {} : { unreached }) }
        return readJoin(await http({ method: 'POST', url, body, token: accessToken, signal }), 'join')
      }
      const welcomes: number[] = []
      const session = new ZoneSession(
        { join: asks, connect: tcpConnect, clock: systemClock, random: Math.random },
        { welcome: ({ epoch }) => welcomes.push(epoch) },
      )
      onEnd(() => session.close())
      await session.ready()
      for (let round = 0; round < ROUNDS; round++) {
        const { host, epoch } = await index.getLayer(FLEET, LAYER)
        await expect.poll(async () => (await registered()).some((name) => name !== host), PATIENCE).toBe(true)
        const victim = hosts.find(({ name }) => name === host)
        // Who lost a host a moment ago comes back ever more rarely: that is the client's rule, and not what is measured here.
        await delay(CLIENT_RECONNECT_MAX)
        const before = welcomes.length
        const began = performance.now()
        await victim?.kill()
        await expect.poll(() => welcomes.length > before && session.playing, PATIENCE).toBe(true)
        console.log(`measured: kill -9 of a host until its client is welcome elsewhere: ${Math.round(performance.now() - began)} ms`)
        expect(welcomes.at(-1)).toBeGreaterThan(epoch)
        expect((await index.getLayer(FLEET, LAYER)).host).not.toBe(host)
        bear()
      }
      const metrics = await (await fetch(`http://127.0.0.1:${inner?.port}/metrics`)).text()
      const refused = Number(/^bailiwick_host_knocks_total\{heard="refused".*\} (\d+)/m.exec(metrics)?.[1])
      expect(refused, lines.join('\n')).toBeGreaterThanOrEqual(ROUNDS)
    }),
)
