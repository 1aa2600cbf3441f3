import { generateKeyPairSync } from 'node:crypto'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetBounds } from '../core/capacity.ts'
import type { Clock } from '../core/clock.ts'
import { monotonicClock, systemClock } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import type { FleetId, ZoneId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import { EMBEDDED_STOP_LIMIT } from '../core/timing.ts'
import { createOperator } from '../operator/operator.ts'
import { type HttpApp, serve } from '../platform/http/index.ts'
import type { LogLevel } from '../platform/log/index.ts'
import { createMemoryIndex } from '../platform/memory/memory-index.ts'
import { createMetrics } from '../platform/metrics/index.ts'
import type { Issuer } from '../platform/oidc/index.ts'
import { createSqliteStore } from '../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../platform/tokens/index.ts'
import { createAllocatorApp } from '../services/allocator/app.ts'
import { createAuthApp } from '../services/auth/app.ts'
import { startSweepingAuth } from '../services/auth/sweep.ts'
import { createCharactersApp, sweepCharacters } from '../services/characters/app.ts'
import { EmbeddedFleet } from './fleet.ts'
import { EmbeddedFleetSource } from './fleet-source.ts'
import { frontListener, passUpgrades } from './front.ts'
import { ZoneFolder } from './zone-folder.ts'

export interface WorldOptions {
  /** 0 takes a free port. */
  readonly port: number
  /** The address it listens on. */
  readonly host: string
  /** The folder of Zone manifests. */
  readonly zones: string
  /** Where accounts, characters, snapshots and the signing key are kept. */
  readonly data: string
  readonly log: Log
  readonly logLevel: LogLevel
  /** Layers a host thread serves. */
  readonly capacity: number
  readonly bounds?: Partial<FleetBounds>
  readonly retireEmptyAfterMs?: number
  /** Issuers of accounts that players may log in with; default: none. */
  readonly issuers?: readonly Issuer[]
}

export interface EmbeddedWorld {
  readonly url: string
  readonly folder: ZoneFolder
  readonly index: ZoneIndex
  /** Ends a host's thread as a crash would. */
  killHost(host: string): Promise<void>
  /** How many hosts run. */
  hosts(): number
  /** Closes every layer with a final snapshot and stops. */
  close(): Promise<void>
}

const FLEET = 'zone-servers'

/** The whole of Bailiwick in this process, on one port: the operator's plan, zone servers and services over a folder, memory and SQLite. Throws ConfigInvalid when the port is taken, or the data have no place. */
export async function createEmbeddedWorld(options: WorldOptions): Promise<EmbeddedWorld> {
  const { log, data } = options
  const clock: Clock = systemClock
  makeFolder(data)
  const storeFile = join(data, 'store.sqlite')
  const store = await createSqliteStore({ file: storeFile })
  const index = createMemoryIndex({ clock })
  const signer = await createTokenSigner({ pem: signingKey(join(data, 'signing-key.pem')) })
  const verifier = createTokenVerifier({ keys: signer.publicJwks() })

  const authMetrics = createMetrics('auth')
  const auth = createAuthApp({ store, index, signer, clock, log, metrics: authMetrics, issuers: options.issuers ?? [] })
  const characterDeps = { store, index, verifier, clock, log, metrics: createMetrics('characters') }
  const characters = createCharactersApp(characterDeps)
  const allocator = createAllocatorApp({ index, verifier, clock, log, metrics: createMetrics('allocator') })
  const fleets = new Map<FleetId, EmbeddedFleet>()
  const gamePort = (host: string): number | undefined =>
    [...fleets.values()].map((fleet) => fleet.gamePort(host)).find((port) => port !== undefined)

  const front: HttpApp = {
    ...allocator.app,
    name: 'embedded world',
    listener: frontListener({ auth, characters, allocator: allocator.app, contentOf: (zone) => contentOf(index, zone) }),
  }
  const serving = await serve(front, { port: options.port, host: options.host, log, drainMs: 0 })
  passUpgrades(serving, gamePort)
  const publicAddress = `${options.host}:${serving.port}`

  const ensureFleet = (fleet: FleetId): void => {
    if (fleets.has(fleet)) return
    const { logLevel, capacity, bounds, retireEmptyAfterMs } = options
    const optional = { ...(bounds === undefined ? {} : { bounds }), ...(retireEmptyAfterMs === undefined ? {} : { retireEmptyAfterMs }) }
    fleets.set(fleet, new EmbeddedFleet({ fleet, index, storeFile, log, logLevel, capacity, publicAddress, ...optional }))
  }
  const folder = new ZoneFolder(options.zones, clock, log)
  const operator = createOperator({
    zones: folder,
    contents: folder.contents,
    fleets: new EmbeddedFleetSource(FLEET, ensureFleet),
    index,
    store,
    clock,
    monotonic: monotonicClock,
    log,
    metrics: createMetrics('operator'),
    defaultFleet: FLEET,
    namespaces: [],
  })
  const sweepers = [allocator.sweep(), sweepCharacters(characterDeps), startSweepingAuth({ store, clock, log, metrics: authMetrics })]
  await operator.start()
  const following = await allocator.follow()

  return {
    url: `http://${publicAddress}`,
    folder,
    index,
    async killHost(host) {
      await Promise.all([...fleets.values()].map((fleet) => fleet.kill(host)))
    },
    hosts: () => [...fleets.values()].reduce((sum, fleet) => sum + fleet.size, 0),
    async close() {
      const stopped = serving.close()
      await operator.stop()
      await Promise.all([...fleets.values()].map((fleet) => fleet.close(EMBEDDED_STOP_LIMIT)))
      following.stop()
      await Promise.all(sweepers.map((sweeper) => sweeper.stop()))
      await stopped
      await index.close()
      await store.close()
    },
  }
}

async function contentOf(index: ZoneIndex, zone: ZoneId): Promise<string | undefined> {
  const hash = (await index.getZone(zone))?.content
  return hash === undefined ? undefined : index.getContent(hash)
}

function makeFolder(data: string): void {
  try {
    mkdirSync(data, { recursive: true })
    accessSync(data, constants.W_OK)
  } catch (cause) {
    throw new BailiwickError('ConfigInvalid', {
      asked: `the folder ${data} for data`,
      found: describeError(cause),
      todo: 'name one that can be made and written to',
      cause,
    })
  }
}

/** The key that signs access tokens: made once, kept beside the data, readable by its owner alone. */
function signingKey(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  writeFileSync(file, pem, { mode: 0o600, flag: 'wx' })
  chmodSync(file, 0o600)
  return pem
}
