/** Which nodes take no new pods. The embedded world has none. */
export interface NodeSource {
  /** Calls back when a node was cordoned or uncordoned, until the signal aborts; begins again by itself, whatever happens. */
  watchNodes(onChange: () => void, signal: AbortSignal): void
  /** Undefined: there is no such node, or it was not seen yet. */
  isCordoned(node: string): boolean | undefined
}
