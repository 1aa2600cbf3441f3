import { setTimeout as delay } from 'node:timers/promises'
import { startRedisServer } from '../../contract/redis-server.ts'
import { startWire, type Toxic } from '../redis/wire.ts'

/** A Redis of a plan's own, and the operator's wire to it. */
export interface RedisWay {
  /** Past the wire. */
  readonly direct: string
  readonly url: string
  /** Lets the fault come; it lasts `ms` and then goes by itself. Resolves as it begins. */
  strike(what: string, ms: number): Promise<void>
  stop(): Promise<void>
}

const toxics: Readonly<Record<string, Toxic>> = {
  latency: { latencyMs: 300 },
  jitter: { latencyMs: 20, jitterMs: 400 },
  pieces: { pieces: 3 },
  blackhole: { blackhole: true },
}

export async function startRedisWay(): Promise<RedisWay> {
  // A restart with data shall find all of it: what one second may cost is another suite's subject.
  const redis = await startRedisServer(['--appendfsync', 'always'])
  const wire = await startWire(redis.port)
  const under = new Set<Promise<void>>()
  const restart = async (empty: boolean, ms: number): Promise<void> => {
    await redis.kill()
    await delay(ms)
    if (empty) await redis.forget()
    await redis.start()
  }
  const last = async (what: string, ms: number): Promise<void> => {
    if (what === 'reset') return wire.reset()
    if (what.startsWith('restart')) return restart(what === 'restart-empty', ms)
    wire.disturb(toxics[what] ?? {})
    await delay(ms)
    wire.disturb({})
    // What a black hole has swallowed is missing in the stream.
    if (what === 'blackhole') wire.reset()
  }
  return {
    direct: redis.url,
    url: `redis://127.0.0.1:${wire.port}`,
    async strike(what, ms) {
      const going = last(what, ms).finally(() => under.delete(going))
      under.add(going)
    },
    async stop() {
      await Promise.allSettled(under)
      await wire.close()
      await redis.stop()
    },
  }
}
