import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test, vi } from 'vitest'
import type { Cluster } from './harness.ts'
import { clusterName } from './paths.ts'
import { run } from './run.ts'

/** What only holds where the harness brings the cluster up: parts can be stopped, and a broken start leaves nothing behind. */
export function ownClusterTests(cluster: () => Cluster): void {
  test('pods live on while the API server is stopped, and it can be started again', async () => {
    const apiserver = cluster().component('apiserver')
    await apiserver.stop()
    await expect(cluster().kubectl('get', 'nodes', '--request-timeout=2s')).rejects.toThrow('refused')
    await apiserver.start()
    const ready = () => cluster().kubectl('get', '--raw', '/readyz', '--request-timeout=2s')
    expect(await cluster().waitFor('the API server to be back', ready, 60_000)).toBe('ok')
  })

  // A second cluster beside the one of this run, ended at different points of its start.
  const broken = [
    { signal: 'SIGKILL', after: 'network and certificates' },
    { signal: 'SIGKILL', after: 'API server' },
    { signal: 'SIGINT', after: 'node' },
  ] as const
  test.for(broken)('a start ended by $signal at "$after" leaves nothing after down', async ({ signal, after }) => {
    const name = `${clusterName}-2`
    const main = `${import.meta.dirname}/main.ts`
    const env = { BAILIWICK_CLUSTER: name }
    // Should the tests be killed, the start is told and undoes itself.
    const command = ['--pdeathsig', 'TERM', process.execPath, main, 'up']
    const start = spawn('setpriv', command, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(start, 'close')
    const reached = (async () => {
      for await (const line of createInterface({ input: start.stderr })) if (line.endsWith(after)) return
      throw new Error(`the start ended before it came to "${after}"`)
    })()
    await reached
    vi.resetModules()
    vi.stubEnv('BAILIWICK_CLUSTER', name)
    const { clusterProcesses } = await import('./namespace.ts')
    const { leftovers } = await import('./leftovers.ts')
    start.kill(signal)
    await ended
    const before = clusterProcesses()
    if (signal === 'SIGKILL') await run(process.execPath, [main, 'down'], { env })
    expect(leftovers(before)).toEqual([])
    vi.unstubAllEnvs()
  })
}
