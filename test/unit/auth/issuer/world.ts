import { z } from '../../../../core/validate/index.ts'
import type { IssuerSettings } from '../../../../platform/oidc/index.ts'
import { createIssuer } from '../../../../platform/oidc/index.ts'
import type { AuthDeps } from '../../../../services/auth/app.ts'
import { freePort } from '../../../free-port.ts'
import { collectLog } from '../serve-app.ts'
import { stage } from '../stage.ts'
import { Browser } from './browser.ts'
import type { RealIssuer } from './real-issuer.ts'
import { startRealIssuer } from './real-issuer.ts'

/** Where no answer is late on purpose, none shall be because the machine is busy. */
export const PATIENT = 15_000

export const own = { 'x-bailiwick-page': '1', 'sec-fetch-site': 'same-origin' }

export const identity = z.object({
  issuer: z.object({ id: z.string(), name: z.string() }),
  account: z.object({ id: z.string(), name: z.string() }).nullable(),
  suggestedName: z.string().nullable(),
  proof: z.string().optional(),
})

/** Settings of an issuer that this service knows as `studio`. */
export function settingsFor({ url, clientId, clientSecret }: Pick<RealIssuer, 'url' | 'clientId' | 'clientSecret'>, port: number) {
  return {
    ...{ id: 'studio', name: 'Studio account', url, clientId, clientSecret },
    ...{ scopes: ['profile'], nameClaim: 'preferred_username' },
    redirectUri: redirectUriOf(port),
  }
}

export function redirectUriOf(port: number): string {
  return `http://127.0.0.1:${port}/v1/oidc/studio/callback`
}

/** The auth service with one real issuer, and people with browsers. */
export async function worldWithIssuer(deps: Partial<AuthDeps> = {}) {
  const port = await freePort()
  const issuer = await startRealIssuer([redirectUriOf(port)])
  return { issuer, ...(await worldWith([settingsFor(issuer, port)], port, deps, { callDeadlineMs: PATIENT })) }
}

/** The auth service with issuers of these settings. */
export async function worldWith(
  settings: readonly IssuerSettings[],
  port: number,
  deps: Partial<AuthDeps> = {},
  more: Partial<Parameters<typeof createIssuer>[1]> = {},
) {
  const { log, lines: said } = collectLog()
  const staged = await stage({ issuers: settings.map((each) => createIssuer(each, { log, ...more })), ...deps }, port)
  const { url } = staged.served
  return {
    ...staged,
    url,
    /** What was logged, by the service and of its issuers. */
    logged: () => [...said, ...staged.lines].join('\n'),
    person: () => personAt(url),
  }
}

/** A person with a browser of their own at our page. */
export function personAt(url: string) {
  const browser = new Browser()
  const { origin } = new URL(url)
  const isBack = (at: URL): boolean => at.origin === origin && at.hash !== ''
  const post = async (path: string, body: object, token?: string) => {
    const headers = { ...own, 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const response = await browser.ask(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await response.text()
    const answered: Record<string, unknown> = text === '' ? {} : JSON.parse(text)
    return { status: response.status, body: answered, headers: response.headers }
  }
  return {
    browser,
    post,
    /** To the issuer and back; where the page is then, and what it is told. */
    async atIssuer(path = '/v1/oidc/studio/login') {
      const at = await browser.go(`${url}${path}`, isBack)
      return { path: at.pathname + at.search, told: at.hash }
    },
    identify: async () => identity.parse((await post('/v1/oidc/identity', {})).body),
    open: (more: object = {}) => post('/v1/oidc/sessions', more),
  }
}
