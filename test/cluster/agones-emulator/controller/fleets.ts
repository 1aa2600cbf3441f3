import { isDeepStrictEqual } from 'node:util'
import { FLEET_LABEL } from '../names.ts'
import type { Fleet, GameServerSet } from '../types.ts'
import { defaultFleet, isFleetDefaulted } from './defaults.ts'
import { type FleetPlan, fleetStatus, planFleet } from './fleet-plan.ts'
import { controlledBy, type World } from './world.ts'

/** Gives a new set of a fleet's current template. */
export function setOfFleet(fleet: Fleet, replicas: number): GameServerSet {
  const { metadata } = fleet.spec.template
  const { allocationOverflow, scheduling, template } = fleet.spec
  return {
    apiVersion: 'agones.dev/v1',
    kind: 'GameServerSet',
    metadata: {
      ...metadata,
      name: '',
      generateName: `${fleet.metadata.name}-`,
      namespace: fleet.metadata.namespace ?? '',
      labels: { ...metadata?.labels, [FLEET_LABEL]: fleet.metadata.name },
      ownerReferences: [
        {
          apiVersion: 'agones.dev/v1',
          kind: 'Fleet',
          name: fleet.metadata.name,
          uid: fleet.metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      replicas,
      ...(allocationOverflow === undefined || allocationOverflow === null ? {} : { allocationOverflow }),
      ...(scheduling === undefined ? {} : { scheduling }),
      template,
    },
  }
}

/** Makes the handler of fleet keys: one set a template, sized by the update strategy, and the sum of their counts. */
export function fleetController(world: World): (key: string) => Promise<void> {
  async function shapeActive(fleet: Fleet, { active, activeReplicas }: FleetPlan): Promise<void> {
    if (active === undefined) {
      const made = await world.sets.create(setOfFleet(fleet, activeReplicas))
      world.tell(fleet, 'Normal', 'CreatingGameServerSet', `Created GameServerSet ${made.metadata.name}`)
      return
    }
    const { scheduling } = fleet.spec
    if (active.spec.replicas === activeReplicas && active.spec.scheduling === scheduling) return
    await world.sets.update({
      ...active,
      spec: { ...active.spec, replicas: activeReplicas, ...(scheduling === undefined ? {} : { scheduling }) },
    })
  }

  async function shape(fleet: Fleet, plan: FleetPlan): Promise<void> {
    for (const { set, replicas } of plan.resize) await world.sets.update({ ...set, spec: { ...set.spec, replicas } })
    for (const set of plan.remove) {
      await world.sets.remove(set)
      world.tell(fleet, 'Normal', 'DeletingGameServerSet', `Deleting inactive GameServerSet ${set.metadata.name}`)
    }
    await shapeActive(fleet, plan)
  }

  return async (key) => {
    const found = world.fleets.cache.get(key)
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) return
    const fleet = isFleetDefaulted(found) ? found : await world.fleets.update(defaultFleet(found))
    await shape(fleet, planFleet(fleet, controlledBy(fleet, world.sets.cache.list())))
    const status = fleetStatus(controlledBy(fleet, world.sets.cache.list()))
    if (!isDeepStrictEqual(fleet.status, status)) await world.fleets.updateStatus({ ...fleet, status })
  }
}
