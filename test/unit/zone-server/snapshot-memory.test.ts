import { expect, it } from 'vitest'
import { SnapshotMemory } from '../../../zone-server/snapshot-memory.ts'

it('gives the same memory again, never twice at a time, and gives up what is much too large', () => {
  const memory = new SnapshotMemory()
  const first = memory.take(1_000)
  expect(first.byteLength).toBeGreaterThanOrEqual(1_000)
  const meanwhile = memory.take(1_000)
  expect(meanwhile.buffer).not.toBe(first.buffer)
  memory.giveBack(first.subarray(0, 10))
  const again = memory.take(1_010)
  expect(again.buffer).toBe(first.buffer)
  expect(again.byteLength).toBe(first.byteLength)
  memory.giveBack(again)
  const larger = memory.take(5_000)
  expect(larger.byteLength).toBeGreaterThanOrEqual(5_000)
  memory.giveBack(larger)
  expect(memory.take(100).buffer).not.toBe(larger.buffer)
})
