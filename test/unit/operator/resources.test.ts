import { describe, expect, test } from 'vitest'
import { dedicatedFleetName } from '../../../core/zone.ts'
import { type DedicatedObjects, dedicatedObjects, isCurrent } from '../../../operator/resources.ts'
import { facts, fleet, observed, zone } from './observed.ts'

const pod = {
  serviceAccountName: 'agones-sdk',
  nodeSelector: { zone: 'a' },
  containers: [
    { name: 'side', image: 's:1' },
    {
      name: 'zone-server',
      image: 'z:1',
      env: [
        { name: 'FLEET', value: 'base' },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      ],
      securityContext: { runAsNonRoot: true },
    },
  ],
}
const from = fleet('game/base', {
  spec: {
    replicas: 7,
    scheduling: 'Packed',
    allocationOverflow: { annotations: { 'bailiwick.dev/outdated': 'true' } },
    template: {
      metadata: { labels: { app: 'zs' } },
      spec: { container: 'zone-server', ports: [{ name: 'game' }], template: { metadata: { labels: { pod: 'x' } }, spec: pod } },
    },
  },
})
const autoscaler = {
  name: 'base',
  spec: { fleetName: 'base', policy: { type: 'Webhook', webhook: { service: { name: 'allocator' } } }, sync: { type: 'FixedInterval' } },
}

function made(overrides: Record<string, unknown> = {}, withAutoscaler = true, layers?: { max: number }): DedicatedObjects {
  const object = zone({ dedicated: { from: 'base', ...overrides }, ...(layers === undefined ? {} : { layers }) })
  const template = { id: 'game/base', fleet: from, autoscaler: withAutoscaler ? autoscaler : undefined } as const
  const objects = dedicatedObjects(observed({ zone: object, wanted: facts({ id: 'game/zone-meadow', fleet: undefined }), template }))
  if (objects === undefined) throw new Error('nothing was made')
  return objects
}

type Any = { [key: string]: Any } & Any[] & { env: { name: string; value?: string }[] }
const podOf = ({ fleet: object }: DedicatedObjects): Any => (object.spec as Any)['template']?.['spec']?.['template']?.['spec'] as Any

describe('the fleet of a dedicated zone', () => {
  test('a copy of the named one, owned by the zone, without a number of replicas', () => {
    const { fleet: object, autoscaler: scaler } = made()
    expect(object.metadata).toMatchObject({
      name: 'zone-meadow',
      namespace: 'game',
      ownerReferences: [{ kind: 'Zone', name: 'meadow', uid: 'u1', controller: true, blockOwnerDeletion: true }],
      annotations: { 'bailiwick.dev/spare': '0', 'bailiwick.dev/min': '0', 'bailiwick.dev/max': '2' },
    })
    expect(object.spec).toMatchObject({ scheduling: 'Packed', allocationOverflow: from.spec['allocationOverflow'] })
    expect(object.spec).not.toHaveProperty('replicas')
    expect(scaler).toMatchObject({
      kind: 'FleetAutoscaler',
      metadata: { name: 'zone-meadow' },
      spec: { ...autoscaler.spec, fleetName: 'zone-meadow' },
    })
  })

  test('its pods are those of the copied fleet but for one layer each, the name of their fleet, and the overrides', () => {
    const spec = podOf(
      made({
        resources: { limits: { cpu: 1 } },
        nodeSelector: { disk: 'fast' },
        tolerations: [{ key: 'game' }],
        affinity: { podAffinity: {} },
        priorityClassName: 'high',
      }),
    )
    expect(spec).toMatchObject({
      serviceAccountName: 'agones-sdk',
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'game' }],
      affinity: { podAffinity: {} },
      priorityClassName: 'high',
    })
    expect(spec['containers']?.[0]).toEqual(pod.containers[0])
    expect(spec['containers']?.[1]).toEqual({
      ...pod.containers[1],
      resources: { limits: { cpu: '1' } },
      env: [pod.containers[1]?.env?.[1], { name: 'CAPACITY', value: '1' }, { name: 'FLEET', value: 'zone-meadow' }],
    })
  })

  test('what is not overridden stays', () => {
    expect(podOf(made())).toMatchObject({ nodeSelector: { zone: 'a' } })
    expect(podOf(made())).not.toHaveProperty('tolerations')
  })

  test('a fleet without autoscaler is copied with a fixed size: a host for each layer', () => {
    const { fleet: object, autoscaler: scaler } = made({}, false, { max: 3 })
    expect([object.spec['replicas'], scaler]).toEqual([3, undefined])
  })

  test('it is current until something that it is made from changes', () => {
    const annotations = (objects: DedicatedObjects) => fleet('game/zone-meadow', { annotations: objects.fleet.metadata.annotations ?? {} })
    const existing = annotations(made())
    expect(isCurrent(existing, autoscaler, made())).toBe(true)
    expect(isCurrent(undefined, autoscaler, made())).toBe(false)
    expect(isCurrent(existing, undefined, made())).toBe(false)
    expect(isCurrent(existing, autoscaler, made({ priorityClassName: 'high' }))).toBe(false)
    expect(isCurrent(existing, autoscaler, made({}, true, { max: 4 }))).toBe(false)
  })

  test('names stay short enough for the names of their pods, and apart', () => {
    const long = 'm'.repeat(63)
    expect(dedicatedFleetName('meadow')).toBe('zone-meadow')
    expect(dedicatedFleetName(long).length).toBeLessThanOrEqual(50)
    expect(dedicatedFleetName(long)).not.toBe(dedicatedFleetName(`${long.slice(1)}n`))
  })
})
