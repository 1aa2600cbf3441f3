import { globSync, linkSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { logDir } from './paths.ts'

const EVERY_MS = 500
const from = join(logDir, 'pods')
const to = join(logDir, 'all-pods')

/**
 * Keeps the logs of pods that are removed while the tests run, which kubelet deletes with the pod: what a test that fails needs most are those of
 * the pods it killed. A second name for the same file costs nothing. Ends when what it answers is called.
 */
export function keepPodLogs(): () => void {
  const linked = new Set<string>()
  const look = (): void => {
    for (const file of globSync('*/*/*.log', { cwd: from })) {
      if (linked.has(file)) continue
      try {
        mkdirSync(dirname(join(to, file)), { recursive: true })
        linkSync(join(from, file), join(to, file))
      } catch (error) {
        // Removed since it was listed, or linked in an earlier run on this cluster.
        if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
      linked.add(file)
    }
  }
  const timer = setInterval(look, EVERY_MS)
  return () => clearInterval(timer)
}
