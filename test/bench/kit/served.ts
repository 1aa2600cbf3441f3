/** The child's side of kit/pinned.ts: answers calls by name until the parent is gone. */
export function serveCalls(handlers: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', (message: { id: number; name: string; argument: unknown }) => {
    void answer(message.id, async () => handlers[message.name]?.(message.argument as never))
  })
  process.on('disconnect', () => process.exit(0))
  process.on('SIGTERM', () => process.exit(0))
}

async function answer(id: number, work: () => Promise<unknown>): Promise<void> {
  try {
    process.send?.({ id, value: await work() })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}
