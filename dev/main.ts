import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeError } from '../core/errors.ts'
import { readConfig } from '../platform/config/index.ts'
import { createLog, type LogLevel, logLevels } from '../platform/log/index.ts'
import { createIssuer } from '../platform/oidc/index.ts'
import { issuerVariables, readIssuers } from '../services/auth/issuer-config.ts'
import { createEmbeddedWorld } from './world.ts'

const root = join(import.meta.dirname, '..')
const usage = `npm start -- [--port 8080] [--host 127.0.0.1] [--zones examples/world] [--data .bailiwick] [--log warn]`

/** `npm start`: the embedded world. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
      zones: { type: 'string', default: join(root, 'examples', 'world') },
      data: { type: 'string', default: join(root, '.bailiwick') },
      log: { type: 'string', default: 'warn' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(usage)
  if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port ${values.port}: a number is needed`)
  const logLevel = logLevels.find((level) => level === values.log)
  if (logLevel === undefined) throw new Error(`--log ${values.log}: one of ${logLevels.join(', ')}`)
  await run(Number(values.port), values.host, values.zones, values.data, logLevel)
}

async function run(port: number, host: string, zones: string, data: string, logLevel: LogLevel): Promise<void> {
  const log = createLog({ name: 'bailiwick', level: logLevel })
  const environment = readConfig(issuerVariables, process.env)
  const settings = readIssuers({ ...environment, PUBLIC_URL: environment.PUBLIC_URL ?? `http://${host}:${port}` })
  const issuers = settings.map((each) => createIssuer(each, { log }))
  const world = await createEmbeddedWorld({ port, host, zones, data, log, logLevel, capacity: 4, issuers })
  const names = world.folder
    .list()
    .map((zone) => `${zone.metadata.namespace}/${zone.metadata.name} (${zone.spec.activation ?? 'OnDemand'})`)
  console.log(`
Bailiwick, embedded: operator, allocator, auth, characters and zone servers in this process.

  Open         ${world.url}
  Zones        ${names.join(', ') || 'none yet'}
  From         ${zones} (a saved file is an apply)
  Data         ${data} (delete it to begin anew)
  Stop         Ctrl-C
`)
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    console.log('Stopping: every layer is closed with a snapshot. Ctrl-C again to stop at once.')
    world.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    )
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
}

function fail(error: unknown): never {
  console.error(`bailiwick: ${describeError(error)}`)
  process.exit(1)
}

main().catch(fail)
