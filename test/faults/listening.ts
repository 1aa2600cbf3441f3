import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

const START_LIMIT = 60_000

/**
 * On which ports a program's applications listen, by name, as it logs them (LOG_LEVEL info, stdout a pipe, started on PORT 0): a free port that somebody else chose may be taken by the time
 * the program binds it. Rejects, with what it said, when the program ends before or takes longer than START_LIMIT.
 */
export async function listeningPorts(child: ChildProcess, apps: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (child.stdout === null) throw new Error('its stdout is not a pipe')
  const ports = new Map<string, number>()
  const lines: string[] = []
  const listening = Promise.withResolvers<ReadonlyMap<string, number>>()
  const fail = (what: string): void => listening.reject(new Error(`${what}\n${lines.join('\n')}`))
  const isComplete = (): boolean => apps.every((app) => ports.has(app))
  // Read to its end: a full pipe would stop the program.
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (isComplete()) return
    lines.push(line)
    const { event, app, port } = JSON.parse(line) as { event?: string; app?: string; port?: number }
    if (event === 'listening' && app !== undefined && port !== undefined) ports.set(app, port)
    if (isComplete()) listening.resolve(ports)
  })
  child.once('exit', (code, signal) => fail(`the program ended with ${code ?? signal}`))
  child.once('error', (error) => fail(`the program did not start: ${error.message}`))
  const limit = setTimeout(() => fail(`the program did not listen within ${START_LIMIT} ms`), START_LIMIT)
  try {
    return await listening.promise
  } finally {
    clearTimeout(limit)
  }
}
