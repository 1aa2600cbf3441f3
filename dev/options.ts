import { statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BailiwickError, describeError } from '../core/errors.ts'
import { type LogLevel, logLevels } from '../platform/log/index.ts'

const root = join(import.meta.dirname, '..')

export const usage = `npm start -- [--port 8080] [--host 127.0.0.1] [--zones examples/world] [--data .bailiwick] [--log warn]

  --port    where the page and all services are; also the variable PORT. 0 takes a free one
  --host    the address to listen on
  --zones   the folder of Zone manifests and their content
  --data    where accounts, characters and snapshots are kept; made when it is not there
  --log     ${logLevels.join(', ')}`

export interface WorldArguments {
  readonly port: number
  readonly host: string
  readonly zones: string
  readonly data: string
  readonly logLevel: LogLevel
}

/** What `npm start` was asked for; undefined: to say what it can be asked for. Throws ConfigInvalid. */
export function readArguments(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): WorldArguments | undefined {
  const values = parse(argv, env)
  if (values.help) return undefined
  const port = Number(values.port)
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw invalid(`port ${values.port}`, 'a port is a number from 0 to 65535')
  const logLevel = logLevels.find((level) => level === values.log)
  if (logLevel === undefined) throw invalid(`--log ${values.log}`, `it is one of ${logLevels.join(', ')}`)
  if (statSync(values.zones, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw invalid(`--zones ${values.zones}`, 'name a folder that is there', 'no folder')
  return { port, host: values.host, zones: values.zones, data: values.data, logLevel }
}

function parse(argv: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const given = env['PORT']
  try {
    return parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string', default: given === undefined || given === '' ? '8080' : given },
        host: { type: 'string', default: '127.0.0.1' },
        zones: { type: 'string', default: join(root, 'examples', 'world') },
        data: { type: 'string', default: join(root, '.bailiwick') },
        log: { type: 'string', default: 'warn' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (cause) {
    throw invalid(argv.join(' '), 'npm start -- --help says what there is', describeError(cause))
  }
}

function invalid(asked: string, todo: string, found?: string): BailiwickError {
  return new BailiwickError('ConfigInvalid', { asked, todo, ...(found === undefined ? {} : { found }) })
}
