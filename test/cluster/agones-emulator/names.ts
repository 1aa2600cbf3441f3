/** Names and fixed times of Agones 1.57 that others can see. */

export const AGONES_GROUP = 'agones.dev'
export const AUTOSCALING_GROUP = 'autoscaling.agones.dev'
export const AGONES_VERSION = '1.57.0'

export const FINALIZER = 'agones.dev/controller'
export const ROLE_LABEL = 'agones.dev/role'
export const GAMESERVER_LABEL = 'agones.dev/gameserver'
export const FLEET_LABEL = 'agones.dev/fleet'
export const GAMESERVERSET_LABEL = 'agones.dev/gameserverset'
export const SAFE_TO_EVICT_LABEL = 'agones.dev/safe-to-evict'
export const SAFE_TO_EVICT_ANNOTATION = 'cluster-autoscaler.kubernetes.io/safe-to-evict'
export const CONTAINER_ANNOTATION = 'agones.dev/container'
export const VERSION_ANNOTATION = 'agones.dev/sdk-version'
export const DEV_ADDRESS_ANNOTATION = 'agones.dev/dev-address'
export const ERRORED_AT_ANNOTATION = 'agones.dev/errored-at'
export const LAST_ALLOCATED_ANNOTATION = 'agones.dev/last-allocated'
export const SDK_METADATA_PREFIX = 'agones.dev/sdk-'

export const SIDECAR_NAME = 'agones-gameserver-sidecar'
export const SDK_SERVICE_ACCOUNT = 'agones-sdk'
export const SAFE_TO_EVICT_BUDGET = 'agones-gameserver-safe-to-evict-false'
export const HEALTH_PORT = 8080
export const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'

export const MIN_PORT = 7000
export const MAX_PORT = 8000

/** A server in Error is kept so long before its set deletes it, in milliseconds. */
export const ERROR_KEPT_MS = 30_000
/** The sidecar writes to the API server so long after a call, in milliseconds. */
export const SDK_WRITE_DELAY_MS = 500
/** An autoscaler's webhook has so long to answer, in milliseconds. */
export const WEBHOOK_TIMEOUT_MS = 15_000
/** Agones' queues: a fleet, a set whose size was changed, or an autoscaler is looked at so long after it was told of, in milliseconds. A set hears of its servers at once. */
export const QUEUE_DELAY_MS = 200
/** Agones is told of everything again so often, in milliseconds. */
export const RESYNC_EVERY_MS = 30_000
