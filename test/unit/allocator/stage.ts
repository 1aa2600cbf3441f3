import { onTestFinished } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { type Log, silentLog } from '../../../core/ports/log-port.ts'
import { type RateOptions, serve } from '../../../platform/http/index.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createTokenSigner, createTokenVerifier, type Role } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import type { Unreached } from '../../../services/allocator/join.ts'
import type { Knock } from '../../../services/allocator/knock.ts'

export interface Stage {
  readonly index: ZoneIndex
  readonly url: string
  readonly internalUrl: string
  token(account?: string, ...roles: Role[]): Promise<string>
  join(zone: string, character: string, token?: string, unreached?: Unreached): Promise<Response>
  autoscale(body: unknown): Promise<Response>
}

/** One test is more than a player. */
const unlimited: RateOptions = { perSecond: 1e6, burst: 1e6, addresses: 10 }

/** Where no host dies, none shall be taken for dead because the machine is busy. */
const patient = { hostDeadAfter: 60_000, suspectDeadAfter: 60_000, claimDeadline: 60_000, claimLimit: 60_000 }

/** A real allocator on real ports over an index in memory; taken down when the test ends. `wrap` may put something in front of the index. */
export async function allocatorStage(
  options: {
    readonly index?: ZoneIndex
    readonly wrap?: (index: ZoneIndex) => ZoneIndex
    readonly log?: Log
    readonly sweep?: boolean
    readonly joinWaitMs?: number
    readonly accountRate?: RateOptions
    readonly rate?: RateOptions
    readonly knock?: Knock
  } = {},
): Promise<Stage> {
  const index = options.index ?? createMemoryIndex({ clock: systemClock, timing: options.sweep === true ? {} : patient })
  const signer = await createTokenSigner()
  const verifier = createTokenVerifier({ keys: signer.publicJwks() })
  const log = options.log ?? silentLog
  const allocator = createAllocatorApp({
    index: options.wrap?.(index) ?? index,
    verifier,
    clock: systemClock,
    log,
    metrics: createMetrics('allocator'),
    rate: options.rate ?? unlimited,
    accountRate: options.accountRate ?? unlimited,
    // Nobody listens where hosts of tests say that they do.
    knock: options.knock ?? (async () => 'nothing'),
    ...(options.joinWaitMs === undefined ? {} : { joinWaitMs: options.joinWaitMs }),
  })
  const outer = await serve(allocator.app, { port: 0, host: '127.0.0.1', log, drainMs: 0 })
  const inner = await serve(allocator.internal, { port: 0, host: '127.0.0.1', log, drainMs: 0 })
  const sweeper = options.sweep === true ? allocator.sweep() : undefined
  const following = await allocator.follow()
  onTestFinished(async () => {
    following.stop()
    await sweeper?.stop()
    await Promise.all([outer.close(), inner.close()])
  })
  const url = `http://127.0.0.1:${outer.port}`
  const internalUrl = `http://127.0.0.1:${inner.port}`
  const token = async (account = 'account-1', ...roles: Role[]): Promise<string> =>
    (await signer.sign({ account, name: account, session: 's', roles: ['player', ...roles] })).accessToken
  return {
    index,
    url,
    internalUrl,
    token,
    async join(zone, character, given, unreached) {
      const authorization = `Bearer ${given ?? (await token())}`
      const headers = { 'content-type': 'application/json', authorization }
      return fetch(`${url}/v1/zones/${zone}/join`, { method: 'POST', headers, body: JSON.stringify({ character, unreached }) })
    },
    autoscale: (body) =>
      fetch(`${internalUrl}/autoscale`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }
}
