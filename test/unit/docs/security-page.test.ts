import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
/** Lines of the threat model: all tables of the page but their heads. */
const lines = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| protected '))

describe('each line of docs/security.md names a test that is there', () => {
  test('there are such lines', () => {
    expect(lines.length).toBeGreaterThan(25)
  })

  test.each(lines)('%s', (line) => {
    const [, file, name] = /`(test\/[\w./-]+\.ts)`: ([^|]+?) \|$/.exec(line) ?? []
    expect(file, 'the last column is `file`: name').toBeDefined()
    if (file === undefined || name === undefined) return
    expect(existsSync(join(root, file)), file).toBe(true)
    expect(readFileSync(join(root, file), 'utf8')).toContain(name)
  })
})
