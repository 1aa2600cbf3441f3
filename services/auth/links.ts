import type { Link } from '../../platform/http/index.ts'

/** How the answers of auth lead to its other questions, for its OpenAPI document. */
type Links = Readonly<Record<string, Link>>

export const registerLinks: Links = {
  login: {
    summary: 'Logs in with the new account',
    to: 'post /v1/sessions',
    body: { name: '$request.body#/name', password: '$request.body#/password' },
  },
}

export const sessionLinks: Links = {
  refresh: { summary: 'The next tokens', to: 'post /v1/sessions/refresh', body: { refreshToken: '$response.body#/refreshToken' } },
}

export const sessionsLinks: Links = {
  end: { summary: 'Ends one of them', to: 'delete /v1/sessions/:id', parameters: { id: '$response.body#/sessions/0/id' } },
}
