import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { listeningPorts } from '../listening.ts'

export interface AllocatorProcess {
  /** For players' clients. */
  readonly url: string
  readonly internalUrl: string
  /** SIGKILL: it has no time for anything. */
  kill(): Promise<void>
}

const READY_LIMIT = 30_000

/** A patient allocator (allocator-main.ts) as a process of its own, on free ports. */
export async function startAllocatorProcess(urls: { readonly redis: string; readonly jwks: string }): Promise<AllocatorProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'allocator-main.ts')], {
    env: { ...process.env, REDIS_URL: urls.redis, JWKS_URL: urls.jwks, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = (): void => void child.kill('SIGKILL')
  // A run that is broken off leaves nothing behind.
  process.once('exit', end)
  const gone = once(child, 'exit')
  const kill = async (): Promise<void> => {
    end()
    await gone
    process.off('exit', end)
  }
  try {
    const ports = await listeningPorts(child, ['allocator', 'allocator-internal'])
    const urlOf = (app: string): string => `http://127.0.0.1:${ports.get(app)}`
    const url = urlOf('allocator')
    await untilReady(url)
    return { url, internalUrl: urlOf('allocator-internal'), kill }
  } catch (error) {
    await kill()
    throw error
  }
}

/** Ready as Kubernetes sees it: only then players are sent to it. */
async function untilReady(url: string): Promise<void> {
  const end = performance.now() + READY_LIMIT
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok ?? false
  while (!(await isReady())) {
    if (performance.now() > end) throw new Error(`the allocator is not ready after ${READY_LIMIT} ms`)
    await delay(20)
  }
}
