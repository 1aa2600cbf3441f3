import { BailiwickError } from '../../core/errors.ts'
import { z } from '../../core/validate/index.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The checked configuration: every variable that `shape` names, from `env`. An empty variable counts as absent.
 * Throws ConfigInvalid, which lists every bad variable with what is expected; the value of a secret is never in it.
 */
export function readConfig<S extends z.ZodRawShape>(shape: S, env: Environment): z.output<z.ZodObject<S>> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(shape)) {
    const value = env[name]
    if (value !== undefined && value !== '') given[name] = value
  }
  const result = z.object(shape).safeParse(given)
  if (result.success) return result.data
  const lines = result.error.issues.map((issue) => {
    const name = issue.path.map(String).join('.')
    return `${name}: ${given[name] === undefined ? 'is not set' : foundText(name, given[name])}, expected ${expectation(issue)}`
  })
  throw new BailiwickError('ConfigInvalid', { found: lines.join('; '), todo: 'set these environment variables' })
}

/** Kinds of variables that more than one program has. */
export const variables = {
  /** A TCP port; 0 takes a free one. */
  port: (standard: number) => wholeNumber(0, 65_535).default(standard),
  count: (least: number, most: number, standard: number) => wholeNumber(least, most).default(standard),
  text: (expected: string) => z.string({ error: expected }).min(1),
  /** A URL with one of the schemes, given without colon. */
  url: (...schemes: readonly string[]) =>
    z
      .string({ error: urlExpectation(schemes) })
      .refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
        error: urlExpectation(schemes),
      }),
  logLevel: () => {
    const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
    return z.enum(levels, { error: `one of ${levels.join(', ')}` }).default('info')
  },
  flag: (standard: boolean) => {
    const error = 'true or false'
    return z
      .enum(['true', 'false'], { error })
      .default(standard ? 'true' : 'false')
      .transform((text) => text === 'true')
  },
  /** Comma separated; absent: empty. */
  list: (expected: string) =>
    z
      .string({ error: expected })
      .default('')
      .transform((text) => text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]))),
} as const

function wholeNumber(least: number, most: number) {
  const error = `a whole number from ${least} to ${most}`
  return z
    .string({ error })
    .regex(/^\d{1,15}$/, { error })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error })
}

function urlExpectation(schemes: readonly string[]): string {
  return `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`
}

function expectation(issue: z.core.$ZodIssue): string {
  return issue.message
}

function foundText(name: string, value: string): string {
  // URLs of databases hold credentials.
  if (/URL|URI|PASS|SECRET|TOKEN|KEY|CREDENTIAL/i.test(name)) return 'has a value that does not fit (not shown)'
  return `is ${JSON.stringify(value.slice(0, 80))}`
}
