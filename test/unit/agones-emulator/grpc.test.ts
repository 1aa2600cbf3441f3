import { createRequire } from 'node:module'
import { Client, credentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serveGrpc } from '../../cluster/agones-emulator/sidecar/grpc.ts'
import { InvalidArgument, type SdkService, type Watcher } from '../../cluster/agones-emulator/sidecar/service.ts'
import type { GameServer } from '../../cluster/agones-emulator/types.ts'

interface SeenServer {
  objectMeta: { name: string; creationTimestamp: number; deletionTimestamp: number; annotationsMap: [string, string][] }
  spec: { health: { periodSeconds: number } }
  status: { state: string; address: string; portsList: { name: string; port: number }[] }
}

interface SdkClient {
  connect(): Promise<void>
  close(): void
  ready(): Promise<unknown>
  reserve(seconds: number): Promise<unknown>
  health(onError: (error: unknown) => void): void
  setAnnotation(key: string, value: string): Promise<unknown>
  getGameServer(): Promise<SeenServer>
  watchGameServer(onServer: (server: SeenServer) => void, onError: (error: unknown) => void): void
}

const AgonesSdk: new () => SdkClient = createRequire(import.meta.url)('@google-cloud/agones-sdk')

const server: GameServer = {
  metadata: {
    name: 'host-1',
    namespace: 'game',
    resourceVersion: '7',
    generation: 3,
    creationTimestamp: '2026-01-02T03:04:05Z',
    annotations: { 'agones.dev/sdk-a': 'ä' },
  },
  spec: { template: {}, health: { periodSeconds: 5, failureThreshold: 3, initialDelaySeconds: 5 } },
  status: {
    state: 'Ready',
    address: '203.0.113.9',
    ports: [{ name: 'game', port: 7012 }],
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
  },
}

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

async function served(service: Partial<SdkService>): Promise<number> {
  const { server: listening, port } = await serveGrpc(service as SdkService, 0)
  stops.push(() => listening.forceShutdown())
  return port
}

async function connected(service: Partial<SdkService>): Promise<SdkClient> {
  const port = await served(service)
  vi.stubEnv('AGONES_SDK_GRPC_PORT', String(port))
  const client = new AgonesSdk()
  vi.unstubAllEnvs()
  await client.connect()
  stops.push(() => client.close())
  return client
}

describe('the SDK server over gRPC, asked by the npm client', () => {
  it('shows the game server with maps, ports and times', async () => {
    const client = await connected({ gameServer: () => server })
    const seen = await client.getGameServer()
    expect(seen.objectMeta).toMatchObject({
      name: 'host-1',
      creationTimestamp: Date.parse('2026-01-02T03:04:05Z') / 1000,
      deletionTimestamp: 0,
      annotationsMap: [['agones.dev/sdk-a', 'ä']],
    })
    expect(seen.spec.health.periodSeconds).toBe(5)
    expect(seen.status).toMatchObject({ state: 'Ready', address: '203.0.113.9', portsList: [{ name: 'game', port: 7012 }] })
  })

  it('passes wishes and pings on', async () => {
    const service = { wish: vi.fn(), ping: vi.fn() }
    const client = await connected(service)
    await client.ready()
    await client.reserve(30)
    expect(service.wish.mock.calls).toEqual([['RequestReady'], ['Reserved', 30]])
    client.health((error) => expect(error).toBeUndefined())
    await vi.waitFor(() => expect(service.ping).toHaveBeenCalled(), { timeout: 15_000 })
  })

  it('answers INVALID_ARGUMENT to what can not be', async () => {
    const setAnnotation = vi.fn(() => {
      throw new InvalidArgument('bad key')
    })
    const client = await connected({ setAnnotation })
    await expect(client.setAnnotation('b@d', 'x')).rejects.toMatchObject({ code: 3, details: 'bad key' })
    expect(setAnnotation).toHaveBeenCalledWith('b@d', 'x')
  })

  it('streams every version ', async () => {
    const watchers: Watcher[] = []
    const watch = (watcher: Watcher) => {
      watcher(server)
      watchers.push(watcher)
      return () => {}
    }
    const client = await connected({ watch })
    const states: string[] = []
    client.watchGameServer(
      (seen) => states.push(seen.status.state),
      () => {},
    )
    await vi.waitFor(() => expect(states).toEqual(['Ready']), { timeout: 15_000 })
    for (const watcher of watchers) watcher({ ...server, status: { ...server.status, state: 'Allocated' } })
    await vi.waitFor(() => expect(states).toEqual(['Ready', 'Allocated']), { timeout: 15_000 })
  })

  it('stops watching for a client that cancels', async () => {
    const stop = vi.fn()
    const port = await served({ watch: () => stop })
    const client = new Client(`localhost:${port}`, credentials.createInsecure())
    const path = '/agones.dev.sdk.SDK/WatchGameServer'
    const call = client.makeServerStreamRequest(
      path,
      () => Buffer.alloc(0),
      (bytes) => bytes,
      {},
    )
    call.on('error', () => {})
    await new Promise((resolve) => client.waitForReady(Date.now() + 5000, resolve))
    await vi.waitFor(
      () => {
        call.cancel()
        expect(stop).toHaveBeenCalled()
      },
      { timeout: 15_000 },
    )
    client.close()
  })
})
