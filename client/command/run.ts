import { BailiwickError, describeError } from '../../core/errors.ts'
import { type Client, createClient } from '../index.ts'
import { tcpConnect } from '../tcp.ts'
import { findCharacter, printCharacters, printSessions, printZone, printZones, readLines, readPassword } from './account-commands.ts'
import { loginAtIssuer } from './issuer-login.ts'
import { type CommandLine, type Environment, readCommandLine, usage } from './options.ts'
import { play } from './play.ts'
import { fileSessionStore, sessionFilePath } from './session-file.ts'
import type { Terminal } from './terminal.ts'
import { wander } from './wander.ts'

interface Run {
  readonly client: Client
  readonly line: CommandLine
  readonly terminal: Terminal
  readonly env: Environment
}

/** Exit code 0, or 1 where the command says that it did not come out well. */
type Command = (run: Run, ...args: string[]) => Promise<boolean>

/** Each with how many arguments it takes, at least and at most. */
const commands: Readonly<Record<string, readonly [least: number, most: number, Command]>> = {
  register: [1, 2, register],
  login: [0, 2, login],
  logout: [0, 0, async ({ client }) => done(client.logout())],
  sessions: [0, 0, async ({ client, terminal }) => done(printSessions(client, terminal))],
  revoke: [1, 1, async ({ client }, id = '') => done(id === 'all' ? client.sessions.revokeAll() : client.sessions.revoke(id))],
  password: [0, 0, changePassword],
  'delete-account': [0, 1, deleteAccount],
  characters: [0, 0, async ({ client, terminal }) => done(printCharacters(client, terminal))],
  create: [1, 1, create],
  rename: [2, 2, rename],
  delete: [1, 1, remove],
  restore: [1, 1, restore],
  zones: [0, 0, async ({ client, terminal }) => done(printZones(client, terminal))],
  zone: [1, 1, async ({ client, terminal }, zone = '') => done(printZone(client, zone, terminal))],
  play: [2, 2, async ({ client, terminal }, zone = '', who = '') => play(client, zone, (await findCharacter(client, who)).id, terminal)],
  wander: [
    2,
    2,
    async ({ client, terminal, line }, zone = '', who = '') =>
      wander(client, zone, (await findCharacter(client, who)).id, line.seconds, terminal),
  ],
}

/** Runs one command line; gives the exit code: 0 done, 1 not done, 2 not understood. */
export async function runCommand(argv: readonly string[], env: Environment, terminal: Terminal): Promise<number> {
  try {
    const line = readCommandLine(argv, env)
    if (line.command === 'help') {
      terminal.out(usage)
      return 0
    }
    const [least, most, command] = commandOf(line)
    if (line.args.length < least || line.args.length > most) throw misused(line.command)
    const sessions = fileSessionStore(sessionFilePath(line.profile, env), line.urls.authUrl)
    const client = createClient({ ...line.urls, sessions, ...(line.tcp ? { connect: tcpConnect } : {}) })
    return (await command({ client, line, terminal, env }, ...line.args)) ? 0 : 1
  } catch (error) {
    terminal.err(describeError(error))
    return error instanceof Misuse ? 2 : 1
  }
}

class Misuse extends Error {}

function commandOf(line: CommandLine): readonly [number, number, Command] {
  const found = Object.hasOwn(commands, line.command) ? commands[line.command] : undefined
  if (found === undefined) throw new Misuse(`There is no command ${line.command}.\n\n${usage}`)
  return found
}

function misused(command: string): Misuse {
  const form = usage.split('\n').find((line) => line.trim().startsWith(command)) ?? ''
  return new Misuse(`Write it so:\n${form}`)
}

async function register({ client, terminal, env }: Run, name = '', password?: string): Promise<boolean> {
  const account = await client.register(name, await readPassword(password, env, terminal))
  terminal.out(`registered ${account.name}; now: login ${account.name}`)
  return true
}

async function login({ client, terminal, env, line }: Run, name?: string, password?: string): Promise<boolean> {
  if ((name === undefined) === (line.issuer === undefined) || (name !== undefined && line.fresh)) throw misused('login')
  const account =
    name === undefined
      ? await loginAtIssuer(client, line.issuer ?? '', terminal, { fresh: line.fresh })
      : await client.login(name, await readPassword(password, env, terminal))
  terminal.out(`logged in as ${account.name}; the session is in ${sessionFilePath(line.profile, env)}`)
  return true
}

async function changePassword({ client, terminal }: Run): Promise<boolean> {
  const [old, next] = await readLines(terminal, ['old password:', 'new password:'])
  await client.changePassword(old ?? '', next ?? '')
  terminal.out('changed; all other sessions have ended')
  return true
}

async function deleteAccount({ client, terminal, env }: Run, password?: string): Promise<boolean> {
  await client.deleteAccount(await readPassword(password, env, terminal))
  terminal.out('deleted')
  return true
}

async function create({ client, terminal }: Run, name = ''): Promise<boolean> {
  const character = await client.characters.create(name)
  terminal.out(`created ${character.name} (${character.id})`)
  return true
}

async function remove({ client, terminal }: Run, idOrName = ''): Promise<boolean> {
  const character = await findCharacter(client, idOrName)
  if (character.name !== idOrName && character.id !== idOrName) {
    throw new BailiwickError('CharacterUnknown', { asked: idOrName, found: character.name, todo: 'write the name as it is' })
  }
  const { deletesAt } = await client.characters.delete(character.id, character.version)
  terminal.out(
    deletesAt == null
      ? `deleted ${character.name}`
      : `${character.name} will be deleted at ${deletesAt}; until then: restore ${character.name}`,
  )
  return true
}

async function rename({ client, terminal }: Run, idOrName = '', name = ''): Promise<boolean> {
  const character = await findCharacter(client, idOrName)
  const renamed = await client.characters.rename(character.id, name, character.version)
  terminal.out(`${character.name} is ${renamed.name} now`)
  return true
}

async function restore({ client, terminal }: Run, idOrName = ''): Promise<boolean> {
  const character = await findCharacter(client, idOrName)
  await client.characters.restore(character.id)
  terminal.out(`${character.name} stays`)
  return true
}

async function done(work: Promise<void>): Promise<boolean> {
  await work
  return true
}
