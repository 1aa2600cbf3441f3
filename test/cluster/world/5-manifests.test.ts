import { beforeAll, describe, expect, it } from 'vitest'
import { validateZone } from '../../../core/zone-validation.ts'
import { copyFleet, fleet, game, inPhase, square, useWorld, type World } from './release.ts'

let world: World

beforeAll(async () => {
  world = await useWorld()
})

const bounds = square(100)
/** A bad manifest's spec, and what the refusal must say. */
const bad: readonly (readonly [string, object, RegExp])[] = [
  ['no bounds', {}, /bounds/],
  ['bounds the wrong way round', { bounds: { min: { x: 10, y: 0 }, max: { x: 0, y: 10 } } }, /bounds/],
  ['bounds beyond the plane', { bounds: square(3_000_000) }, /bounds/],
  ['max below min', { bounds, layers: { min: 3, max: 2 } }, /spec\.layers\.max/],
  ['fleet and dedicated', { bounds, fleet, dedicated: { from: fleet } }, /spec\.fleet and spec\.dedicated/],
  ['a duration that can not be read', { bounds, idleAfter: 'soon' }, /spec\.idleAfter/],
  ['a snapshot interval of nothing', { bounds, snapshotEvery: '0s' }, /spec\.snapshotEvery/],
  ['an unknown activation', { bounds, activation: 'Sometimes' }, /spec\.activation/],
  ['a tick rate out of range', { bounds, tickRate: 1_000 }, /spec\.tickRate/],
  ['a misspelled field', { bounds, idelAfter: '5m' }, /idelAfter/],
  ['a fleet that can not be a name', { bounds, fleet: 'Not A Name' }, /spec\.fleet/],
  ['an unknown retention', { bounds, retention: 'Maybe' }, /spec\.retention/],
]

describe('5. manifests', () => {
  it.each(bad)('refuses %s', async (_name, spec, sentence) => {
    await expect(world.applyZone('bad', spec)).rejects.toThrow(sentence)
    // The embedded world, without an API server, refuses the same.
    const problems = validateZone({ apiVersion: 'bailiwick.dev/v1alpha1', kind: 'Zone', metadata: { name: 'bad', namespace: game }, spec })
    expect(problems.map(({ message }) => message).join('; ')).toMatch(sentence)
  })

  it('refuses shrinking bounds and takes growing ones', async () => {
    await world.applyZone('growing', { bounds: square(100) })
    await expect(world.applyZone('growing', { bounds: square(50) })).rejects.toThrow(/bounds/)
    await world.applyZone('growing', { bounds: square(150) })
    await world.deleteZone('growing')
  })

  it('a zone whose fleet does not exist says so, and recovers when it appears', async () => {
    await world.applyZone('orphan', { activation: 'Always', bounds: square(100), fleet: 'later' })
    const waiting = await world.cluster.waitFor('the condition', async () => {
      const accepted = (await world.zone('orphan')).status?.conditions?.find(({ type }) => type === 'Accepted')
      return accepted?.status === 'False' ? accepted : undefined
    })
    expect(waiting).toMatchObject({ reason: 'FleetNotFound' })
    expect(waiting.message).toMatch(/later/)
    await copyFleet(world, 'later')
    const zone = await inPhase(world, 'orphan', 'Running')
    expect(zone.status?.fleet).toBe('later')
    await world.deleteZone('orphan')
    await world.cluster.kubectl('-n', game, 'delete', 'fleetautoscaler/later', 'fleet/later')
  })

  it('a dedicated zone gets a Fleet of its own, which goes with it', async () => {
    await world.applyZone('castle', {
      activation: 'Always',
      bounds: square(100),
      dedicated: { from: fleet, resources: { requests: { cpu: '110m', memory: '100Mi' } } },
    })
    const zone = await inPhase(world, 'castle', 'Running')
    expect(zone.status?.fleet).toBe('zone-castle')
    const made = await world.cluster.kubectlJson<{ metadata: { ownerReferences: { name: string }[] }; spec: object }>(
      '-n',
      game,
      'get',
      'fleet',
      'zone-castle',
    )
    expect(made.metadata.ownerReferences).toMatchObject([{ kind: 'Zone', name: 'castle' }])
    expect(JSON.stringify(made.spec)).toContain('110m')
    await world.deleteZone('castle')
    await world.cluster.waitFor(
      'the fleet to be gone',
      async () => !(await world.cluster.kubectl('-n', game, 'get', 'fleets', '-o', 'name')).includes('zone-castle'),
      {
        timeoutMs: 60_000,
      },
    )
  })

  it('kubectl scale changes the number of layers', async () => {
    await world.applyZone('field', { activation: 'Always', idleAfter: '2s', bounds: square(100), layers: { min: 1, max: 3 } })
    await inPhase(world, 'field', 'Running')
    await world.cluster.kubectl('-n', game, 'scale', 'zone', 'field', '--replicas=2')
    await world.cluster.waitFor('two layers', async () => (await world.zone('field')).status?.layerCount === 2, { timeoutMs: 60_000 })
    await world.cluster.kubectl('-n', game, 'scale', 'zone', 'field', '--replicas=1')
    await world.cluster.waitFor('one layer', async () => (await world.zone('field')).status?.layerCount === 1, { timeoutMs: 60_000 })
    await world.deleteZone('field')
  })
})
