import { onTestFinished } from 'vitest'
import { type Client, type ClientOptions, createClient } from '../../../../client/index.ts'
import { systemClock } from '../../../../core/clock.ts'
import type { LayerId } from '../../../../core/ids.ts'
import { parseLayerId } from '../../../../core/ids.ts'
import type { ZoneIndex } from '../../../../core/ports/index-port.ts'
import { silentLog } from '../../../../core/ports/log-port.ts'
import { readTicket } from '../../../../core/ticket.ts'
import { serve } from '../../../../platform/http/index.ts'
import { createMemoryIndex } from '../../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../../platform/metrics/index.ts'
import { createAllocatorApp } from '../../../../services/allocator/app.ts'
import { AuthDouble } from './auth-double.ts'
import { type FakeCharacter, FakeZone, type FakeZoneScript } from './fake-zone.ts'
import { fleet, IndexHost, meadow, zoneSettings } from './index-host.ts'

export interface FakeHost {
  readonly zone: FakeZone
  readonly index: IndexHost
  /** Kill -9: sockets and heartbeats end at once. */
  die(): Promise<void>
}

export interface World {
  readonly index: ZoneIndex
  readonly auth: AuthDouble
  readonly characters: Map<string, FakeCharacter>
  readonly options: ClientOptions
  startHost(name: string, script?: Partial<FakeZoneScript> & { readonly tcp?: boolean }): Promise<FakeHost>
  /** A client that is logged in. */
  client(name: string, options?: Partial<ClientOptions>): Promise<Client>
}

/** The real allocator over an index in memory, with doubles for auth and for hosts, all over real sockets; taken down when the test ends. */
export async function startWorld(options: { readonly hostsDie?: boolean } = {}): Promise<World> {
  // Where no host dies, none shall be taken for dead because the machine is busy.
  const patient = { hostDeadAfter: 60_000, suspectDeadAfter: 60_000, claimDeadline: 60_000, claimLimit: 60_000 }
  const index = createMemoryIndex({ clock: systemClock, timing: options.hostsDie === true ? {} : patient })
  await index.putZone(zoneSettings())
  const auth = await AuthDouble.start()
  const log = silentLog
  const allocator = createAllocatorApp({ index, verifier: auth.verifier, clock: systemClock, log, metrics: createMetrics('allocator') })
  const serving = await serve(allocator.app, { port: 0, host: '127.0.0.1', log, drainMs: 0 })
  const sweeper = allocator.sweep()
  const following = await allocator.follow()
  const hosts: FakeHost[] = []
  onTestFinished(async () => {
    await Promise.all(hosts.map((host) => host.die()))
    following.stop()
    await sweeper.stop()
    await serving.close()
    await auth.stop()
  })
  const characters = new Map<string, FakeCharacter>()
  const epochs = new Map<LayerId, number>()
  const urls: ClientOptions = { authUrl: auth.url, charactersUrl: auth.url, allocatorUrl: `http://127.0.0.1:${serving.port}` }
  return {
    index,
    auth,
    characters,
    options: urls,
    async startHost(name, script = {}) {
      const epoch = (): number => Math.max(0, ...[...side.served.values()].map((served) => served.epoch))
      const redeem: FakeZoneScript['redeem'] = async (layer, ticket) => {
        const { zone, index: at } = parseLayerId(layer)
        const { generation } = await side.whenServed(`${zone}/${at}`)
        const answer = await index.redeemTicket(fleet, `${zone}/${at}`, name, generation, readTicket(ticket).id)
        return answer.ok ? { character: answer.character } : { refused: answer.code }
      }
      const zone = new FakeZone(characters, { redeem, epoch, ...script })
      const { endpoint, tcpEndpoint } = await zone.start()
      const side = new IndexHost(index, { name, endpoints: [script.tcp === true ? tcpEndpoint : endpoint], epochs })
      const host = { zone, index: side, die: async () => void (await Promise.all([zone.die(), side.die()])) }
      hosts.push(host)
      await side.start()
      return host
    },
    async client(name, more = {}) {
      const client = createClient({ ...urls, ...more })
      await client.login(name, 'password')
      return client
    },
  }
}

export { fleet, meadow }
