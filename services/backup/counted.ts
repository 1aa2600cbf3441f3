import type { Log } from '../../core/ports/log-port.ts'

/** The log is told when so many were looked at. */
const TOLD_EVERY = 10_000

/** The same names; how many they were is told in the log. */
export async function* counted(names: AsyncIterable<string>, log: Log, what: string): AsyncIterable<string> {
  let count = 0
  for await (const chain of names) {
    yield chain
    count += 1
    if (count % TOLD_EVERY === 0) log.info({ chains: count }, what)
  }
  log.info({ chains: count }, what)
}
