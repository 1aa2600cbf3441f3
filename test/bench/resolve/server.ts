// One of the two servers that are compared, on a core of its own: the allocator as it is, or an Express handler that answers a constant.
import type { AddressInfo } from 'node:net'
import express from 'express'
import { systemClock } from '../../../core/clock.ts'
import { serve } from '../../../platform/http/index.ts'
import { createLog } from '../../../platform/log/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import { serveCalls } from '../kit/served.ts'

/** One address asks more than any player would. */
const unlimited = { perSecond: 1e9, burst: 1e9, addresses: 10_000 }

serveCalls({
  async allocator({ redisUrl }: { readonly redisUrl: string }): Promise<number> {
    // As in production: at info, to standard output.
    const log = createLog({ name: 'allocator' })
    const index = createRedisIndex({ url: redisUrl, log })
    const verifier = createTokenVerifier({ keys: (await createTokenSigner()).publicJwks() })
    const allocator = createAllocatorApp({ index, verifier, clock: systemClock, log, metrics: createMetrics('allocator'), rate: unlimited })
    const serving = await serve(allocator.app, { port: 0, host: '127.0.0.1', log })
    await allocator.follow()
    return serving.port
  },
  constant({ answer }: { readonly answer: object }): Promise<number> {
    const app = express()
    app.get('/v1/zones/:namespace/:name', (_request, response) => {
      response.json(answer)
    })
    return new Promise((resolve) => {
      const server = app.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  },
})
