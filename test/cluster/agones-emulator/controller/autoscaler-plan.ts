import type { Fleet, FleetAutoscaler, WebhookPolicy } from '../types.ts'

const DEFAULT_INTERVAL_SECONDS = 30
const DEFAULT_PORT = 8000

export type AutoscalerStatus = NonNullable<FleetAutoscaler['status']>

/** Gives the pause between two calls in milliseconds. */
export function intervalMs(autoscaler: FleetAutoscaler): number {
  return (autoscaler.spec.sync?.fixedInterval?.seconds ?? DEFAULT_INTERVAL_SECONDS) * 1000
}

/** Gives the webhook's address. Throws when the policy names none, or two. */
export function webhookUrl(policy: WebhookPolicy): URL {
  if (policy.url !== undefined && policy.service !== undefined) throw new Error('service and URL cannot be used simultaneously')
  if (policy.url !== undefined) return new URL(policy.url)
  if (policy.service === undefined) throw new Error('service was not provided, either URL or Service must be provided')
  const { name, namespace, path, port } = policy.service
  const scheme = policy.caBundle === undefined ? 'http' : 'https'
  const url = new URL(`${scheme}://${name}.${namespace}.svc:${port ?? DEFAULT_PORT}`)
  url.pathname = path ?? ''
  return url
}

/** Gives the body of a call about a fleet. */
export function reviewRequest(fleet: Fleet, uid: string): object {
  const { name, namespace, labels, annotations } = fleet.metadata
  const status = fleet.status ?? {}
  const counts = {
    replicas: status.replicas ?? 0,
    readyReplicas: status.readyReplicas ?? 0,
    reservedReplicas: status.reservedReplicas ?? 0,
    allocatedReplicas: status.allocatedReplicas ?? 0,
  }
  return { request: { uid, name, namespace, status: counts, labels, annotations }, response: null }
}

/**
 * Gives the size that an answer asks for; without `scale` it is the number of servers that there are now. Throws when the answer
 * has no response: the controller that this one stands in for ends itself then.
 */
export function wantedReplicas(answer: unknown, fleet: Fleet): number {
  const response = (answer as { response?: { scale?: boolean; replicas?: number } | null } | null)?.response
  if (response === undefined || response === null) throw new Error('the answer has no response')
  return response.scale === true ? (response.replicas ?? 0) : (fleet.status?.replicas ?? 0)
}

/** Gives the status after a call that worked. */
export function statusAfter(autoscaler: FleetAutoscaler, fleet: Fleet, wanted: number, now: Date): AutoscalerStatus {
  const scaled = wanted !== (fleet.spec.replicas ?? 0)
  return {
    ...autoscaler.status,
    ableToScale: true,
    scalingLimited: false,
    currentReplicas: fleet.status?.replicas ?? 0,
    desiredReplicas: wanted,
    lastAppliedPolicy: autoscaler.spec.policy.type,
    ...(scaled ? { lastScaleTime: now.toISOString() } : {}),
  }
}

/** Gives the status after a call that failed. */
export function statusUnable(autoscaler: FleetAutoscaler): AutoscalerStatus {
  return {
    ...autoscaler.status,
    ableToScale: false,
    scalingLimited: false,
    currentReplicas: 0,
    desiredReplicas: 0,
    lastAppliedPolicy: '',
  }
}
