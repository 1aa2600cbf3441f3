import { LEASE_RETRY_EVERY } from '../../core/timing.ts'
import type { KubernetesClient } from './client.ts'
import type { LeaseStore } from './leader-election.ts'
import type { LeaseRecord } from './lease.ts'
import { isRecord, type KubernetesObject, type Resource } from './objects.ts'

/** A Lease object of coordination.k8s.io. Its calls give up after LEASE_RETRY_EVERY, so that a renewal can be tried again in time. */
export function leaseObject(client: KubernetesClient, namespace: string, name: string): LeaseStore {
  const resource: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespace }
  const hurried = client.withDeadline(LEASE_RETRY_EVERY)
  return {
    async read() {
      const found = await hurried.get(resource, name)
      return found === undefined ? undefined : { record: recordOf(found), version: found.metadata.resourceVersion ?? '' }
    },
    async write(record, version) {
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace, ...(version === undefined ? {} : { resourceVersion: version }) },
        spec: { ...record, acquireTime: micro(record.acquireTime), renewTime: micro(record.renewTime) },
      }
      const written = version === undefined ? await hurried.create(resource, body) : await hurried.replace(resource, name, body)
      return written.metadata.resourceVersion ?? ''
    },
  }
}

function recordOf(lease: KubernetesObject): LeaseRecord {
  const spec = isRecord(lease['spec']) ? lease['spec'] : {}
  const text = (key: string): string => (typeof spec[key] === 'string' ? spec[key] : '')
  const number = (key: string): number => (typeof spec[key] === 'number' ? spec[key] : 0)
  return {
    holderIdentity: text('holderIdentity'),
    leaseDurationSeconds: number('leaseDurationSeconds'),
    acquireTime: text('acquireTime'),
    renewTime: text('renewTime'),
    leaseTransitions: number('leaseTransitions'),
  }
}

/** Kubernetes wants microseconds here. */
function micro(time: string): string {
  return time.replace(/(\.\d{3})Z$/, '$1000Z')
}
