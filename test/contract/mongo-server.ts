import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { ensureTool } from '../cluster/tools.ts'
import { freePort } from '../free-port.ts'

export interface MongoServer {
  readonly url: string
  /** The name of a database that nobody else uses; `remove` drops it. */
  database(): string
  /** Kills it (-9) and starts it again with the data that it had, on the same port. One that was given from outside is left alone. */
  restart(): Promise<void>
  /** Stops it and removes its data; of one that was given from outside the databases that were named here. */
  remove(): Promise<void>
}

const START_LIMIT_MS = 30_000

/** How long a test may wait for the server, ms: it may have to be built first, beside other builds. */
export const MONGO_BUILD_LIMIT = 900_000

/** The server that MONGODB_URL names, or a FerretDB of our own on a free loopback port. Builds it when it is not built yet (about 80 s). */
export async function startMongo(): Promise<MongoServer> {
  const given = process.env['MONGODB_URL']
  const named: string[] = []
  const database = (): string => {
    const name = `bailiwick-test-${randomUUID()}`
    named.push(name)
    return name
  }
  if (given !== undefined) return { url: given, database, restart: async () => {}, remove: () => dropDatabases(given, named) }
  const program = await ensureTool('ferretdb', (line) => console.error(line))
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-mongo-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    // It collects less often than by itself: an eighth of the time that it takes, for some memory.
    child = spawn(program, ['--port', String(port), '--dbpath', folder], { stdio: 'ignore', env: { ...process.env, GOGC: '400' } })
    await untilListening(port, child)
  }
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  // A test run that is broken off leaves nothing behind.
  const onExit = (): void => {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', onExit)
  await start()
  return {
    url: `mongodb://127.0.0.1:${port}/`,
    database,
    async restart() {
      await stop()
      await start()
    },
    async remove() {
      await stop()
      onExit()
      process.off('exit', onExit)
    },
  }
}

async function dropDatabases(url: string, names: readonly string[]): Promise<void> {
  const client = new MongoClient(url)
  try {
    for (const name of names) await client.db(name).dropDatabase()
  } finally {
    await client.close()
  }
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const end = Date.now() + START_LIMIT_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the MongoDB server ended with exit code ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false)
    socket.destroy()
    if (open) return
    if (Date.now() > end) throw new Error(`the MongoDB server does not listen on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export interface Proxy {
  readonly url: string
  /** forward: as if it were not there. hang: takes everything, answers nothing. refuse: cuts all connections and every new one. */
  set(mode: 'forward' | 'hang' | 'refuse'): void
  close(): Promise<void>
}

/** A proxy in front of the server of a MongoDB URL. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  let mode: 'forward' | 'hang' | 'refuse' = 'forward'
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    if (mode === 'refuse') {
      near.destroy()
      return
    }
    const far = connect(Number(port === '' ? 27_017 : port), hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data: Buffer) => mode === 'forward' && to.write(data))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  const url = new URL(target)
  url.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  url.searchParams.set('directConnection', 'true')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    set(next) {
      // What hung is not half-forwarded afterwards: its connections are cut when the fault ends.
      if (next === 'refuse' || mode === 'hang') cut()
      mode = next
    },
    async close() {
      cut()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
