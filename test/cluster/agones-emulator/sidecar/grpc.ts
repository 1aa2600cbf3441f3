import { createRequire } from 'node:module'
import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { GameServer, GameServerState } from '../types.ts'
import { InvalidArgument, type SdkService } from './service.ts'
import { viewOf } from './view.ts'

type Empty = object

interface KeyValue {
  getKey(): string
  getValue(): string
}

interface Duration {
  getSeconds(): number
}

interface StringMap {
  set(key: string, value: string): void
}

interface MetaMessage {
  setName(value: string): void
  setNamespace(value: string): void
  setUid(value: string): void
  setResourceVersion(value: string): void
  setGeneration(value: number): void
  setCreationTimestamp(value: number): void
  setDeletionTimestamp(value: number): void
  getAnnotationsMap(): StringMap
  getLabelsMap(): StringMap
}

interface HealthMessage {
  setDisabled(value: boolean): void
  setPeriodSeconds(value: number): void
  setFailureThreshold(value: number): void
  setInitialDelaySeconds(value: number): void
}

interface StatusMessage {
  setState(value: string): void
  setAddress(value: string): void
  setAddressesList(value: object[]): void
  setPortsList(value: object[]): void
}

interface GameServerMessage {
  setObjectMeta(value: MetaMessage): void
  setSpec(value: { setHealth(value: HealthMessage): void }): void
  setStatus(value: StatusMessage): void
}

/** The generated classes of Agones' protocol that come with its npm package. */
interface Messages {
  Empty: new () => Empty
  GameServer: {
    new (): GameServerMessage
    ObjectMeta: new () => MetaMessage
    Spec: { new (): { setHealth(value: HealthMessage): void }; Health: new () => HealthMessage }
    Status: {
      new (): StatusMessage
      Address: new () => { setType(value: string): void; setAddress(value: string): void }
      Port: new () => { setName(value: string): void; setPort(value: number): void }
    }
  }
}

const require = createRequire(import.meta.url)
const messages: Messages = require('@google-cloud/agones-sdk/lib/sdk_pb.js')
const services: { 'agones.dev.sdk.SDK': ServiceDefinition } = require('@google-cloud/agones-sdk/lib/sdk_grpc_pb.js')

function metaMessage(view: ReturnType<typeof viewOf>['object_meta']): MetaMessage {
  const meta = new messages.GameServer.ObjectMeta()
  meta.setName(view.name)
  meta.setNamespace(view.namespace)
  meta.setUid(view.uid)
  meta.setResourceVersion(view.resource_version)
  meta.setGeneration(Number(view.generation))
  meta.setCreationTimestamp(Number(view.creation_timestamp))
  meta.setDeletionTimestamp(Number(view.deletion_timestamp))
  for (const [key, value] of Object.entries(view.annotations)) meta.getAnnotationsMap().set(key, value)
  for (const [key, value] of Object.entries(view.labels)) meta.getLabelsMap().set(key, value)
  return meta
}

function statusMessage(view: ReturnType<typeof viewOf>['status']): StatusMessage {
  const made = new messages.GameServer.Status()
  made.setState(view.state)
  made.setAddress(view.address)
  made.setAddressesList(
    view.addresses.map(({ type, address }) => {
      const entry = new messages.GameServer.Status.Address()
      entry.setType(type)
      entry.setAddress(address)
      return entry
    }),
  )
  made.setPortsList(
    view.ports.map(({ name, port }) => {
      const entry = new messages.GameServer.Status.Port()
      entry.setName(name)
      entry.setPort(port)
      return entry
    }),
  )
  return made
}

function gameServerMessage(server: GameServer): GameServerMessage {
  const view = viewOf(server)
  const health = new messages.GameServer.Spec.Health()
  health.setDisabled(view.spec.health.disabled)
  health.setPeriodSeconds(view.spec.health.period_seconds)
  health.setFailureThreshold(view.spec.health.failure_threshold)
  health.setInitialDelaySeconds(view.spec.health.initial_delay_seconds)
  const spec = new messages.GameServer.Spec()
  spec.setHealth(health)
  const made = new messages.GameServer()
  made.setObjectMeta(metaMessage(view.object_meta))
  made.setSpec(spec)
  made.setStatus(statusMessage(view.status))
  return made
}

function unary<Request, Response>(work: (request: Request) => Response): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    try {
      callback(null, work(call.request))
    } catch (error) {
      const code = error instanceof InvalidArgument ? status.INVALID_ARGUMENT : status.UNKNOWN
      callback({ code, details: error instanceof Error ? error.message : String(error) })
    }
  }
}

function implementation(service: SdkService): UntypedServiceImplementation {
  const empty = () => new messages.Empty()
  const wish = (state: GameServerState): handleUnaryCall<Empty, Empty> =>
    unary(() => {
      service.wish(state)
      return empty()
    })
  const health: handleClientStreamingCall<Empty, Empty> = (call, callback) => {
    call.on('data', () => service.ping())
    call.on('end', () => callback(null, empty()))
  }
  const watch: handleServerStreamingCall<Empty, GameServerMessage> = (call) => {
    const stop = service.watch((server) => call.write(gameServerMessage(server)))
    call.once('cancelled', stop)
    call.once('close', stop)
  }
  return {
    ready: wish('RequestReady'),
    allocate: wish('Allocated'),
    shutdown: wish('Shutdown'),
    reserve: unary((duration: Duration) => {
      service.wish('Reserved', duration.getSeconds())
      return empty()
    }),
    setLabel: unary((pair: KeyValue) => {
      service.setLabel(pair.getKey(), pair.getValue())
      return empty()
    }),
    setAnnotation: unary((pair: KeyValue) => {
      service.setAnnotation(pair.getKey(), pair.getValue())
      return empty()
    }),
    getGameServer: unary(() => gameServerMessage(service.gameServer())),
    watchGameServer: watch,
    health,
  }
}

/** Serves the SDK over gRPC on the loopback interface. Resolves when it listens. */
export function serveGrpc(service: SdkService, port: number): Promise<Server> {
  const server = new Server()
  server.addService(services['agones.dev.sdk.SDK'], implementation(service))
  return new Promise((resolve, reject) => {
    server.bindAsync(`localhost:${port}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve(server)
      else reject(error)
    })
  })
}
