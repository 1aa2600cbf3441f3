import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-state-'))
vi.stubEnv('XDG_CACHE_HOME', folder)
vi.stubEnv('BAILIWICK_CLUSTER', 'bailiwick')
const { isAlive, processId, readState, signalProcess, takeLock, updateState } = await import('../../cluster/state.ts')

afterAll(() => rmSync(folder, { recursive: true }))

test('a process is alive by number and start, and not when another took its number', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  const id = processId(child.pid ?? 0)
  if (!id) throw new Error('the child has no identity')
  expect(isAlive(id)).toBe(true)
  expect(isAlive({ ...id, started: '1' })).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(isAlive(id)).toBe(false)
})

test('a process that is gone is not signalled, also when it goes between the look and the signal', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  const id = processId(child.pid ?? 0)
  if (!id) throw new Error('the child has no identity')
  const failing = vi.spyOn(process, 'kill')
  const failWith = (code: string) =>
    failing.mockImplementationOnce(() => {
      throw Object.assign(new Error(`kill ${code}`), { code })
    })
  failWith('ESRCH')
  expect(signalProcess(id, 'SIGKILL')).toBe(false)
  failWith('EPERM')
  expect(() => signalProcess(id, 'SIGKILL')).toThrow('kill EPERM')
  expect(signalProcess(id, 'SIGKILL')).toBe(true)
  await once(child, 'close')
  expect(signalProcess(id, 'SIGKILL')).toBe(false)
  expect(failing).toHaveBeenCalledTimes(3)
  failing.mockRestore()
})

test('a lock is held by one, freed by its holder, and taken over from a dead one', () => {
  const release = takeLock('cluster')
  expect(() => takeLock('cluster')).toThrow(`another process (${process.pid}) is starting, stopping or loading the test cluster`)
  release()
  takeLock('cluster')()
  const file = join(folder, 'bailiwick', 'clusters', 'bailiwick.cluster.lock')
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: '1' }))
  takeLock('cluster')()
})

test('the state is undefined before the first record, and later changes keep the rest', () => {
  expect(readState()).toBeUndefined()
  updateState({ images: { a: { manifest: 'sha256:1', blobs: [] } } })
  updateState({ ready: true })
  expect(readState()).toEqual({ ready: true, images: { a: { manifest: 'sha256:1', blobs: [] } } })
})
