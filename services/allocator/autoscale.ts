import { capacityWritten, desiredReplicas, fleetBounds, retireAfter } from '../../core/capacity.ts'
import { fleetId, label } from '../../core/ids.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import { z } from '../../core/validate/index.ts'

const count = z.int().min(0).max(1_000_000)
const labels = z.record(z.string(), z.string()).nullish()

/** What Agones asks. Other releases may send more: what is not known here is passed over, and sent back as it came. */
export const autoscaleReview = z.looseObject({
  request: z.looseObject({
    uid: z.string().min(1).max(128),
    name: z.string().regex(label),
    namespace: z.string().regex(label),
    status: z.looseObject({ replicas: count, readyReplicas: count, reservedReplicas: count, allocatedReplicas: count }),
    labels,
    annotations: labels,
  }),
})

export const autoscaleAnswer = z.looseObject({
  request: z.looseObject({}),
  response: z.strictObject({ uid: z.string(), scale: z.literal(true), replicas: count }),
})

/**
 * How many game servers the fleet shall have: always an absolute number with `scale: true`, because Agones takes `scale: false` for a wish, too. The number is a function of the index
 * as it is now, so that a call that comes twice or late does no harm. Throws IndexUnavailable without a view of the index: the 503 leaves the fleet as it is.
 */
export async function autoscale(index: ZoneIndex, review: z.output<typeof autoscaleReview>): Promise<z.output<typeof autoscaleAnswer>> {
  const { uid, name, namespace, status } = review.request
  const annotations = review.request.annotations ?? {}
  const bounds = fleetBounds(annotations)
  const allocated = status.allocatedReplicas + status.reservedReplicas
  const capacity = capacityWritten(annotations)
  const asked = { ...bounds, emptyAfterMs: retireAfter(annotations), allocated, ...(capacity === undefined ? {} : { capacity }) }
  const counts = await index.autoscale(fleetId(namespace, name), asked)
  return { request: review.request, response: { uid, scale: true, replicas: desiredReplicas(counts, bounds, status.replicas, allocated) } }
}
