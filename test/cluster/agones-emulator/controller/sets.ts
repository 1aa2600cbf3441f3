import { isDeepStrictEqual } from 'node:util'
import { FLEET_LABEL, GAMESERVERSET_LABEL } from '../names.ts'
import type { KeyQueue } from '../queue.ts'
import type { GameServer, GameServerSet, OwnerReference } from '../types.ts'
import { defaultGameServer } from './defaults.ts'
import { nodeFill, overflowServers, planSet, withOverflow } from './set-plan.ts'
import { controlledBy, type World } from './world.ts'

/** Gives a new server of a set, complete, as its first write. */
export function serverOfSet(set: GameServerSet): GameServer {
  const { metadata, spec } = set.spec.template
  const owner: OwnerReference = {
    apiVersion: 'agones.dev/v1',
    kind: 'GameServerSet',
    name: set.metadata.name,
    uid: set.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
  const labels = {
    ...metadata?.labels,
    [GAMESERVERSET_LABEL]: set.metadata.name,
    [FLEET_LABEL]: set.metadata.labels?.[FLEET_LABEL] ?? '',
  }
  return defaultGameServer({
    apiVersion: 'agones.dev/v1',
    kind: 'GameServer',
    metadata: {
      ...metadata,
      name: '',
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace ?? '',
      labels,
      ownerReferences: [...(metadata?.ownerReferences ?? []), owner],
    },
    spec: { ...spec, ...(set.spec.scheduling === undefined ? {} : { scheduling: set.spec.scheduling }) },
  })
}

/** Makes the handler of set keys: as many servers as asked for, marks on those beyond the set's share, and counts. */
export function setController(world: World, queue: () => KeyQueue): (key: string) => Promise<void> {
  async function remove(server: GameServer): Promise<void> {
    await world.servers.update({ ...server, status: { ...server.status, state: 'Shutdown' } })
  }

  return async (key) => {
    const set = world.sets.cache.get(key)
    if (set === undefined) return
    const all = world.servers.cache.list()
    const servers = controlledBy(set, all)
    const fill = nodeFill(all)
    const plan = planSet(set, servers, fill, Date.now())
    const writes = [
      ...Array.from({ length: plan.create }, () => world.servers.create(serverOfSet(set))),
      ...plan.delete.map(remove),
      ...overflowServers(set, servers, fill).map((server) => world.servers.update(withOverflow(server, set))),
    ]
    const failed = (await Promise.allSettled(writes)).find((result) => result.status === 'rejected')
    if (!isDeepStrictEqual(set.status, plan.status)) {
      const current = world.sets.cache.get(key) ?? set
      await world.sets.updateStatus({ ...current, status: plan.status })
    }
    if (failed !== undefined) throw failed.reason
    if (plan.againAfterMs !== undefined) queue().addAfter(key, plan.againAfterMs)
  }
}
