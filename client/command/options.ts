import { parseArgs } from 'node:util'
import { BailiwickError, describeError } from '../../core/errors.ts'

export interface Urls {
  readonly authUrl: string
  readonly charactersUrl: string
  readonly allocatorUrl: string
}

export interface CommandLine {
  readonly command: string
  readonly args: readonly string[]
  readonly urls: Urls
  /** Whose session file: two profiles are two players on one machine. */
  readonly profile: string
  /** How long `wander` walks. */
  readonly seconds: number
  readonly tcp: boolean
  /** Where `login` goes; undefined: it asks for name and password. */
  readonly issuer: string | undefined
  /** Also whoever is logged in there already is to log in again. */
  readonly fresh: boolean
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Where `npm start` serves its world. */
const DEFAULT_URL = 'http://127.0.0.1:8080'
const MAX_SECONDS = 3_600

export const usage = `npm run client -- COMMAND [options]

  register NAME [PASSWORD]   make an account
  login NAME [PASSWORD]      log in; the session is kept for the next commands
  login --issuer ID          the same with an account of another issuer, in the browser; --fresh: log in there again, as
                             delete-account and the like want it of an account without a password
  logout
  sessions                   where you are logged in
  revoke SESSION             end one of those logins; all: every one, this one too
  password                   change the password: the old and the new one, each a line of the input
  delete-account             delete the account and its characters; asks for the password
  characters                 list your characters
  create NAME                make a character
  rename CHARACTER NAME      give a character that is in no zone another name
  delete CHARACTER           have a character deleted; for some days it can be restored
  restore CHARACTER          take that back
  zones                      list all zones
  zone ZONE                  where a zone (namespace/name) is served
  play ZONE CHARACTER        go there; then: say, tell, go, pick, drop, who, look, inventory, help, quit
  wander ZONE CHARACTER      a bot that walks around for a while and says what it saw

  --url URL                  where all services are (default ${DEFAULT_URL}), or one by one:
  --auth-url URL  --characters-url URL  --allocator-url URL
  --profile NAME             another player's session on this machine (default: default)
  --seconds N                how long wander walks (default 30, at most ${MAX_SECONDS})
  --tcp                      plain TCP instead of WebSocket

  Without PASSWORD it is read from BAILIWICK_PASSWORD, else from the first line of the standard input.
  BAILIWICK_URL, BAILIWICK_AUTH_URL, BAILIWICK_CHARACTERS_URL and BAILIWICK_ALLOCATOR_URL stand in for the options.`

const options = {
  url: { type: 'string' },
  'auth-url': { type: 'string' },
  'characters-url': { type: 'string' },
  'allocator-url': { type: 'string' },
  profile: { type: 'string' },
  seconds: { type: 'string' },
  tcp: { type: 'boolean' },
  issuer: { type: 'string' },
  fresh: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads arguments and environment. Throws InvalidInput for options that are not known or not well formed. */
export function readCommandLine(argv: readonly string[], env: Environment): CommandLine {
  const { values, positionals } = parse(argv)
  const [command = 'help', ...args] = positionals
  const all = values.url ?? given(env['BAILIWICK_URL']) ?? DEFAULT_URL
  // A --url on the command line is meant for all, whatever the environment says of one.
  const urlOf = (option: string | undefined, variable: string): string =>
    checkedUrl(option ?? (values.url === undefined ? given(env[variable]) : undefined) ?? all)
  return {
    command: values.help === true ? 'help' : command,
    args,
    urls: {
      authUrl: urlOf(values['auth-url'], 'BAILIWICK_AUTH_URL'),
      charactersUrl: urlOf(values['characters-url'], 'BAILIWICK_CHARACTERS_URL'),
      allocatorUrl: urlOf(values['allocator-url'], 'BAILIWICK_ALLOCATOR_URL'),
    },
    profile: checkedProfile(values.profile ?? 'default'),
    seconds: checkedSeconds(values.seconds ?? '30'),
    tcp: values.tcp === true,
    issuer: values.issuer,
    fresh: values.fresh === true,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new BailiwickError('InvalidInput', { found: describeError(cause), todo: 'see --help', cause })
  }
}

function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function checkedUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new BailiwickError('InvalidInput', { asked: `URL ${JSON.stringify(url)}`, todo: 'write it like http://127.0.0.1:8080' })
}

function checkedProfile(profile: string): string {
  if (/^[A-Za-z0-9_-]{1,40}$/.test(profile)) return profile
  throw new BailiwickError('InvalidInput', { asked: `profile ${JSON.stringify(profile)}`, todo: 'use letters, digits, dashes' })
}

function checkedSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d{1,4}$/.test(text) && seconds >= 1 && seconds <= MAX_SECONDS) return seconds
  throw new BailiwickError('InvalidInput', { asked: `${text} seconds`, todo: `a whole number from 1 to ${MAX_SECONDS}` })
}
