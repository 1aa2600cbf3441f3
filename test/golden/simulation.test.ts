import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { boundsInMillimetres } from '../../core/geometry.ts'
import { newState } from '../../zone-server/simulation/state.ts'
import { replay } from './trace.ts'

const file = join(import.meta.dirname, 'two-players.trace.txt')
const settings = { bounds: boundsInMillimetres({ min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }), tickRateHz: 20, linkDeadTicks: 5 }

describe('golden trace of the simulation', () => {
  it('the inputs of the file give what the file says (UPDATE_GOLDEN=1 writes it anew: read the difference before committing it)', () => {
    const written = readFileSync(file, 'utf8')
    const replayed = replay(written, newState('game/meadow/0', settings))
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, replayed)
    else expect(replayed).toBe(written)
  })
})
