import type { Cluster } from './harness.ts'

export interface ChartOptions {
  /** Where hosts run. */
  hostNamespaces: string[]
  /** A database of the store for this release alone. */
  database: string
  /** A database number of Redis for this release alone. */
  redisDatabase: number
  capacity?: number
  spare?: number
}

/** Values of the chart that fit the test cluster: its image, its Redis and MongoDB, small requests. */
export function chartValues(cluster: Cluster, options: ChartOptions): Record<string, unknown> {
  const { repository, tag } = splitImage(cluster.images.bailiwick)
  return {
    image: { repository, tag, pullPolicy: 'IfNotPresent' },
    redis: { url: `${cluster.redisUrl}/${options.redisDatabase}` },
    mongodb: { url: cluster.mongoUrl, database: options.database },
    operator: small,
    allocator: small,
    auth: small,
    characters: small,
    hosts: {
      namespaces: options.hostNamespaces,
      capacity: options.capacity ?? 4,
      spare: options.spare ?? 1,
      resources: { requests: { cpu: '50m', memory: '64Mi' } },
    },
  }
}

const small = { resources: { requests: { cpu: '10m', memory: '64Mi' } } }

function splitImage(image: string): { repository: string; tag: string } {
  const colon = image.lastIndexOf(':')
  if (colon <= image.lastIndexOf('/')) throw new Error(`the image ${image} has no tag`)
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) }
}
