import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replay } from './trace.ts'

const traces = globSync('*.trace.txt', { cwd: import.meta.dirname }).sort()

describe('golden traces of the simulation', () => {
  it('are there', () => expect(traces.length).toBeGreaterThanOrEqual(4))

  for (const trace of traces) {
    it(`${trace}: its inputs give what it says (UPDATE_GOLDEN=1 writes it anew: read the difference before committing it)`, () => {
      const file = join(import.meta.dirname, trace)
      const written = readFileSync(file, 'utf8')
      const replayed = replay(written)
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, replayed)
      else expect(replayed).toBe(written)
    })
  }
})
