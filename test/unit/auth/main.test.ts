import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compiledBefore } from '../../compiled.ts'

const main = join(import.meta.dirname, '../../../services/auth/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'bailiwick-auth-'))
const keyFile = join(folder, 'key.pem')
/** Nobody listens there: the service starts all the same, and says that it is not ready. */
const MONGODB_URL = 'mongodb://somebody:hush-hush@127.0.0.1:1/'
const REDIS_URL = 'redis://127.0.0.1:1'
const running: ChildProcess[] = []

beforeAll(() => {
  writeFileSync(keyFile, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
})
afterAll(() => {
  for (const child of running) if (child.exitCode === null) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'] ?? '', ...compiledBefore, INTERNAL_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    output += data.toString()
  })
  const exited = once(child, 'close').then(([code]) => Number(code))
  const ports = () => [...output.matchAll(/"port":(\d+)/g)].map(([, port]) => Number(port))
  /** The public port, and the internal one. */
  const listening = async (): Promise<readonly number[]> => {
    await expect.poll(() => ports().length, { timeout: 60_000 }).toBe(2)
    return ports()
  }
  return { child, exited, listening, output: () => output }
}

describe('the program', { timeout: 90_000 }, () => {
  test('says every variable that is wrong, and ends with 1', async () => {
    const program = start({ PORT: 'x', MONGODB_URL: 'redis://somebody:hush-hush@db' })
    expect(await program.exited).toBe(1)
    for (const part of ['ConfigInvalid', 'PORT', 'MONGODB_URL', 'SIGNING_KEY_FILE']) expect(program.output()).toContain(part)
    expect(program.output()).not.toContain('hush-hush')
  })

  test.each([
    ['a missing key file', { SIGNING_KEY_FILE: '/nowhere/key.pem' }, 'no file that can be read'],
    ['a log level that there is not', { SIGNING_KEY_FILE: '/nowhere/key.pem', LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
  ])('%s is said', async (_, env, said) => {
    const program = start({ MONGODB_URL, REDIS_URL, ...env })
    expect(await program.exited).toBe(1)
    expect(program.output()).toContain(said)
  })

  test('a taken port is said', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = String(typeof address === 'object' && address !== null ? address.port : 0)
    const program = start({ MONGODB_URL, REDIS_URL, SIGNING_KEY_FILE: keyFile, PORT: port })
    expect(await program.exited).toBe(1)
    expect(program.output()).toContain(`port ${port}`)
    other.close()
  })

  test('lives without its store, is not ready, and stops gracefully', async () => {
    const program = start({ MONGODB_URL, REDIS_URL, SIGNING_KEY_FILE: keyFile, PORT: '0' })
    const [url, internal] = (await program.listening()).map((port) => `http://127.0.0.1:${port}`)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    // Each waits for the store as long as a call may.
    const [ready, readyInside] = await Promise.all([url, internal].map((each) => fetch(`${each}/readyz`)))
    expect(ready?.status).toBe(503)
    expect(await ready?.json()).toMatchObject({ code: 'StoreUnavailable' })
    expect(readyInside?.status).toBe(503)
    // Metrics are no players' business.
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
    expect(await (await fetch(`${internal}/metrics`)).text()).toContain('program="auth"')
    program.child.kill('SIGTERM')
    expect(await program.exited).toBe(0)
    expect(program.output()).toContain('stopped listening')
    expect(program.output()).not.toContain('hush-hush')
  })
})
