import { describeError } from '../core/errors.ts'
import { readConfig } from '../platform/config/index.ts'
import { createLog } from '../platform/log/index.ts'
import { createIssuer } from '../platform/oidc/index.ts'
import { issuerVariables, readIssuers } from '../services/auth/issuer-config.ts'
import { readArguments, usage, type WorldArguments } from './options.ts'
import { createEmbeddedWorld } from './world.ts'

/** `npm start`: the embedded world. */
async function main(): Promise<void> {
  const asked = readArguments(process.argv.slice(2), process.env)
  if (asked === undefined) console.log(usage)
  else await run(asked)
}

async function run({ port, host, zones, data, logLevel }: WorldArguments): Promise<void> {
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
  Client       npm run client -- --url ${world.url} zones (--help: all that it does)
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
