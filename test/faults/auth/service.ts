import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { z } from '../../../core/validate/index.ts'
import { createTokenSigner, type TokenSigner } from '../../../platform/tokens/index.ts'
import { listeningPorts } from '../listening.ts'
import type { Ask } from './operations.ts'

const services = join(import.meta.dirname, '../../../services')

/** Where the service keeps what it knows. */
export interface Place {
  readonly mongoUrl: string
  readonly database: string
  readonly redisUrl: string
}

/** A program that was started. */
export interface Program {
  readonly child: ChildProcess
  /** Settles when it has ended, with its exit code; null: by a signal. */
  readonly gone: Promise<number | null>
  kill(): Promise<void>
}

export interface Service extends Program {
  readonly ask: Ask
  /** Waits until it reaches its store (again). */
  ready(): Promise<void>
}

/** The keys of a service over its restarts: each time it gets a new one that signs, in front of the one before. */
export class Keys {
  readonly file: string
  #before = ''

  constructor(folder: string) {
    this.file = join(folder, 'keys.pem')
  }

  /** What the service seals and opens texts with. */
  signer(): Promise<TokenSigner> {
    return createTokenSigner({ pem: readFileSync(this.file, 'utf8') })
  }

  rotate(): void {
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    writeFileSync(this.file, `${key}${this.#before}`)
    this.#before = key
  }
}

/** Auth as a process, with another key than the last time. Resolves when it answers. */
export async function startAuth({ mongoUrl, database, redisUrl }: Place, keys: Keys): Promise<Service> {
  keys.rotate()
  const program = start([join(services, 'auth/main.ts')], 'pipe', {
    ...{ LOG_LEVEL: 'info', PORT: '0', INTERNAL_PORT: '0', SIGNING_KEY_FILE: keys.file },
    ...{ MONGODB_URL: mongoUrl, MONGODB_DATABASE: database, REDIS_URL: redisUrl },
  })
  try {
    const url = `http://127.0.0.1:${(await listeningPorts(program.child, ['auth'])).get('auth')}`
    const isReady = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok ?? false
    const ready = () => expect.poll(isReady, { timeout: 60_000, interval: 20 }).toBe(true)
    await ready()
    return { ...program, ask: askOf(url), ready }
  } catch (error) {
    await program.kill()
    throw error
  }
}

/** The command that erases one account, as a process. */
export function startErasure({ mongoUrl, database }: Place, account: string): Program {
  return start([join(services, 'account/main.ts'), 'erase', account], 'ignore', { MONGODB_URL: mongoUrl, MONGODB_DATABASE: database })
}

function start(program: readonly string[], stdout: 'pipe' | 'ignore', env: NodeJS.ProcessEnv): Program {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...program], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', stdout, 'inherit'],
  })
  const gone = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  return {
    child,
    gone,
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

function askOf(url: string): Ask {
  return async (method, path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const init = { method, headers, signal: AbortSignal.timeout(30_000), ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch(`${url}${path}`, init)
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(text)) }
  }
}
