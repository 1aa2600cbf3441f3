import { createRequire } from 'node:module'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'

// The package's own generated messages and service: what the real sidecar speaks.
const require = createRequire(import.meta.url)
const messages = require('@google-cloud/agones-sdk/lib/sdk_pb.js')
const packages = require('@google-cloud/agones-sdk/lib/sdk_grpc_pb.js') as Record<string, Record<string, object>>
const sdk = packages['agones.dev.sdk.SDK']
const service = {
  ...sdk,
  watchGameServer: { ...sdk?.['watchGameServer'], responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes) },
} as unknown as ServiceDefinition

export interface ShownServer {
  readonly state: string
  readonly address?: string
  readonly port?: number
  readonly deleting?: boolean
  readonly annotations?: Readonly<Record<string, string>>
}

type Watch = ServerWritableStream<unknown, unknown>
type Health = ServerReadableStream<unknown, unknown>

/** A sidecar for tests: says what it is told to, and breaks what it is told to break. */
export interface SidecarDouble {
  readonly port: string
  readonly calls: string[]
  /** Health pings received. */
  pings(): number
  watches(): number
  show(server: ShownServer): void
  /** Calls are not answered while this is set. */
  mute: boolean
  failWatches(): void
  endWatches(): void
  endHealth(): void
  close(): Promise<void>
}

/** What each wish makes of a server, when the double grants them. */
const granted: Readonly<Record<string, string>> = { ready: 'Ready', allocate: 'Allocated', shutdown: 'Shutdown' }

/** `grant`: wishes come true at once, with this as the address. */
export async function startSidecar(port = 0, grant?: { readonly address: string; readonly port: number }): Promise<SidecarDouble> {
  const calls: string[] = []
  const watches = new Set<Watch>()
  const healths = new Map<Health, sendUnaryData<unknown>>()
  let pings = 0
  let shown: ShownServer = { state: 'Scheduled' }
  const server = new Server()
  const unary = (name: string): handleUnaryCall<unknown, unknown> => {
    return (_call, answer) => {
      if (double.mute) return
      calls.push(name)
      answer(null, new messages.Empty())
      const state = granted[name]
      if (grant !== undefined && state !== undefined) double.show({ ...grant, state })
    }
  }
  const health: handleClientStreamingCall<unknown, unknown> = (call, answer) => {
    healths.set(call, answer)
    call.on('data', () => pings++)
    call.on('end', () => healths.delete(call))
    call.on('error', () => healths.delete(call))
  }
  const watchGameServer: handleServerStreamingCall<unknown, unknown> = (call) => {
    watches.add(call)
    call.on('cancelled', () => watches.delete(call))
    call.write(gameServer(shown))
  }
  const [ready, allocate, shutdown, setAnnotation] = ['ready', 'allocate', 'shutdown', 'setAnnotation'].map(unary)
  server.addService(service, { ready, allocate, shutdown, setAnnotation, health, watchGameServer } as UntypedServiceImplementation)
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`localhost:${port}`, ServerCredentials.createInsecure(), (error, at) => (error === null ? resolve(at) : reject(error)))
  })
  const double: SidecarDouble = {
    port: String(bound),
    calls,
    mute: false,
    pings: () => pings,
    watches: () => watches.size,
    show(next) {
      shown = next
      for (const watch of watches) watch.write(gameServer(shown))
    },
    failWatches() {
      for (const watch of watches) watch.emit('error', { code: 14, details: 'broken by the test' })
      watches.clear()
    },
    endWatches() {
      for (const watch of watches) watch.end()
      watches.clear()
    },
    endHealth() {
      for (const answer of healths.values()) answer(null, new messages.Empty())
      healths.clear()
    },
    close: async () => server.forceShutdown(),
  }
  return double
}

/** The message GameServer, field by field: the package's own classes can read maps, but not write them. */
function gameServer({ state, address = '', port, deleting = false, annotations = {} }: ShownServer): Uint8Array {
  const message = new BinaryWriter()
  message.tag(1, WireType.LengthDelimited).fork()
  text(text(message, 1, 'zone-servers-x7k2p'), 2, 'game')
  if (deleting) message.tag(7, WireType.Varint).int64(1_700_000_000)
  for (const [key, value] of Object.entries(annotations)) pair(message, 8, key, value)
  pair(message, 9, 'agones.dev/fleet', 'zone-servers')
  message.join()
  message.tag(3, WireType.LengthDelimited).fork()
  text(text(message, 1, state), 2, address)
  if (port !== undefined) {
    message.tag(3, WireType.LengthDelimited).fork()
    text(message, 1, 'game').tag(2, WireType.Varint).int32(port).join()
  }
  return message.join().finish()
}

function text(message: BinaryWriter, field: number, value: string): BinaryWriter {
  return message.tag(field, WireType.LengthDelimited).string(value)
}

function pair(message: BinaryWriter, field: number, key: string, value: string): void {
  text(text(message.tag(field, WireType.LengthDelimited).fork(), 1, key), 2, value).join()
}
