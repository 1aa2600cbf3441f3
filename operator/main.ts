import { randomUUID } from 'node:crypto'
import { monotonicClock, systemClock } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import { variables } from '../platform/config/index.ts'
import { createHttpApp, runProgram, serve } from '../platform/http/index.ts'
import {
  defaultEndpoint,
  KubernetesClient,
  KubernetesContents,
  KubernetesFleets,
  KubernetesNodes,
  KubernetesZones,
  LeaderElection,
  leaseObject,
  SERVICE_ACCOUNT_FOLDER,
} from '../platform/kubernetes/index.ts'
import { createMetrics, measuredStore } from '../platform/metrics/index.ts'
import { createMongoStore } from '../platform/mongo/index.ts'
import { createRedisIndex } from '../platform/redis/redis-index.ts'
import { DEFAULT_FLEET, OPERATOR_LEASE } from './names.ts'
import { createOperator } from './operator.ts'

const shape = {
  INTERNAL_PORT: variables.port(8000),
  REDIS_URL: variables.url('redis', 'rediss'),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  /** Needs the right to see nodes. */
  WATCH_NODES: variables.flag(true),
  WATCH_NAMESPACES: variables.list('names of namespaces, divided by commas'),
  DEFAULT_FLEET: variables.text('the name of a Fleet').default(DEFAULT_FLEET),
  /** Who competes for the lease; without it nobody that ever was: two operators that are run by hand must not be one. */
  POD_NAME: variables.text('the name of this pod').optional(),
  /** Where the pod's token and the cluster's authority lie. */
  SERVICE_ACCOUNT_FOLDER: variables.text('the name of a folder').default(SERVICE_ACCOUNT_FOLDER),
  POD_NAMESPACE: variables.text('the namespace of this pod').default('default'),
}

/** Competes for the lease, leads while it holds it, and ends when it loses it: its pod then starts anew as one who waits. */
runProgram('operator', shape, async ({ config, log }) => {
  const client = new KubernetesClient(await defaultEndpoint(config.SERVICE_ACCOUNT_FOLDER))
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const metrics = createMetrics('operator')
  const store = measuredStore(createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE }), metrics)
  const source = { client, namespaces: config.WATCH_NAMESPACES, clock: systemClock, log }
  const election = new LeaderElection({
    store: leaseObject(client, config.POD_NAMESPACE, OPERATOR_LEASE),
    identity: config.POD_NAME ?? randomUUID(),
    clock: monotonicClock,
    log,
  })
  const operator = createOperator({
    zones: new KubernetesZones(source),
    fleets: new KubernetesFleets(source),
    contents: new KubernetesContents(source),
    nodes: config.WATCH_NODES ? new KubernetesNodes({ client, log }) : undefined,
    index,
    store,
    clock: systemClock,
    monotonic: monotonicClock,
    log,
    metrics,
    defaultFleet: config.DEFAULT_FLEET,
    namespaces: config.WATCH_NAMESPACES,
    mayAct: () => election.leading,
  })
  const state = { starting: false, closing: false }
  // Who waits for the lease is ready: it is what it has to do.
  const ready = async (): Promise<void> => {
    if (state.starting) throw new BailiwickError('Busy', { found: 'not every zone was seen yet' })
  }
  metrics.sampled('bailiwick_operator_leading', '1 for the operator that leads', () => Number(election.leading))
  const app = createHttpApp({ name: 'operator', log, metrics, ready, rate: 'none' })
  const internal = await serve(app, { port: config.INTERNAL_PORT, log, drainMs: 0 })
  const { acquired, lost } = election.start()
  const lead = async (): Promise<never> => {
    await acquired
    state.starting = true
    await operator.start()
    state.starting = false
    await lost
    throw new BailiwickError('Busy', { asked: 'to lead', found: 'the lease was lost' })
  }
  // What was broken off because the program ends is no failure of it.
  const done = lead().catch((error: unknown) => (state.closing ? undefined : Promise.reject(error)))
  return {
    done,
    async close() {
      state.closing = true
      await operator.stop()
      await election.release()
      await internal.close()
      await Promise.all([index.close(), store.close()])
      client.close()
    },
  }
})
