import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../core/clock.ts'
import { variables } from '../platform/config/index.ts'
import { runProgram } from '../platform/http/index.ts'
import { defaultEndpoint, KubernetesClient, leaseObject } from '../platform/kubernetes/index.ts'
import { createRedisIndex } from '../platform/redis/redis-index.ts'
import { DEFAULT_FLEET, OPERATOR_LEASE } from './names.ts'
import { uninstallCluster } from './uninstall-cluster.ts'
import { uninstall } from './uninstall-steps.ts'

const shape = {
  REDIS_URL: variables.url('redis', 'rediss'),
  WATCH_NAMESPACES: variables.list('names of namespaces, divided by commas'),
  DEFAULT_FLEET: variables.text('the name of a Fleet').default(DEFAULT_FLEET),
  POD_NAME: variables.text('the name of this pod').default('uninstall'),
  POD_NAMESPACE: variables.text('the namespace of this pod').default('default'),
  OPERATOR_DEPLOYMENT: variables.text('the name of a Deployment'),
  UNINSTALL_DEADLINE_SECONDS: variables.count(1, 86_400, 180),
  DELETE_ZONES: variables.text('true or false').default('false'),
}

/** What the chart runs before it is uninstalled: closes all layers and frees all zones. Ends with exit code 1 when it could not. */
runProgram('uninstall', shape, async ({ config, log }) => {
  const client = new KubernetesClient(await defaultEndpoint())
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const deadlineMs = config.UNINSTALL_DEADLINE_SECONDS * 1_000
  const cluster = uninstallCluster({
    client,
    namespaces: config.WATCH_NAMESPACES,
    ownNamespace: config.POD_NAMESPACE,
    deployment: config.OPERATOR_DEPLOYMENT,
    leaseName: OPERATOR_LEASE,
    lease: leaseObject(client, config.POD_NAMESPACE, OPERATOR_LEASE),
    identity: config.POD_NAME,
    clock: systemClock,
    log,
    deadlineMs,
  })
  const done = uninstall({
    cluster,
    index,
    clock: systemClock,
    wait: (ms) => wait(ms),
    log,
    defaultFleet: config.DEFAULT_FLEET,
    deleteZones: config.DELETE_ZONES === 'true',
    deadlineMs,
  })
  return {
    done,
    async close() {
      await index.close()
      client.close()
    },
  }
})
