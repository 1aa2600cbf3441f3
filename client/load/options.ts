import { parseArgs } from 'node:util'
import { BailiwickError, describeError } from '../../core/errors.ts'
import { LOAD_LIMIT } from '../../core/timing.ts'

export interface LoadOptions {
  /** `namespace/name`. */
  readonly zone: string
  readonly clients: number
  /** How long it is measured. */
  readonly seconds: number
  /** Where all services are. */
  readonly url: string
  /** State frames a second that a client is due. */
  readonly rateHz: number
}

const MAX_CLIENTS = 10_000

export const usage = `npm run load -- --zone NAMESPACE/NAME [options]

  Lets new players into a zone through auth, characters and allocator, has each of them walk about, measures, and leaves.
  --clients N   how many (default 10, at most ${MAX_CLIENTS})
  --seconds N   how long it measures (default 10, at most ${LOAD_LIMIT / 1_000})
  --url URL     where all services are (default http://127.0.0.1:8080)
  --rate N      state frames a second that a client is due (default 20, the zone's tickRate)
  The accounts and characters that it makes stay: there is no way to delete an account.`

/** Throws InvalidInput for what is not understood; undefined: help is asked for. */
export function readLoadOptions(argv: readonly string[]): LoadOptions | undefined {
  const values = parse(argv)
  if (values.help === true || values.zone === undefined) return undefined
  const url = values.url ?? 'http://127.0.0.1:8080'
  if (!URL.canParse(url)) throw new BailiwickError('InvalidInput', { asked: `URL ${url}`, todo: 'write it like http://127.0.0.1:8080' })
  return {
    zone: values.zone,
    url,
    clients: whole('clients', values.clients ?? '10', MAX_CLIENTS),
    seconds: whole('seconds', values.seconds ?? '10', LOAD_LIMIT / 1_000),
    rateHz: whole('rate', values.rate ?? '20', 100),
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const options = { zone: text, clients: text, seconds: text, url: text, rate: text, help: { type: 'boolean', short: 'h' } } as const
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values
  } catch (cause) {
    throw new BailiwickError('InvalidInput', { found: describeError(cause), todo: 'see --help', cause })
  }
}

function whole(name: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value
  throw new BailiwickError('InvalidInput', { asked: `--${name} ${text}`, todo: `a whole number from 1 to ${most}` })
}
