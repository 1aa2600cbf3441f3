import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LEAKS, WASTES } from './slow-fill-process.ts'

interface Told {
  readonly share: number
  readonly kept: readonly { readonly layer: string; readonly keptMiB: number }[]
}

test('a layer whose ticks leave a little more behind each time is named before the memory is full, and not one that makes garbage', async () => {
  const child = fork(join(import.meta.dirname, 'slow-fill-process.ts'), ['fill'], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=192'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`it ended (${code ?? signal}) and had told nothing`)
  })
  try {
    const [{ share, kept }] = (await Promise.race([once(child, 'message'), ended])) as [Told]
    expect(share).toBeGreaterThan(0.5)
    expect(kept[0]?.layer).toBe(LEAKS)
    const other = kept.find(({ layer }) => layer === WASTES)?.keptMiB ?? 0
    expect(kept[0]?.keptMiB).toBeGreaterThan(2 * other)
  } finally {
    ended.catch(() => undefined)
    child.kill('SIGKILL')
  }
}, 120_000)
