import { it } from 'vitest'
import type { Stage } from './stage.ts'

/** Declares a test of a row. What it applies is deleted when it is over, so that it doesn't burden the others. */
export function row(stage: () => Stage, name: string, act: (stage: Stage) => Promise<void>): void {
  it(name, async () => {
    const applied: object[] = []
    const apply: Stage['apply'] = (...objects) => {
      applied.push(...objects)
      return stage().apply(...objects)
    }
    try {
      await act({ ...stage(), apply })
    } finally {
      await stage().clear(applied)
    }
  })
}
