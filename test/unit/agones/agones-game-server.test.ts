import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { GameServerPort, GameServerView } from '../../../core/ports/game-server-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { SDK_CALL_DEADLINE } from '../../../core/timing.ts'
import { createAgonesGameServer } from '../../../platform/agones/index.ts'
import { type SidecarDouble, startSidecar } from './sidecar-double.ts'

let sidecar: SidecarDouble
let gameServer: GameServerPort
let seen: GameServerView[]

beforeEach(async () => {
  sidecar = await startSidecar()
  gameServer = createAgonesGameServer({ log: silentLog, port: sidecar.port })
  seen = []
})

afterEach(async () => {
  await gameServer.close()
  await sidecar.close()
})

const until = (holds: () => boolean): Promise<void> => vi.waitFor(() => expect(holds()).toBe(true), { timeout: 15_000, interval: 10 })

async function watched(): Promise<void> {
  await gameServer.watch((server) => seen.push(server))
  await until(() => seen.length > 0)
}

describe('the Agones game server', () => {
  it('shows the current state first, then each change', async () => {
    await watched()
    sidecar.show({ state: 'Allocated', address: '203.0.113.9', port: 7012, annotations: { 'bailiwick.dev/outdated': 'true' } })
    await until(() => seen.length > 1)
    expect(seen).toEqual([
      {
        name: 'zone-servers-x7k2p',
        namespace: 'game',
        state: 'Scheduled',
        address: '',
        ports: [],
        deleting: false,
        labels: { 'agones.dev/fleet': 'zone-servers' },
        annotations: {},
      },
      {
        name: 'zone-servers-x7k2p',
        namespace: 'game',
        state: 'Allocated',
        address: '203.0.113.9',
        ports: [{ name: 'game', port: 7012 }],
        deleting: false,
        labels: { 'agones.dev/fleet': 'zone-servers' },
        annotations: { 'bailiwick.dev/outdated': 'true' },
      },
    ])
    sidecar.show({ state: 'Allocated', deleting: true })
    await until(() => seen.at(-1)?.deleting === true)
  })

  it('passes wishes on', async () => {
    await watched()
    await gameServer.ready()
    await gameServer.allocate()
    await gameServer.setAnnotation('key', 'value')
    await gameServer.shutdown()
    expect(sidecar.calls).toEqual(['ready', 'allocate', 'setAnnotation', 'shutdown'])
  })

  const breaks = [
    { name: 'a watch that fails', broken: () => sidecar.failWatches() },
    { name: 'a watch that ends', broken: () => sidecar.endWatches() },
    { name: 'a health call that the sidecar ends', broken: () => sidecar.endHealth() },
  ]
  for (const { name, broken } of breaks) {
    it(`${name}: watching, pinging and calling go on`, async () => {
      await watched()
      gameServer.health()
      await until(() => sidecar.pings() === 1)
      const states = seen.length
      broken()
      await until(() => seen.length > states && sidecar.watches() === 1)
      gameServer.health()
      await until(() => sidecar.pings() > 1)
      sidecar.show({ state: 'Shutdown' })
      await until(() => seen.at(-1)?.state === 'Shutdown')
      await gameServer.ready()
      expect(sidecar.calls).toEqual(['ready'])
    })
  }

  it('a sidecar that goes away and comes back: calls say so, pings do no harm, then all goes on', async () => {
    await watched()
    await sidecar.close()
    await until(() => {
      gameServer.health()
      return true
    })
    await vi.waitFor(() => expect(gameServer.ready()).rejects.toMatchObject({ code: 'Unreachable' }), { timeout: 15_000 })
    const states = seen.length
    sidecar = await startSidecar(Number(sidecar.port))
    await until(() => seen.length > states)
    await gameServer.ready()
    expect(sidecar.calls).toEqual(['ready'])
  })

  it('a call without an answer is given up, and the connection made anew', async () => {
    await watched()
    sidecar.mute = true
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const asked = expect(gameServer.allocate()).rejects.toMatchObject({ code: 'Unreachable' })
      await vi.advanceTimersByTimeAsync(SDK_CALL_DEADLINE)
      await asked
    } finally {
      vi.useRealTimers()
    }
  })

  it('calls before the watch, and after the end, are refused', async () => {
    await expect(gameServer.ready()).rejects.toMatchObject({ code: 'Unreachable' })
    gameServer.health()
    await watched()
    await gameServer.close()
    gameServer.health()
    await expect(gameServer.ready()).rejects.toMatchObject({ code: 'Unreachable' })
  })
})
