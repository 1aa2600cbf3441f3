// The slow ones, in a process of their own: what they cost is not to be seen in the answers to others.
import { setPriority } from 'node:os'
import { serveCalls } from '../kit/served.ts'
import { type CrowdOptions, SlowCrowd } from './crowd.ts'

// They share a core with who measures, and have time.
setPriority(10)

let crowd: SlowCrowd | undefined

serveCalls({
  async begin(options: CrowdOptions): Promise<void> {
    crowd = new SlowCrowd(options)
    await crowd.begin()
  },
  /** How many are there now, and how many connected since they came, again ones counted. */
  count: () => ({ size: crowd?.size ?? 0, connected: crowd?.connected ?? 0 }),
  end(): void {
    crowd?.end()
    crowd = undefined
  },
})
