import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { withTemporaryFolder } from '../../../scripts/with-temporary-folder.ts'

const folderOf = (env: Readonly<Record<string, string>>): string => {
  const folder = env['TMPDIR'] ?? ''
  writeFileSync(join(folder, 'left'), '')
  return folder
}

test('the folder goes with what was left in it, also when the work fails', async () => {
  const folder = await withTemporaryFolder(async (env) => folderOf(env))
  expect(existsSync(folder)).toBe(false)
  let other = ''
  const failing = withTemporaryFolder(async (env) => {
    other = folderOf(env)
    throw new Error('the work')
  })
  await expect(failing).rejects.toThrow('the work')
  expect([other === '', existsSync(other)]).toEqual([false, false])
})

test('a folder that can not be removed is told, and changes nothing of what came of the work', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const notRemoved = (folder: string): void => {
    rmSync(folder, { recursive: true })
    throw new Error('ENOTEMPTY')
  }
  try {
    expect(await withTemporaryFolder(async () => 3, notRemoved)).toBe(3)
    const failing = withTemporaryFolder(() => Promise.reject(new Error('the work')), notRemoved)
    await expect(failing).rejects.toThrow('the work')
    expect(told.mock.calls).toEqual(Array(2).fill([expect.stringMatching(/bailiwick-run-\S+ is left: ENOTEMPTY/)]))
  } finally {
    told.mockRestore()
  }
})
