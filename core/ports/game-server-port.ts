/**
 * What a host needs of Agones. A call is a wish: only the watched state is the truth, so callers repeat a wish until the watch agrees.
 * Drivers: platform/agones (the SDK's sidecar) and the embedded world's own.
 */
export interface GameServerPort {
  ready(): Promise<void>
  allocate(): Promise<void>
  shutdown(): Promise<void>
  /** Says that the event loop runs, and nothing more. */
  health(): void
  setAnnotation(key: string, value: string): Promise<void>
  /** Calls back with the current state and each change. The driver rebuilds its connection on any error; never throws after it resolved. */
  watch(onChange: (server: GameServerView) => void): Promise<void>
  close(): Promise<void>
}

export interface GameServerView {
  readonly name: string
  readonly namespace: string
  /** Agones' state: PortAllocation … Ready, Allocated, Reserved, Shutdown, Unhealthy, Error. */
  readonly state: string
  readonly address: string
  readonly ports: readonly { readonly name: string; readonly port: number }[]
  readonly deleting: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Put on Allocated servers of an outdated template by the Fleet's allocationOverflow (the chart sets it): how a host learns that it is outdated. */
export const OUTDATED_ANNOTATION = 'bailiwick.dev/outdated'
