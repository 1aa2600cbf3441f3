/** Who watches what. Callbacks run after the call that made the change, as they would over a network. */
export interface Watchers<Change> {
  tell(change: Change): void
  /** Calls `onChange` for every change from now on, until the signal aborts. */
  watch(onChange: (change: Change) => void, signal: AbortSignal): void
}

export function createWatchers<Change>(): Watchers<Change> {
  const watchers = new Set<(change: Change) => void>()
  return {
    tell(change) {
      for (const watcher of watchers) {
        queueMicrotask(() => {
          if (watchers.has(watcher)) watcher(change)
        })
      }
    },
    watch(onChange, signal) {
      if (signal.aborted) return
      // A function of its own, so that the same callback may watch twice.
      const watcher = (change: Change): void => onChange(change)
      watchers.add(watcher)
      signal.addEventListener('abort', () => watchers.delete(watcher), { once: true })
    },
  }
}
