// What is compared with: a list and a watch of the same Zones, kept as a copy, and nothing done with it.
import { silentLog } from '../../../core/ports/log-port.ts'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { watchResource } from '../../../platform/kubernetes/watch-resource.ts'
import { withoutManagedFields } from '../../../platform/kubernetes/zones.ts'
import { zones } from '../../api-server/objects.ts'
import { serveCalls } from '../kit/served.ts'
import { loadEnvironment } from './environment.ts'

const client = new KubernetesClient(loadEnvironment().endpoint())

serveCalls({
  start: async () => {
    const signal = new AbortController().signal
    const watched = watchResource({ client, resource: zones(), log: silentLog, signal, select: withoutManagedFields, onChange: () => {} })
    await watched.synced
    return watched.cache.size
  },
})
