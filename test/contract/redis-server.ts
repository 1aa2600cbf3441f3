import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../free-port.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** The process it runs in now; undefined while it is down. */
  readonly pid: number | undefined
  /** Kills the process as a crash does (SIGKILL). Its data stays. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data. */
  start(): Promise<void>
  /** Removes its data while it is down. */
  forget(): Promise<void>
  /** Stops it and removes its data. */
  stop(): Promise<void>
}

const run = promisify(execFile)
const START_LIMIT = 15_000
const installed = ['/usr/bin/redis-server', '/usr/local/bin/redis-server']

/** The redis-server of this machine; Debian's package is installed when there is none and we may. */
export async function findRedisServer(): Promise<string> {
  for (const path of installed) if (await exists(path)) return path
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  const [path = ''] = installed
  if (await exists(path)) return path
  throw new Error('redis-server is needed: install the package redis-server')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Setting under which `DEBUG CHANGE-REPL-ID` works: a server is then another one for its clients without a restart. */
export const changeableReplid = ['--enable-debug-command', 'yes']

/** For a server that is never started again: it writes no file, and so waits for no disk that others keep busy. */
export const withoutDisk = ['--appendonly', 'no']

/** A real Redis on a free port of the loopback address, with the settings that the chart recommends and those given. */
export async function startRedisServer(settings: readonly string[] = []): Promise<RedisServer> {
  const program = await findRedisServer()
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    if (child !== undefined) return
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no', '--save', '']
    const started = spawn(program, [...fixed, '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', ...settings], { stdio: 'ignore' })
    child = started
    const end = performance.now() + START_LIMIT
    // Another's Redis may have taken the port meanwhile: then ours ends.
    while (!(await answers(port, started.pid))) {
      if (started.exitCode !== null) throw new Error(`redis-server ended with code ${started.exitCode}`)
      if (performance.now() > end) throw new Error(`redis-server does not answer on port ${port}`)
      await delay(10)
    }
  }

  async function kill(): Promise<void> {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGKILL')
    await ended
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child?.pid
    },
    kill,
    start,
    async forget() {
      if (child !== undefined) throw new Error('a Redis that runs keeps its data')
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
    },
    async stop() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** True once it answers PONG, and is this process: while it loads its data it answers an error. */
export async function answers(port: number, pid: number | undefined): Promise<boolean> {
  const socket = createConnection({ port, host: '127.0.0.1' })
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(500, () => resolve(false))
      socket.on('error', () => resolve(false))
      socket.on('end', () => resolve(false))
      let said = ''
      socket.on('data', (data) => {
        said += data.toString()
        const found = /\nprocess_id:(\d+)\r/.exec(said)?.[1]
        if (found !== undefined || said.startsWith('-')) resolve(said.startsWith('+PONG') && Number(found) === pid)
      })
      socket.write('PING\r\nINFO server\r\n')
    })
  } finally {
    socket.destroy()
  }
}
