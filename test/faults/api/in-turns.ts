/** Worlds side by side: each waits more than it computes. */
const AT_ONCE = 8

/** Does the tasks, so many at once; resolves with all results, in no order. */
export async function inTurns<T>(tasks: readonly (() => Promise<T>)[], atOnce = AT_ONCE): Promise<readonly T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) results.push(await task())
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
