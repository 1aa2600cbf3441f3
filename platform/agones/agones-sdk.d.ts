/** The part of @google-cloud/agones-sdk 1.61 that is used; the package has no types of its own. */
declare module '@google-cloud/agones-sdk' {
  import type { Readable, Writable } from 'node:stream'

  interface Call {
    cancel(): void
  }

  interface SdkGameServer {
    readonly objectMeta?: {
      readonly name: string
      readonly namespace: string
      /** Seconds; 0: it is not being deleted. */
      readonly deletionTimestamp: number
      readonly annotationsMap: readonly (readonly [string, string])[]
      readonly labelsMap: readonly (readonly [string, string])[]
    }
    readonly status?: {
      readonly state: string
      readonly address: string
      readonly portsList: readonly { readonly name: string; readonly port: number }[]
    }
  }

  export default class AgonesSDK {
    /** Read by the constructor; from AGONES_SDK_GRPC_PORT. */
    get port(): string
    readonly healthStream: (Writable & Call) | undefined
    readonly streams: readonly (Readable & Call)[]
    /** Resolves when the sidecar answers, rejects after 30 s. */
    connect(): Promise<void>
    close(): void
    ready(): Promise<unknown>
    allocate(): Promise<unknown>
    shutdown(): Promise<unknown>
    setAnnotation(key: string, value: string): Promise<unknown>
    health(onError: (error: Error) => void): void
    watchGameServer(onChange: (server: SdkGameServer) => void, onError: (error: Error) => void): void
  }
}
