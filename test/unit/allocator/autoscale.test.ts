import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { layerId } from '../../../core/ids.ts'
import type { HostRegistration, ZoneIndex } from '../../../core/ports/index-port.ts'
import { HEARTBEAT_EVERY, RETIRE_EMPTY_AFTER, STRAY_AFTER } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { fleet } from '../client/doubles/index-host.ts'
import { allocatorStage } from './stage.ts'

interface Annotations {
  readonly [key: string]: string
}

function review(allocatedReplicas: number, annotations?: Annotations): object {
  const status = { replicas: allocatedReplicas, readyReplicas: 0, reservedReplicas: 0, allocatedReplicas, somethingNew: 7 }
  return {
    request: { uid: 'uid-9', name: 'zone-servers', namespace: 'game', status, labels: null, annotations: annotations ?? null, more: ['x'] },
    response: null,
    later: true,
  }
}

function registration(name: string): HostRegistration {
  return { name, incarnation: `${name}-1`, node: 'n1', endpoints: [`${name}:7000`], capacity: 4 }
}

/** Lets `ms` pass with heartbeats of these hosts, as a real clock would. */
async function pass(index: ZoneIndex, clock: ManualClock, ms: number, hosts: readonly string[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += HEARTBEAT_EVERY) {
    clock.advance(HEARTBEAT_EVERY)
    for (const host of hosts) await index.heartbeat(fleet, { host, incarnation: `${host}-1`, outdated: false, layers: [] })
  }
}

async function stageAt(clock: ManualClock) {
  const index = createMemoryIndex({ clock })
  onTestFinished(() => index.close())
  const stage = await allocatorStage({ index })
  const ask = async (allocated: number, annotations?: Annotations): Promise<number> => {
    const answer = await stage.autoscale(review(allocated, annotations))
    expect(answer.status).toBe(200)
    const body = (await answer.json()) as { readonly response: { readonly replicas: number } }
    expect(body.response).toEqual({ uid: 'uid-9', scale: true, replicas: expect.any(Number) })
    return body.response.replicas
  }
  return { stage, index, ask }
}

describe('FleetAutoscaler webhook', () => {
  it('gives the request back as it came, with an absolute number', async () => {
    const { stage } = await stageAt(new ManualClock())
    const answer = await stage.autoscale(review(0))
    expect(await answer.json()).toEqual({
      request: (review(0) as { request: object }).request,
      response: { uid: 'uid-9', scale: true, replicas: 1 },
    })
  })

  it('takes all that may be annotated on a Fleet', async () => {
    const { ask } = await stageAt(new ManualClock())
    const applied = JSON.stringify({ env: 'x'.repeat(250_000) })
    expect(await ask(0, { 'kubectl.kubernetes.io/last-applied-configuration': applied, 'bailiwick.dev/spare': '2' })).toBe(2)
  })

  it('an empty fleet has its spare; 0 is an answer', async () => {
    const { ask } = await stageAt(new ManualClock())
    expect(await ask(0)).toBe(1)
    expect(await ask(0, { 'bailiwick.dev/spare': '0' })).toBe(0)
    expect(await ask(0, { 'bailiwick.dev/spare': '3' })).toBe(3)
    expect(await ask(0, { 'bailiwick.dev/spare': '3', 'bailiwick.dev/max': '2' })).toBe(2)
    expect(await ask(0, { 'bailiwick.dev/spare': '0', 'bailiwick.dev/min': '2' })).toBe(2)
  })

  it('a wish asks for a host, and a call that comes twice asks for the same', async () => {
    const { index, ask } = await stageAt(new ManualClock())
    await index.placeLayer(fleet, 'game/meadow/0')
    expect(await ask(0, { 'bailiwick.dev/spare': '0' })).toBe(1)
    expect(await ask(0, { 'bailiwick.dev/spare': '0' })).toBe(1)
  })

  it('servers that are allocated but not in the index are not taken for room', async () => {
    const clock = new ManualClock()
    const { index, ask } = await stageAt(clock)
    await index.registerHost(fleet, registration('a'))
    await index.placeLayer(fleet, 'game/meadow/0')
    expect(await ask(1)).toBe(2)
    // They may be about to register, …
    expect(await ask(4)).toBe(4)
    await pass(index, clock, STRAY_AFTER, ['a'])
    // … but not for so long.
    expect(await ask(4)).toBe(5)
    // One call that comes late or out of order, and the next.
    expect(await ask(1)).toBe(2)
    expect(await ask(4)).toBe(4)
  })

  it('retires what is empty beyond the spare after a while, and the number falls as they give themselves back', async () => {
    const clock = new ManualClock()
    const { index, ask } = await stageAt(clock)
    for (const host of ['a', 'b', 'c']) await index.registerHost(fleet, registration(host))
    expect(await ask(3)).toBe(3)
    expect((await index.fleetView(fleet)).hosts.map((host) => host.state)).toEqual(['Ready', 'Ready', 'Ready'])
    await pass(index, clock, RETIRE_EMPTY_AFTER + HEARTBEAT_EVERY, ['a', 'b', 'c'])
    expect(await ask(3)).toBe(3)
    const states = (await index.fleetView(fleet)).hosts.map((host) => host.state)
    expect(states.filter((state) => state === 'Retiring').length).toBe(2)
    // Ready servers are taken before any that is Allocated is marked.
    expect(await ask(2)).toBe(2)
    expect(await ask(1)).toBe(1)
  })

  it('a fleet that never had a host goes by the capacity that is written on it', async () => {
    const { index, ask } = await stageAt(new ManualClock())
    for (let n = 0; n < 8; n++) await index.placeLayer(fleet, layerId('game/meadow', n))
    const spare = { 'bailiwick.dev/spare': '0' }
    expect(await ask(0, { ...spare, 'bailiwick.dev/capacity': '4' })).toBe(2)
    expect(await ask(0, { ...spare, 'bailiwick.dev/capacity': 'many' })).toBe(8)
  })

  it('retire-after is read from the fleet', async () => {
    const clock = new ManualClock()
    const { index, ask } = await stageAt(clock)
    await index.registerHost(fleet, registration('a'))
    await pass(index, clock, 2 * HEARTBEAT_EVERY, ['a'])
    const spare = { 'bailiwick.dev/spare': '0' }
    await ask(1, { ...spare, 'bailiwick.dev/retire-after': '1h' })
    expect((await index.fleetView(fleet)).hosts[0]?.state).toBe('Ready')
    await ask(1, { ...spare, 'bailiwick.dev/retire-after': '500ms' })
    expect((await index.fleetView(fleet)).hosts[0]?.state).toBe('Retiring')
  })

  it('retires nothing below the minimum, which would only be replaced', async () => {
    const clock = new ManualClock()
    const { index, ask } = await stageAt(clock)
    for (const host of ['a', 'b']) await index.registerHost(fleet, registration(host))
    await pass(index, clock, RETIRE_EMPTY_AFTER + HEARTBEAT_EVERY, ['a', 'b'])
    expect(await ask(2, { 'bailiwick.dev/spare': '0', 'bailiwick.dev/min': '2' })).toBe(2)
    expect((await index.fleetView(fleet)).hosts.map((host) => host.state)).toEqual(['Ready', 'Ready'])
  })

  it('occupied hosts count for the minimum: none is kept idle beside them', async () => {
    const clock = new ManualClock()
    const { index, ask } = await stageAt(clock)
    for (const host of ['a', 'b']) await index.registerHost(fleet, { ...registration(host), capacity: 1 })
    const layers = [{ layer: 'game/meadow/0', generation: 1, epoch: 1, state: 'Serving', players: 0, dataSafe: true }] as const
    await index.placeLayer(fleet, 'game/meadow/0')
    for (let passed = 0; passed < RETIRE_EMPTY_AFTER + HEARTBEAT_EVERY; passed += HEARTBEAT_EVERY) {
      clock.advance(HEARTBEAT_EVERY)
      await index.heartbeat(fleet, { host: 'a', incarnation: 'a-1', outdated: false, layers })
      await index.heartbeat(fleet, { host: 'b', incarnation: 'b-1', outdated: false, layers: [] })
    }
    expect(await ask(2, { 'bailiwick.dev/spare': '0', 'bailiwick.dev/min': '1' })).toBe(2)
    expect((await index.fleetView(fleet)).hosts.map((host) => host.state)).toEqual(['Ready', 'Retiring'])
  })

  it('without a view of the index it answers 503, which leaves the fleet as it is', async () => {
    const { stage, index } = await stageAt(new ManualClock())
    await index.close()
    const answer = await stage.autoscale(review(3))
    expect(answer.status).toBe(503)
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    expect(await answer.json()).toMatchObject({ code: 'IndexUnavailable' })
  })

  it('is not to be reached on the public port', async () => {
    const { stage } = await stageAt(new ManualClock())
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${stage.url}/autoscale`, { method: 'POST', headers, body: JSON.stringify(review(1)) })
    expect(answer.status).toBe(404)
    expect((await fetch(`${stage.url}/metrics`)).status).toBe(404)
  })
})
