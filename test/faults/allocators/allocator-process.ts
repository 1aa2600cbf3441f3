import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface AllocatorProcess {
  /** For players' clients. */
  readonly url: string
  readonly internalUrl: string
  /** SIGKILL: it has no time for anything. */
  kill(): Promise<void>
}

const START_LIMIT = 30_000
const root = join(import.meta.dirname, '..', '..', '..')

/** The allocator as a process of its own, as the chart starts it, on free ports. */
export async function startAllocatorProcess(urls: { readonly redis: string; readonly jwks: string }): Promise<AllocatorProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'services/allocator/main.ts')], {
    env: { ...process.env, PORT: '0', INTERNAL_PORT: '0', REDIS_URL: urls.redis, JWKS_URL: urls.jwks, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = (): void => void child.kill('SIGKILL')
  // A run that is broken off leaves nothing behind.
  process.once('exit', end)
  const ports = new Map<string, number>()
  const listening = Promise.withResolvers<void>()
  const limit = setTimeout(() => listening.reject(new Error(`the allocator did not listen within ${START_LIMIT} ms`)), START_LIMIT)
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (ports.size === 2) return
    lines.push(line)
    const { event, app, port } = JSON.parse(line) as { event?: string; app?: string; port?: number }
    if (event === 'listening' && app !== undefined && port !== undefined) ports.set(app, port)
    if (ports.size === 2) listening.resolve()
  })
  child.once('exit', (code) => listening.reject(new Error(`the allocator ended with code ${code}\n${lines.join('\n')}`)))
  const gone = once(child, 'exit')
  try {
    await listening.promise
  } catch (error) {
    end()
    throw error
  } finally {
    clearTimeout(limit)
  }
  const urlOf = (app: string): string => `http://127.0.0.1:${ports.get(app)}`
  const allocator = {
    url: urlOf('allocator'),
    internalUrl: urlOf('allocator-internal'),
    async kill() {
      end()
      await gone
      process.off('exit', end)
    },
  }
  await untilReady(allocator)
  return allocator
}

/** Ready as Kubernetes sees it: only then players are sent to it. */
async function untilReady({ url, kill }: AllocatorProcess): Promise<void> {
  const end = performance.now() + START_LIMIT
  while (!(await fetch(`${url}/readyz`)).ok) {
    if (performance.now() < end) continue
    await kill()
    throw new Error(`the allocator is not ready after ${START_LIMIT} ms`)
  }
}
