import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { GameServerState } from '../types.ts'
import { InvalidArgument, type SdkService } from './service.ts'
import { type GameServerView, viewOf } from './view.ts'
import { decodeDuration, decodeKeyValue, encodeGameServer, type KeyValue } from './wire.ts'

type Empty = Record<string, never>

const EMPTY: Empty = {}
const encodeEmpty = (_message: Empty): Buffer => Buffer.alloc(0)
const decodeEmpty = (_bytes: Buffer): Empty => EMPTY

function method<Request, Response>(
  name: string,
  decode: (bytes: Buffer) => Request,
  encode: (message: Response) => Buffer,
  stream: { request?: boolean; response?: boolean } = {},
): MethodDefinition<Request, Response> {
  const onlyOnTheServer = (): never => {
    throw new Error(`${name}: this side only answers`)
  }
  return {
    path: `/agones.dev.sdk.SDK/${name}`,
    requestStream: stream.request ?? false,
    responseStream: stream.response ?? false,
    requestDeserialize: decode,
    responseSerialize: encode,
    requestSerialize: onlyOnTheServer,
    responseDeserialize: onlyOnTheServer,
  }
}

const DEFINITION = {
  ready: method('Ready', decodeEmpty, encodeEmpty),
  allocate: method('Allocate', decodeEmpty, encodeEmpty),
  shutdown: method('Shutdown', decodeEmpty, encodeEmpty),
  reserve: method('Reserve', decodeDuration, encodeEmpty),
  health: method('Health', decodeEmpty, encodeEmpty, { request: true }),
  getGameServer: method('GetGameServer', decodeEmpty, encodeGameServer),
  watchGameServer: method('WatchGameServer', decodeEmpty, encodeGameServer, { response: true }),
  setLabel: method('SetLabel', decodeKeyValue, encodeEmpty),
  setAnnotation: method('SetAnnotation', decodeKeyValue, encodeEmpty),
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
  const wish = (state: GameServerState): handleUnaryCall<Empty, Empty> =>
    unary(() => {
      service.wish(state)
      return EMPTY
    })
  const health: handleClientStreamingCall<Empty, Empty> = (call, callback) => {
    call.on('data', () => service.ping())
    call.on('end', () => callback(null, EMPTY))
  }
  const watch: handleServerStreamingCall<Empty, GameServerView> = (call) => {
    const stop = service.watch((server) => call.write(viewOf(server)))
    call.once('cancelled', stop)
    call.once('close', stop)
  }
  return {
    ready: wish('RequestReady'),
    allocate: wish('Allocated'),
    shutdown: wish('Shutdown'),
    reserve: unary((seconds: number) => {
      service.wish('Reserved', seconds)
      return EMPTY
    }),
    setLabel: unary(({ key, value }: KeyValue) => {
      service.setLabel(key, value)
      return EMPTY
    }),
    setAnnotation: unary(({ key, value }: KeyValue) => {
      service.setAnnotation(key, value)
      return EMPTY
    }),
    getGameServer: unary(() => viewOf(service.gameServer())),
    watchGameServer: watch,
    health,
  }
}

/** Serves the SDK over gRPC on the loopback interface; port 0 takes a free one. Resolves with the port when it listens. */
export function serveGrpc(service: SdkService, port: number): Promise<{ server: Server; port: number }> {
  const server = new Server()
  server.addService(DEFINITION, implementation(service))
  return new Promise((resolve, reject) => {
    server.bindAsync(`localhost:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve({ server, port: bound })
      else reject(error)
    })
  })
}
