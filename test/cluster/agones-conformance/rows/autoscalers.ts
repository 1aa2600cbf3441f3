import { expect } from 'vitest'
import { row } from '../row.ts'
import { NAMESPACE, type Stage } from '../stage.ts'

const NAME = 'r24'
const PORT = 8000

interface Asked {
  at: number
  method: string
  path: string
  answered: number
  body: { request: { uid: string; name: string; namespace: string; status: object; labels?: object; annotations?: object }; response: null }
}

function webhook(image: string): object[] {
  const labels = { app: 'r24-webhook' }
  const container = {
    name: 'webhook',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['/fixtures/webhook.mjs'],
    resources: { requests: { cpu: '50m' } },
    volumeMounts: [{ name: 'fixtures', mountPath: '/fixtures' }],
  }
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'r24-webhook', namespace: NAMESPACE, labels },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 2,
        containers: [container],
        volumes: [{ name: 'fixtures', configMap: { name: 'fixtures' } }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'r24-webhook', namespace: NAMESPACE },
      spec: { selector: labels, ports: [{ port: PORT }] },
    },
  ]
}

function autoscaler(name: string, fleet: string, seconds: number, target: object): object {
  return {
    apiVersion: 'autoscaling.agones.dev/v1',
    kind: 'FleetAutoscaler',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      fleetName: fleet,
      policy: { type: 'Webhook', webhook: target },
      sync: { type: 'FixedInterval', fixedInterval: { seconds } },
    },
  }
}

const service = { name: 'r24-webhook', namespace: NAMESPACE, path: 'scale', port: PORT }
const url = `http://r24-webhook.${NAMESPACE}.svc:${PORT}/by-url`

async function asked({ command }: Stage, path: string): Promise<Asked[]> {
  const all = await command<Asked[]>('r24-webhook', '/memory')
  return all.filter((each) => each.path === path)
}

async function answer({ command }: Stage, status: number, scale: boolean, replicas: number): Promise<void> {
  await command('r24-webhook', '/answer', { with: JSON.stringify({ status, scale, replicas }) })
}

/** Row 24: what an autoscaler of the Webhook policy does. */
export function autoscalerRows(stage: () => Stage): void {
  row(
    stage,
    '24: a webhook is asked at once and then each interval; its number becomes the fleet’s; without scale the fleet keeps its servers; an error changes nothing',
    async (own) => {
      const { apply, fleet, ready, call, inState, until, history, cluster } = own
      const replicas = () => history.fleets.get(NAMESPACE, NAME)?.spec.replicas
      const able = () => history.autoscalers.get(NAMESPACE, NAME)?.status?.ableToScale
      await apply(...webhook(cluster.images.bailiwick), {
        ...fleet(NAME, undefined),
        metadata: { name: NAME, namespace: NAMESPACE, labels: { of: 'fleet' }, annotations: { 'agones-conf/of': 'fleet' } },
      })
      await until('the webhook to answer', () => answer(own, 200, true, 1).then(() => true))
      await apply(autoscaler(NAME, NAME, 1, { service }))
      const [server] = await ready(NAME, 1)
      expect(replicas()).toBe(1)
      const name = server?.metadata.name ?? ''
      await call(name, '/allocate')
      await inState(name, 'Allocated')
      const [last] = await until('to be told of the Allocated server', async () => {
        const told = (await asked(own, '/scale')).filter(({ body }) =>
          JSON.stringify(body.request.status).includes('"allocatedReplicas":1'),
        )
        return told.length > 0 && told
      })
      expect(last?.method).toBe('POST')
      expect(last?.body.request).toMatchObject({
        name: NAME,
        namespace: NAMESPACE,
        status: { replicas: 1, readyReplicas: 0, reservedReplicas: 0, allocatedReplicas: 1 },
        labels: { of: 'fleet' },
      })
      expect(last?.body.request.annotations).toMatchObject({ 'agones-conf/of': 'fleet' })
      expect(last?.body.response).toBeNull()
      await until('the autoscaler to be able', () => able() === true)

      await answer(own, 200, true, 0)
      await until('the fleet to be asked for none', () => replicas() === 0)
      expect(history.servers.get(NAMESPACE, name)?.status?.state).toBe('Allocated')
      await answer(own, 200, false, 0)
      await until('the fleet to be asked for what it has', () => replicas() === 1)

      await answer(own, 500, true, 5)
      await until('the autoscaler to be unable', () => able() === false)
      const refused = await until('two refused calls', async () => {
        const calls = (await asked(own, '/scale')).filter(({ answered }) => answered === 500)
        return calls.length >= 2 && calls
      })
      expect(refused.length).toBeGreaterThanOrEqual(2)
      expect(replicas()).toBe(1)
      const uids = (await asked(own, '/scale')).map(({ body }) => body.request.uid)
      expect(new Set(uids).size).toBe(uids.length)

      await answer(own, 200, true, 1)
      await apply(fleet('r24-url', 0), autoscaler('r24-url', 'r24-url', 3600, { url }))
      await until('the first call by URL, which does not wait for the interval', async () => (await asked(own, '/by-url')).length > 0)
      await until('the number of the first call', () => history.fleets.get(NAMESPACE, 'r24-url')?.spec.replicas === 1)
    },
  )
}
