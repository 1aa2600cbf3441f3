import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readArguments } from '../../../dev/options.ts'

const root = join(import.meta.dirname, '../../..')

test('without arguments: the example on port 8080, with its data beside it', () => {
  expect(readArguments([], {})).toEqual({
    port: 8080,
    host: '127.0.0.1',
    zones: join(root, 'examples', 'world'),
    data: join(root, '.bailiwick'),
    logLevel: 'warn',
  })
})

test('the port is what the arguments say, else what PORT says', () => {
  expect(readArguments([], { PORT: '9090' })?.port).toBe(9090)
  expect(readArguments([], { PORT: '' })?.port).toBe(8080)
  expect(readArguments(['--port', '9191'], { PORT: '9090' })?.port).toBe(9191)
})

test.each([
  [['--port', '65536'], {}, /asked: port 65536; a port is a number from 0 to 65535/],
  [['--port', 'web'], {}, /asked: port web/],
  [[], { PORT: '-1' }, /asked: port -1/],
  [['--log', 'loud'], {}, /asked: --log loud; it is one of debug, info/],
  [['--zones', join(root, 'nowhere')], {}, /asked: --zones .*nowhere; found: no folder; name a folder that is there/],
  [['--zones', join(root, 'package.json')], {}, /found: no folder/],
  [['--prot', '1'], {}, /asked: --prot 1; found: Unknown option '--prot'.*; npm start -- --help says what there is/],
  [['9090'], {}, /asked: 9090; found: Unexpected argument/],
])('%j with %j is refused', (argv, env, message) => {
  expect(() => readArguments(argv, env)).toThrow(
    expect.objectContaining({ code: 'ConfigInvalid', message: expect.stringMatching(message) }),
  )
})

test('--help asks for the usage', () => {
  expect(readArguments(['--help', '--port', 'web'], {})).toBeUndefined()
})
