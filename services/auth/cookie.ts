import { BailiwickError } from '../../core/errors.ts'
import { SESSION_TTL } from '../../core/timing.ts'

/**
 * The refresh token of a browser: where no script can read it, sent by this site's own pages alone, and never to a sub-domain or over plain HTTP (RFC 6265bis: `__Host-`).
 */
const COOKIE = '__Host-bailiwick-refresh'
/** A header that no form and no other site's script can set without a preflight, which is never answered. */
export const OWN_PAGE_HEADER = 'x-bailiwick-page'

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** The value of Set-Cookie that keeps a refresh token. */
export function keepCookie(refreshToken: string): string {
  return `${COOKIE}=${refreshToken}; ${attributes}; Max-Age=${SESSION_TTL / 1_000}`
}

/** The value of Set-Cookie that drops it. */
export const dropCookie = `${COOKIE}=; ${attributes}; Max-Age=0`

/**
 * The refresh token of a request's cookie. A browser sends the cookie by itself, so the request must be one of our own page (against CSRF): with the header that other sites can't set, of
 * the same origin as far as the browser says. Throws CrossSite; SessionEnded when there is no cookie.
 */
export function refreshTokenOf(header: (name: string) => string | undefined): string {
  assertOwnPage(header)
  const token = cookieOf(header, COOKIE)
  if (token === undefined) throw new BailiwickError('SessionEnded', { found: 'no session cookie', todo: 'log in again' })
  return token
}

/** The refresh token that a browser has kept until now; undefined: none, or two, one of which was planted. */
export function keptToken(header: (name: string) => string | undefined): string | undefined {
  return cookieOf(header, COOKIE)
}

/** The value of a request's cookie; undefined: there is none, or there are two. */
export function cookieOf(header: (name: string) => string | undefined, cookie: string): string | undefined {
  const found = (header('cookie') ?? '').split(';').flatMap((part) => {
    const [name = '', value = ''] = part.trim().split('=', 2)
    return name === cookie ? [value] : []
  })
  // Two of them: one was planted. Which one is not for us to guess.
  return found.length === 1 ? found[0] : undefined
}

/** Throws CrossSite unless the request is one of our own page. */
export function assertOwnPage(header: (name: string) => string | undefined): void {
  const site = header('sec-fetch-site')
  const origin = header('origin')
  const host = header('x-forwarded-host') ?? header('host')
  const fromElsewhere = (site !== undefined && site !== 'same-origin') || (origin !== undefined && hostOf(origin) !== host)
  if (fromElsewhere || header(OWN_PAGE_HEADER) === undefined) {
    throw new BailiwickError('CrossSite', {
      found: fromElsewhere ? `a request of ${(origin ?? site ?? '').slice(0, 100)}` : `no header ${OWN_PAGE_HEADER}`,
      todo: `send ${OWN_PAGE_HEADER}: 1 from a page of the same origin, or use refresh tokens in the body`,
    })
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
