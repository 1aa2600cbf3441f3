import { expect, test } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import { readConfig, variables } from '../../../platform/config/index.ts'

const shape = {
  PORT: variables.port(8080),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  LOG_LEVEL: variables.logLevel(),
  WATCH_NAMESPACES: variables.list('namespaces'),
  POD_NAME: variables.text('the name of the pod'),
}

test('reads, converts and fills in', () => {
  const config = readConfig(shape, { MONGODB_URL: 'mongodb://db', POD_NAME: 'p', LOG_LEVEL: '', WATCH_NAMESPACES: 'a, b,', UNRELATED: 'x' })
  expect(config).toEqual({ PORT: 8080, MONGODB_URL: 'mongodb://db', LOG_LEVEL: 'info', WATCH_NAMESPACES: ['a', 'b'], POD_NAME: 'p' })
})

test('lists every bad variable with what is expected, and no secret', () => {
  const env = { PORT: '70000', MONGODB_URL: 'redis://user:hush@db', LOG_LEVEL: 'loud' }
  let error: unknown
  try {
    readConfig(shape, env)
  } catch (caught) {
    error = caught
  }
  expect(error).toBeInstanceOf(BailiwickError)
  expect(error).toMatchObject({ code: 'ConfigInvalid' })
  const text = String(error)
  expect(text).toContain('PORT: is "70000", expected a whole number from 0 to 65535')
  expect(text).toContain('MONGODB_URL: has a value that does not fit (not shown), expected a URL that begins with mongodb://')
  expect(text).toContain('LOG_LEVEL: is "loud", expected one of debug, info, warn, error, silent')
  expect(text).toContain('POD_NAME: is not set, expected the name of the pod')
  expect(text).not.toContain('hush')
})
