import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { zoneSchema } from '../../../core/zone.generated.ts'
import { conditionTables } from '../../../operator/status-conditions.ts'
import { phaseTable } from '../../../operator/status-phases.ts'

const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')

/** The cells of every line of a table whose first cell matches. */
function rows(first: RegExp): readonly (readonly string[])[] {
  const cells = page.split('\n').map((line) => (line.match(/^\| (.*) \|$/)?.[1] ?? '').split('|').map((cell) => cell.trim()))
  return cells.filter(([cell = '']) => first.test(cell))
}

const phases: readonly string[] = zoneSchema.properties.status.properties.phase.enum

describe('docs/operations.md', () => {
  test('has the phases of the table, in its order and words', () => {
    expect(rows(new RegExp(`^(${phases.join('|')})$`))).toEqual(phaseTable.map(({ phase, when }) => [phase, when]))
    expect(new Set(phaseTable.map(({ phase }) => phase))).toEqual(new Set(phases))
  })

  test('has every reason of every condition, in the order of the table, and says what it means', () => {
    const said = rows(new RegExp(`^(${conditionTables.map(([type]) => type).join('|')})$`))
    const known = conditionTables.flatMap(([type, table]) => table.map(([status, reason]) => `${type} ${status} ${reason}`))
    expect(said.map(([type, status, reason]) => `${type} ${status} ${reason?.replaceAll('`', '')}`)).toEqual([...new Set(known)])
    for (const [, , reason, meaning] of said) expect(meaning?.length, reason).toBeGreaterThan(5)
  })

  test('the last row of every table holds whatever is so', () => {
    expect(phaseTable.at(-1)?.holds({} as never)).toBe(true)
    for (const [type, table] of conditionTables) expect(table.at(-1)?.[1], type).toMatch(/^(Valid|Sleeping|Settled|NoFailure)$/)
  })
})
