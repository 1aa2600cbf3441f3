import { getEventListeners } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readCommandLine } from '../../../client/command/options.ts'
import { runCommand } from '../../../client/command/run.ts'
import { fileSessionStore } from '../../../client/command/session-file.ts'
import { createTerminal } from '../../../client/command/terminal.ts'
import { startWorld, type World } from './doubles/world.ts'

interface Shell {
  readonly out: string[]
  readonly err: string[]
  readonly input: PassThrough
  readonly interrupt: AbortController
  readonly folder: string
  run(...argv: string[]): Promise<number>
}

function shellIn(world: World, more: Record<string, string> = {}): Shell {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-client-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { authUrl, charactersUrl, allocatorUrl } = world.options
  const urls = { BAILIWICK_AUTH_URL: authUrl, BAILIWICK_CHARACTERS_URL: charactersUrl, BAILIWICK_ALLOCATOR_URL: allocatorUrl }
  const out: string[] = []
  const err: string[] = []
  const input = new PassThrough()
  const interrupt = new AbortController()
  const into = (lines: string[]) => (text: string) => void lines.push(text.replace(/\n$/, ''))
  const terminal = createTerminal(input, into(out), into(err), interrupt.signal)
  return { out, err, input, interrupt, folder, run: (...argv) => runCommand(argv, { XDG_CONFIG_HOME: folder, ...urls, ...more }, terminal) }
}

describe('command line', () => {
  it('registers, logs in, keeps the session for the next command, and logs out', async () => {
    const shell = shellIn(await startWorld())
    expect(await shell.run('register', 'ada', 'secret')).toBe(0)
    expect(await shell.run('characters')).toBe(1)
    expect(shell.err).toEqual(['A valid access token is needed; found: nobody is logged in; log in first'])
    expect(await shell.run('login', 'ada', 'secret')).toBe(0)
    const file = join(shell.folder, 'bailiwick', 'session-default.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(shell.folder, 'bailiwick')).mode & 0o777).toBe(0o700)
    expect(await shell.run('characters')).toBe(0)
    expect(shell.out.slice(-2)).toEqual([
      'NAME  NOW      LAST ZONE  POSITION  CARRIES  ID',
      'Ada   offline  -          -         -        c1',
    ])
    expect(await shell.run('--profile', 'ben', 'characters')).toBe(1)
    expect(await shell.run('zones')).toBe(0)
    expect(shell.out.slice(-2)).toEqual(['ZONE         STATE   PLAYERS  LAYERS', 'game/meadow  Asleep  0        0'])
    expect(await shell.run('logout')).toBe(0)
    expect(existsSync(file)).toBe(false)
    expect([...shell.out, ...shell.err].join('\n')).not.toContain('secret')
  })

  it('reads the password from the environment or the input', async () => {
    const world = await startWorld()
    const shell = shellIn(world)
    shell.input.write('wrong\n')
    expect(await shell.run('login', 'ada')).toBe(1)
    expect(shell.err).toEqual(['password:', expect.stringContaining('Name or password is wrong')])
    expect(await shellIn(world, { BAILIWICK_PASSWORD: 'secret' }).run('login', 'ada')).toBe(0)
  })

  it('plays: says, walks, sees, leaves', async () => {
    const world = await startWorld()
    await world.startHost('host-1')
    const shell = shellIn(world)
    await shell.run('login', 'ada', 'secret')
    const ended = shell.run('play', 'game/meadow', 'ada')
    for (const line of [
      'say hello',
      'go north 0.05',
      'go up',
      'tell Nobody psst',
      'pick lantern',
      'pick c1',
      'drop lantern',
      'who',
      'inventory',
      'dance',
      'quit',
    ]) {
      shell.input.write(`${line}\n`)
    }
    expect(await ended).toBe(0)
    for (const line of [
      'you are c1 in game/meadow/0, epoch 1',
      'c1: hello',
      'go where? north, south, east, west',
      'Nobody has not heard you',
      'there is no lantern in view',
      'c1 is nothing to pick up',
      'you do not carry a lantern',
      'you carry nothing',
      'dance? (help lists what you can do)',
      'goodbye (left)',
      'you have left',
    ]) {
      expect(shell.out).toContain(line)
    }
    expect(shell.out.filter((line) => /^you stand at \(/.test(line)).length).toBe(2)
    const applied = world.characters
      .get('c1')
      ?.applied.map(({ body }) => (body.case === 'move' ? [body.value.vx, body.value.vy] : body.case))
    expect(applied).toEqual(['say', [0, 5_000], [0, 0], 'tell', 'leave'])
  })

  it('the end of the input leaves, and so does Ctrl-C', async () => {
    const world = await startWorld()
    await world.startHost('host-1')
    const shell = shellIn(world)
    await shell.run('login', 'ada', 'secret')
    const first = shell.run('play', 'game/meadow', 'Ada')
    shell.input.end('say bye\n')
    expect(await first).toBe(0)
    const other = shellIn(world)
    await other.run('login', 'ada', 'secret')
    const second = other.run('play', 'game/meadow', 'c1')
    // Who is not welcome yet has nobody to tell that it leaves.
    await expect.poll(() => other.out).toContain('you are c1 in game/meadow/0, epoch 1')
    other.interrupt.abort()
    expect(await second).toBe(0)
    expect(world.characters.get('c1')?.applied.map(({ body }) => body.case)).toEqual(['say', 'leave', 'leave'])
  })

  it('Ctrl-C leaves while it still joins, and before', async () => {
    const world = await startWorld()
    const shell = shellIn(world)
    await shell.run('login', 'ada', 'secret')
    const ended = shell.run('play', 'game/meadow', 'Ada')
    // Nobody is there who would welcome it.
    await expect.poll(() => getEventListeners(shell.interrupt.signal, 'abort').length).toBe(1)
    shell.interrupt.abort()
    expect(await ended).toBe(0)
    expect(shell.out.at(-1)).toBe('you have left')
    expect(await shell.run('play', 'game/meadow', 'Ada')).toBe(0)
    expect(await shell.run('wander', 'game/meadow', 'Ada')).toBe(1)
    expect(shell.err).toEqual([])
  })

  it('a session that the host ends is told, with an exit code', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const shell = shellIn(world)
    await shell.run('login', 'ada', 'secret')
    const ended = shell.run('play', 'game/meadow', 'Ada')
    await expect.poll(() => host.zone.players.length).toBe(1)
    host.zone.players[0]?.send({ case: 'said', value: { from: 'Eve', text: '\u001b[2Jgotcha' } })
    host.zone.players[0]?.send({ case: 'goodbye', value: { reason: 'Replaced' } })
    expect(await ended).toBe(1)
    expect(shell.out.slice(-2)).toEqual(['goodbye (Replaced)', 'ended by the host: Replaced'])
    expect(shell.out).toContain('Eve: �[2Jgotcha')
    expect(await shell.run('play', 'game/nowhere', 'Ada')).toBe(1)
    expect(await shell.run('play', 'meadow', 'Ada')).toBe(1)
    expect(shell.err.at(-1)).toBe('The request is not well formed; asked: meadow; write namespace/name')
    expect(await shell.run('play', 'game/meadow', 'Nobody')).toBe(1)
    expect(shell.err.at(-1)).toBe('There is no such character; asked: Nobody; found: Ada; make one with: create NAME')
  })

  it('wanders for a while and sums it up', async () => {
    const world = await startWorld()
    await world.startHost('host-1')
    const shell = shellIn(world)
    await shell.run('login', 'ada', 'secret')
    expect(await shell.run('wander', 'game/meadow', 'Ada', '--seconds', '1')).toBe(0)
    expect(shell.out.at(-1)).toMatch(
      /^wandered for 1 s \(left\): walked [\d.]+ m and stood at \(.+\); \d+ states over 1 connections; met nobody/,
    )
    expect(world.characters.get('c1')?.applied.some(({ body }) => body.case === 'move')).toBe(true)
  })

  it.each([
    [['bogus'], 2],
    [['play', 'game/meadow'], 2],
    [['zones', '--nope'], 1],
    [['zones', '--url', 'ftp://x'], 1],
    [['zones', '--profile', '../x'], 1],
    [['wander', 'a/b', 'c', '--seconds', '0'], 1],
    [['wander', 'a/b', 'c', '--seconds', '99999'], 1],
    [['--help'], 0],
    [[], 0],
  ] as const)('%j → %d', async (argv, code) => {
    const lines: string[] = []
    const add = (text: string) => void lines.push(text)
    expect(await runCommand(argv, { XDG_CONFIG_HOME: tmpdir() }, createTerminal(new PassThrough(), add, add))).toBe(code)
    expect(lines.join('')).not.toBe('')
  })

  it('takes URLs from options before the environment', () => {
    const env = { BAILIWICK_URL: 'http://all', BAILIWICK_AUTH_URL: 'http://auth' }
    expect(readCommandLine(['zones'], env).urls).toEqual({
      authUrl: 'http://auth',
      charactersUrl: 'http://all',
      allocatorUrl: 'http://all',
    })
    expect(readCommandLine(['zones', '--url', 'http://x'], env).urls.authUrl).toBe('http://x')
    expect(readCommandLine(['zones', '--auth-url', 'http://y'], env).urls).toMatchObject({
      authUrl: 'http://y',
      charactersUrl: 'http://all',
    })
  })
})

describe('session file', () => {
  const session = { account: { id: 'a', name: 'ada' }, accessToken: 'x', refreshToken: 'y', expiresAt: 1 }
  const pathIn = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'bailiwick-session-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return join(folder, 'deep', 'session.json')
  }

  it('is for one auth service: its tokens are not given to another', async () => {
    const path = pathIn()
    await fileSessionStore(path, 'http://one').save(session)
    expect(await fileSessionStore(path, 'http://one').load()).toEqual(session)
    expect(await fileSessionStore(path, 'http://other').load()).toBeUndefined()
  })

  it.each(['', 'not json', '[]', '{}', '{"authUrl":"http://one","session":{"accessToken":1}}', '{"authUrl":"http://one","session":null}'])(
    'a file of something else counts as none: %s',
    async (text) => {
      const path = pathIn()
      const store = fileSessionStore(path, 'http://one')
      await store.save(session)
      writeFileSync(path, text)
      expect(await store.load()).toBeUndefined()
    },
  )

  it('programs take turns, and a lock that was left behind does not stop them for ever', async () => {
    const path = pathIn()
    const stores = [fileSessionStore(path, 'http://one'), fileSessionStore(path, 'http://one')]
    let inside = 0
    const turns = Array.from({ length: 6 }, (_, k) =>
      stores[k % 2]?.exclusive(async () => {
        inside += 1
        expect(inside).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 5))
        inside -= 1
      }),
    )
    await Promise.all(turns)
    writeFileSync(`${path}.lock`, '')
    const old = Date.now() / 1_000 - 3_600
    utimesSync(`${path}.lock`, old, old)
    expect(await stores[0]?.exclusive(async () => 'in')).toBe('in')
    await stores[0]?.save(session)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ authUrl: 'http://one' })
  })
})
