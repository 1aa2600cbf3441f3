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

export const issuerLinks: Links = {
  login: { summary: 'Logs in there', to: 'get /v1/oidc/:issuer/login', parameters: { issuer: '$response.body#/issuers/0/id' } },
}

export const identitiesLinks: Links = {
  remove: {
    summary: 'One of them shall open the account no more',
    to: 'post /v1/accounts/current/identities/:id/removal',
    parameters: { id: '$response.body#/identities/0/id' },
  },
}
