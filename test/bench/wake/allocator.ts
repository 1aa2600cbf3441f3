// The allocator of bench:wake: real, with its HTTP front, over a real Redis.
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { serve } from '../../../platform/http/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import { serveCalls } from '../kit/served.ts'
import { Trace } from './traced.ts'

const trace = new Trace()

serveCalls({
  async start({ redisUrl, account }: { readonly redisUrl: string; readonly account: string }) {
    const index = trace.of('allocator: index', createRedisIndex({ url: redisUrl, log: silentLog }))
    const signer = await createTokenSigner()
    const verifier = trace.of('allocator: token', createTokenVerifier({ keys: signer.publicJwks() }))
    const allocator = createAllocatorApp({ index, verifier, clock: systemClock, log: silentLog, metrics: createMetrics('allocator') })
    const { port } = await serve(allocator.app, { port: 0, host: '127.0.0.1', log: silentLog, drainMs: 0 })
    allocator.sweep()
    await allocator.follow()
    const { accessToken } = await signer.sign({ account, name: account, session: 's', roles: ['player'] })
    return { port, accessToken }
  },
  taken: () => trace.taken(),
})
