import { expect, test } from 'vitest'
import { memoryShare, shareOf } from '../../../zone-server/watchdog/memory-share.ts'

const MiB = 2 ** 20
const roomy = { oldUsed: 50 * MiB, heapLimit: 596 * MiB, resident: 100 * MiB, constrained: 1_000 * MiB }

test.each([
  ['the heap and the container alike', roomy, 0.1],
  ['an old generation that is nearly full, though the heap is not', { ...roomy, oldUsed: 450 * MiB }, 0.9],
  ['a container that is nearly full, by buffers beside the heap', { ...roomy, resident: 800 * MiB }, 0.8],
  ['no limit but the heap', { ...roomy, resident: 800 * MiB, constrained: 0 }, 0.1],
  ['a limit above what any machine has', { ...roomy, resident: 800 * MiB, constrained: 2 ** 63 }, 0.1],
  ['a heap so small that little but the young generation is in it', { ...roomy, heapLimit: 100 * MiB, oldUsed: 20 * MiB }, 0.4],
])('%s', (_name, look, share) => {
  expect(shareOf(look)).toBeCloseTo(share, 6)
})

test('of this process it is some of what it may have', () => {
  expect(memoryShare()).toBeGreaterThan(0)
  expect(memoryShare()).toBeLessThan(1)
})
