import { readFileSync } from 'node:fs'
import { BailiwickError } from '../../core/errors.ts'
import { z } from '../../core/validate/index.ts'
import { variables } from '../../platform/config/index.ts'
import type { IssuerSettings } from '../../platform/oidc/index.ts'
import { isSafe } from '../../platform/oidc/index.ts'

/** The variables that say which issuers there are. */
export const issuerVariables = {
  OIDC_ISSUERS: variables.text('a JSON list of issuers').optional(),
  PUBLIC_URL: variables.url('https', 'http').optional(),
}

/** Players choose among them, and each costs memory. */
const MAX_ISSUERS = 8

const listed = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, { error: 'lower-case letters, digits and dashes, up to 40' }),
      name: z.string().min(1).max(60),
      url: z
        .string()
        .refine(isIssuerUrl, { error: 'https://… (http:// on this machine alone), without query, fragment and /.well-known/' }),
      clientId: z.string().min(1).max(500),
      secretFile: z.string().min(1).optional(),
      scopes: z
        .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/))
        .max(20)
        .default(['profile']),
      nameClaim: z.string().min(1).max(100).default('preferred_username'),
    }),
  )
  .max(MAX_ISSUERS)

/**
 * The issuers of the configuration: OIDC_ISSUERS, a JSON list of `{id, name, url, clientId, secretFile, scopes, nameClaim}`, and PUBLIC_URL, where browsers reach this service. None: an empty list. Reads the
 * files with their secrets; one without is a public client. Throws ConfigInvalid.
 */
export function readIssuers(config: {
  readonly OIDC_ISSUERS?: string | undefined
  readonly PUBLIC_URL?: string | undefined
}): readonly IssuerSettings[] {
  const issuers = parse(config.OIDC_ISSUERS ?? '[]')
  if (issuers.length === 0) return []
  const origin = originOf(config.PUBLIC_URL)
  const twice = issuers.find((issuer, at) => issuers.findIndex(({ id }) => id === issuer.id) !== at)
  if (twice !== undefined) throw invalid('OIDC_ISSUERS', `two issuers of the id ${twice.id}`, 'give each an id of its own')
  return issuers.map(({ secretFile, ...issuer }) => ({
    ...issuer,
    redirectUri: `${origin}/v1/oidc/${issuer.id}/callback`,
    ...(secretFile === undefined ? {} : { clientSecret: readSecret(issuer.id, secretFile) }),
  }))
}

function parse(text: string): z.output<typeof listed> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid('OIDC_ISSUERS', 'a text that is no JSON', 'write a list of issuers', cause)
  }
  const result = listed.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues.slice(0, 5).map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`)
  throw invalid('OIDC_ISSUERS', faults.join('; '), 'see docs/accounts.md', result.error)
}

function originOf(publicUrl: string | undefined): string {
  const url = publicUrl === undefined ? undefined : new URL(publicUrl)
  if (url === undefined || !isSafe(url) || url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw invalid('PUBLIC_URL', publicUrl ?? 'nothing', 'with issuers set where browsers reach this service, as https://play.example.com')
  }
  return url.origin
}

function readSecret(id: string, file: string): string {
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw invalid(`the secret of the issuer ${id} in ${file}`, 'no file that can be read', 'mount one', cause)
  }
  if (secret === '') throw invalid(`the secret of the issuer ${id} in ${file}`, 'an empty file', 'write it there, or leave secretFile out')
  return secret
}

function isIssuerUrl(text: string): boolean {
  if (text.length > 500 || !URL.canParse(text)) return false
  const url = new URL(text)
  return isSafe(url) && url.search === '' && url.hash === '' && url.username === '' && !url.pathname.includes('/.well-known/')
}

function invalid(asked: string, found: string, todo: string, cause?: unknown): BailiwickError {
  return new BailiwickError('ConfigInvalid', { asked, found, todo, ...(cause === undefined ? {} : { cause }) })
}
