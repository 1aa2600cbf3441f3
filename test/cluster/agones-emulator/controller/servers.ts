import { KubeError } from '../kube.ts'
import { ERRORED_AT_ANNOTATION, FINALIZER } from '../names.ts'
import type { GameServer, Pod } from '../types.ts'
import { defaultGameServer } from './defaults.ts'
import { nextStep, type Observed, type Step } from './gameserver-plan.ts'
import { gameServerPod } from './pod.ts'
import { choosePorts, portsHeld, portsWanted, withPorts } from './ports.ts'
import { stateOf } from './states.ts'
import { controlledBy, type World } from './world.ts'

/** More steps in a row than any life has; beyond them something goes in circles. */
const STEPS_AT_ONCE = 12

/** Makes the handler of game server keys: takes each server through its life, step by step. */
export function gameServerController(world: World, sidecarImage: string): (key: string) => Promise<void> {
  const reserved = new Map<string, number[]>()

  function observe(key: string): Observed | undefined {
    const server = world.servers.cache.get(key)
    if (server === undefined) return undefined
    const named = world.pods.cache.get(key)
    const [pod] = named === undefined ? [] : controlledBy(server, [named])
    const nodeName = pod?.spec.nodeName
    return { server, pod, node: nodeName === undefined ? undefined : world.nodes.cache.get(nodeName) }
  }

  async function allocatePorts(server: GameServer): Promise<void> {
    const uid = server.metadata.uid ?? ''
    const held = [...world.servers.cache.list().flatMap(portsHeld), ...[...reserved.values()].flat()]
    const nodes = world.nodes.cache.list().filter((node) => node.spec?.unschedulable !== true).length
    const chosen = choosePorts(portsWanted(server), held, nodes, Math.random)
    reserved.set(uid, chosen)
    try {
      const withHostPorts = withPorts(server, chosen)
      await world.servers.update({ ...withHostPorts, status: { ...withHostPorts.status, state: 'Creating' } })
      world.tell(server, 'Normal', 'PortAllocation', 'Port allocated')
    } finally {
      reserved.delete(uid)
    }
  }

  async function moveToError(server: GameServer, message: string): Promise<void> {
    const annotations = { ...server.metadata.annotations, [ERRORED_AT_ANNOTATION]: new Date().toISOString() }
    await world.servers.update({ ...server, metadata: { ...server.metadata, annotations }, status: { ...server.status, state: 'Error' } })
    world.tell(server, 'Warning', 'Error', message)
  }

  async function createPod(server: GameServer): Promise<void> {
    try {
      await world.pods.create(gameServerPod(server, sidecarImage))
      world.tell(server, 'Normal', 'Creating', `Pod ${server.metadata.name} created`)
    } catch (error) {
      if (!(error instanceof KubeError) || (error.code !== 403 && error.code !== 422)) throw error
      await moveToError(server, error.message)
    }
  }

  async function podMissing(server: GameServer): Promise<void> {
    const { namespace = '', name } = server.metadata
    try {
      world.pods.cache.observe(await world.pods.read(namespace, name))
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 404) throw error
      await world.servers.update({ ...server, status: { ...server.status, state: 'Unhealthy' } })
      world.tell(server, 'Warning', 'Unhealthy', 'Pod is missing')
    }
  }

  async function setState(server: GameServer, step: Extract<Step, { do: 'set-state' }>): Promise<void> {
    await world.servers.update({ ...server, status: { ...server.status, ...step.status, state: step.state } })
    world.tell(server, step.state === 'Unhealthy' ? 'Warning' : 'Normal', step.state, step.reason)
  }

  async function removeFinalizer(server: GameServer): Promise<void> {
    const finalizers = (server.metadata.finalizers ?? []).filter((name) => name !== FINALIZER)
    if (finalizers.length === server.metadata.finalizers?.length) return
    await world.servers.update({ ...server, metadata: { ...server.metadata, finalizers } })
  }

  async function perform(step: Step, server: GameServer, pod: Pod | undefined): Promise<void> {
    switch (step.do) {
      case 'default':
        await world.servers.update(defaultGameServer(server))
        return
      case 'allocate-ports':
        return allocatePorts(server)
      case 'create-pod':
        return createPod(server)
      case 'set-state':
        return setState(server, step)
      case 'pod-missing':
        return podMissing(server)
      case 'delete-pod':
        return pod === undefined ? undefined : world.pods.remove(pod)
      case 'delete-server':
        world.tell(server, 'Normal', stateOf(server), 'Deletion started')
        return world.servers.remove(server)
      case 'remove-finalizer':
        return removeFinalizer(server)
      case 'nothing':
        return
    }
  }

  return async (key) => {
    for (let count = 0; count < STEPS_AT_ONCE; count += 1) {
      const observed = observe(key)
      if (observed === undefined) return
      const step = nextStep(observed)
      if (step.do === 'nothing') return
      try {
        await perform(step, observed.server, observed.pod)
      } catch (error) {
        if (error instanceof KubeError && error.code === 404) return
        throw error
      }
      // A deletion answers with the watch, not with the object.
      if (step.do === 'delete-pod' || step.do === 'delete-server' || step.do === 'remove-finalizer') return
    }
    throw new Error(`game server ${key} took ${STEPS_AT_ONCE} steps without coming to rest`)
  }
}
